import { readdirSync, readFileSync } from 'node:fs';
import { loadBootstrap } from './server/bootstrap/load_bootstrap.ts';
import { loadDescriptors } from './server/bootstrap/load_descriptors.ts';
import { buildConfig } from './server/config/snapshot_builder.ts';
import { configRegistry } from './test/support/config_registry.ts';
const reg = loadDescriptors();
const dir = '/work/shared/cases/bootstrap/';
const files = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(dir).map((f) => dir + f);
for (const f of files) {
  const c = loadBootstrap({ configPath: f, configYaml: '', allowUnknownStaticFields: false, skipDeprecatedLogs: true }, reg);
  try {
    if (!c.problems.hasErrors) {
      const built = buildConfig(c.message, [], c.context(configRegistry()));
      structuredClone(built);
      if (process.argv.length > 2) console.log(JSON.stringify(built, (k, v) => k === 'position' ? undefined : v, 1));
    }
    c.finish();
  } catch (e) { console.log('CRASH', f, e); continue; }
  const e = c.problems.errors(), w = c.problems.warnings();
  console.log(f.replace(dir, ''), e.length, 'errors', w.length, 'warnings');
  for (const p of [...e.slice(0, 4), ...(process.argv.length > 2 ? w : w.slice(0, 3))]) console.log('   ', p.severity, p.path.slice(-60), '|', p.text.slice(0, 150));
}
