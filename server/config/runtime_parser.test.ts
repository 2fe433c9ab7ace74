import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configRegistry } from '../../test/support/config_registry.ts';
import { testDescriptors } from '../../test/support/parse_yaml.ts';
import { loadBootstrap } from '../bootstrap/load_bootstrap.ts';
import type { ServerConfig } from './server_config.ts';
import { buildConfig } from './snapshot_builder.ts';

function build(yaml: string): { config: ServerConfig; errors: string[]; warnings: string[] } {
  const loaded = loadBootstrap({ configPath: '', configYaml: yaml, allowUnknownStaticFields: false, skipDeprecatedLogs: true }, testDescriptors());
  const config = buildConfig(loaded.message, [], loaded.context(configRegistry()));
  return { config, errors: loaded.problems.errors().map(({ text }) => text), warnings: loaded.problems.warnings().map(({ text }) => text) };
}

it('reads runtime layers on disk where they are', () => {
  const folder = mkdtempSync(join(tmpdir(), 'envoyts-runtime-'));
  const root = join(folder, 'v1');
  const yaml = `
node: {id: node1, cluster: own}
layered_runtime: {layers: [{name: s, static_layer: {a: 1}}, {name: own, disk_layer: {symlink_root: ${root}, append_service_cluster: true}}, {name: all, disk_layer: {symlink_root: ${root}}}]}`;
  try {
    mkdirSync(join(root, 'own'), { recursive: true });
    writeFileSync(join(root, 'own', 'a'), '5');
    writeFileSync(join(root, 'bad'), '{');
    const { config, errors, warnings } = build(yaml);
    expect([errors, warnings]).toEqual([[], [expect.stringMatching(/^this layer counts for nothing: .*bad: yaml-cpp: error at line 1, column 1: end of map flow not found$/)]]);
    expect(config.runtime).toEqual({ a: '5' });
    expect(config.runtimeLayers[1]).toMatchObject({ disk: { root, subdirectory: '', appendsServiceCluster: true } });
  } finally {
    rmSync(folder, { recursive: true });
  }
  const text = `unable to add filesystem watch for file ${root}: No such file or directory`;
  expect(build(yaml).errors).toEqual([text, text]);
});
