import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { CASES_DIR, type CaseOutcome, caseFiles, loadCase } from '../support/load_case.ts';

// Real public configurations, and what becomes of each: bootstrap_outcomes.json. A feature that lands moves rows from refused
// to loads; `UPDATE_OUTCOMES=1` writes the file anew.
const EXPECTED = fileURLToPath(new URL('./bootstrap_outcomes.json', import.meta.url));
const ALL_EXTENSIONS = new URL('../../extensions/all_extensions.ts', import.meta.url);
const FOLDERS = ['bootstrap', 'legacy-v2', 'negative', 'newer-api', 'template', 'xds'];
const isUpdate = process.env.UPDATE_OUTCOMES === '1';

/** Every extension there is; undefined while the list does not exist. */
async function allExtensions(): Promise<FactoryRegistry | undefined> {
  if (!existsSync(ALL_EXTENSIONS)) return undefined;
  const module = (await import(/* @vite-ignore */ ALL_EXTENSIONS.href)) as Record<string, unknown>;
  const register = Object.entries(module).find(([name, value]) => name.startsWith('register') && typeof value === 'function')?.[1];
  if (register === undefined) throw new Error('all_extensions.ts exports no register function');
  const registry = new FactoryRegistry();
  (register as (registry: FactoryRegistry) => void)(registry);
  return registry;
}

const isPresent = existsSync(CASES_DIR);
if (!isPresent) console.warn(`SKIPPED: the collection of public configurations is not at ${relative(process.cwd(), CASES_DIR)}`);

describe.skipIf(!isPresent)('public configurations', async () => {
  const factories = await allExtensions();
  if (factories === undefined) console.warn('only the loading of the protos is compared: extensions/all_extensions.ts does not exist');
  const expected = (existsSync(EXPECTED) ? JSON.parse(readFileSync(EXPECTED, 'utf8')) : {}) as Record<string, CaseOutcome>;
  const actual: Record<string, CaseOutcome> = {};
  const paths = FOLDERS.flatMap(caseFiles);

  it.each(paths.map((path) => [relative(CASES_DIR, path), path]))('%s', (name, path) => {
    const outcome = loadCase(path, factories);
    actual[name] = outcome;
    if (isUpdate) return;
    if (factories === undefined) expect(outcome.load).toBe(expected[name]?.load);
    else expect(outcome).toEqual(expected[name]);
  });

  it('every expectation has its file', () => {
    if (isUpdate) writeFileSync(EXPECTED, `${JSON.stringify(actual, undefined, 2)}\n`);
    else expect(Object.keys(expected).sort()).toEqual(paths.map((path) => relative(CASES_DIR, path)).sort());
  });

  it('every bootstrap that a v3 proxy must read is read', () => {
    const refused = caseFiles('bootstrap').map((path) => relative(CASES_DIR, path)).filter((name) => actual[name]?.load !== 'loads');
    expect(refused).toEqual([]);
  });
});
