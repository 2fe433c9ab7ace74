#!/usr/bin/env node
// Starts envoyts. Written so that an old Node can still parse it and say what is wrong.
// In a checkout (sources beside this file) it runs the TypeScript sources, so that an edit is never shadowed by a stale build;
// in the published package, which has no sources, it runs dist/.
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(`envoyts needs Node.js 24 or newer (this is ${process.version})\n`);
  process.exit(1);
}
var sources = new URL('./envoyts.ts', import.meta.url);
if (process.getBuiltinModule('node:fs').existsSync(sources)) {
  // Without a cache every thread would strip types by itself at every start. The variable is how worker threads learn of it.
  // The folder belongs to this checkout: code from a shared temporary folder would be anybody's code.
  if (process.env.NODE_COMPILE_CACHE === undefined) {
    process.env.NODE_COMPILE_CACHE = process
      .getBuiltinModule('node:url')
      .fileURLToPath(new URL('../node_modules/.cache/envoyts', import.meta.url));
  }
  process.getBuiltinModule('node:module').enableCompileCache(process.env.NODE_COMPILE_CACHE);
  import(sources.href);
} else {
  // Log lines and errors name places in the sources.
  process.getBuiltinModule('node:module').setSourceMapsSupport(true, { nodeModules: true, generatedCode: false });
  import(new URL('../dist/bin/envoyts.js', import.meta.url).href);
}
