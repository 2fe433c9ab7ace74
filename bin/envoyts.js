#!/usr/bin/env node
// Starts envoyts. Written so that an old Node can still parse it and say what is wrong.
// The published package has no sources: it runs dist/. A checkout runs dist/ too, which starts in half the time, as long as no
// source has changed since it was built; otherwise the sources themselves, so that an edit is never shadowed by a stale build.
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(`envoyts needs Node.js 24 or newer (this is ${process.version})\n`);
  process.exit(1);
}
var root = process.getBuiltinModule('node:url').fileURLToPath(new URL('..', import.meta.url));

// Without a cache every thread would compile (and, of sources, strip) everything by itself at every start. The variable is how worker
// threads learn of it. The folder belongs to this package: code from a shared temporary folder would be anybody's code. Where it
// cannot be written there is none.
function useCompileCache(folder) {
  if (process.env.NODE_COMPILE_CACHE === undefined) {
    process.env.NODE_COMPILE_CACHE = root + folder;
  }
  process.getBuiltinModule('node:module').enableCompileCache(process.env.NODE_COMPILE_CACHE);
}

function runBuilt() {
  useCompileCache('dist/.cache');
  // Log lines and errors name places in the sources.
  process.getBuiltinModule('node:module').setSourceMapsSupport(true, { nodeModules: true, generatedCode: false });
  import(new URL('../dist/bin/envoyts.js', import.meta.url).href);
}

function runSources() {
  useCompileCache('node_modules/.cache/envoyts');
  import(new URL('./envoyts.ts', import.meta.url).href);
}

if (process.getBuiltinModule('node:fs').existsSync(`${root}bin/envoyts.ts`)) {
  import('./is_built.js').then((module) => (module.isBuilt(root) ? runBuilt() : runSources()));
} else {
  runBuilt();
}
