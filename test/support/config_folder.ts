import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import type { ConfigSource } from '../../server/config/read_config.ts';

/** Configuration files of one test file, in a folder that is there while its tests run. */
export interface ConfigFolder {
  /** Of a file that need not be there. */
  path(name: string): string;
  /** Writes a file. */
  source(name: string, content: string | Uint8Array): ConfigSource;
}

export function configFolder(): ConfigFolder {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'envoyts-config-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const path = (name: string): string => join(folder, name);
  return {
    path,
    source(name, content) {
      const configPath = path(name);
      writeFileSync(configPath, content);
      return { configPath, configYaml: '', allowUnknownStaticFields: false, skipDeprecatedLogs: false, statsTags: [], isLogFormatSet: false };
    },
  };
}

/** With everything that there is. */
export function wholeRegistry(): FactoryRegistry {
  const registry = new FactoryRegistry();
  registerAllExtensions(registry);
  return registry;
}
