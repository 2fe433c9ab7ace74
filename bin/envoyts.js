#!/usr/bin/env node
// Starts envoyts. Written so that an old Node can still parse it and say what is wrong.
// In a checkout (sources beside this file) it runs the TypeScript sources, so that an edit is never shadowed by a stale build;
// in the published package, which has no sources, it runs dist/.
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write('envoyts needs Node.js 24 or newer (this is ' + process.version + ')\n');
  process.exit(1);
}
var sources = new URL('./envoyts.ts', import.meta.url);
var built = new URL('../dist/bin/envoyts.js', import.meta.url);
process.getBuiltinModule('node:module').enableCompileCache();
import(process.getBuiltinModule('node:fs').existsSync(sources) ? sources.href : built.href);
