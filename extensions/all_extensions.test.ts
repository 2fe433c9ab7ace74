import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FactoryRegistry } from '../core/registry/factory_registry.ts';
import { registerAllExtensions } from './all_extensions.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));

interface Row {
  readonly types: Readonly<Record<string, string>>;
  readonly status: string;
  readonly security: string;
  readonly threads: readonly string[];
}

const rows = parse(readFileSync(`${HERE}extensions_metadata.yaml`, 'utf8')) as Record<string, Row>;

function registered(): string[] {
  const registry = new FactoryRegistry();
  registerAllExtensions(registry);
  return registry.categories().flatMap((category) => registry.list(category).map((factory) => `${factory.name} ${category} ${factory.typeName}`));
}

describe('the list of extensions', () => {
  it('agrees with the metadata', () => {
    const described = Object.entries(rows).flatMap(([name, row]) => Object.entries(row.types).map(([category, type]) => `${name} ${category} ${type}`));
    expect(registered().sort()).toEqual(described.sort());
  });

  it('imports the config.ts of every extension there is', () => {
    const source = readFileSync(`${HERE}all_extensions.ts`, 'utf8');
    const files = readdirSync(HERE, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('/config.ts'));
    expect(files.filter((path) => !source.includes(`'./${path}'`))).toEqual([]);
  });

  it.each(Object.entries(rows))('%s says how far it is, what it may face and where it runs', (_name, row) => {
    expect(['stable', 'alpha', 'wip']).toContain(row.status);
    expect(['robust_to_untrusted_downstream', 'robust_to_untrusted_downstream_and_upstream', 'requires_trusted_downstream_and_upstream', 'data_plane_agnostic']).toContain(row.security);
    expect(row.threads.length).toBeGreaterThan(0);
    for (const thread of row.threads) expect(['main', 'worker', 'flush']).toContain(thread);
  });
});
