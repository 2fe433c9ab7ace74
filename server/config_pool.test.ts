import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeToValue } from '../core/api/config_node.ts';
import { SourceText } from '../core/api/source_text.ts';
import { testDescriptors } from '../test/support/parse_yaml.ts';
import { BOOTSTRAP_TYPE, loadBootstrap } from './bootstrap/load_bootstrap.ts';
import { renderProblem } from './config/config_error.ts';
import type { LoadedConfig } from './config/loaded_config.ts';
import { type ParsedText, parseText } from './config/parsed_text.ts';
import { LARGE_FILE_BYTES, parseInPool, parseLargeFile } from './config_pool.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'envoyts-pool-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

/** More than the limit for YAML; `extra` becomes a field of the last cluster. */
function largeBootstrap(extra: string): string {
  const parts = ['node: {id: node1, cluster: c1, metadata: {shared: &shared {a: [1, 2.5, true, null]}, again: *shared}}\nstatic_resources:\n  clusters:\n'];
  for (let i = 0, length = 0; length <= LARGE_FILE_BYTES.yaml; i++) {
    const endpoint = (port: number) => `{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${port}}}}}`;
    const cluster = `  - name: service_${i}\n    type: STATIC\n    connect_timeout: 0.25s\n    load_assignment:\n      cluster_name: service_${i}\n      endpoints:\n      - lb_endpoints: [${endpoint(80)}, ${endpoint(81)}, ${endpoint(82)}]\n`;
    parts.push(cluster);
    length += cluster.length;
  }
  return `${parts.join('')}    ${extra}\n`;
}

function load(configPath: string, parsed: ParsedText | undefined) {
  return loadBootstrap({ configPath, configYaml: '', allowUnknownStaticFields: false, skipDeprecatedLogs: false }, testDescriptors(), parsed);
}

/** JavaScript threads besides this one. */
function threadCount(): number {
  const report = process.report.getReport() as { readonly workers: readonly unknown[] };
  return report.workers.length;
}

function rendered(config: LoadedConfig<object>): string[] {
  return [...config.problems.errors(), ...config.problems.warnings()].map(renderProblem);
}

describe('the configuration pool', () => {
  it('loads a large file to the same message as in place, while the loop keeps turning', async () => {
    const path = file('large.yaml', largeBootstrap('lb_policy: LEAST_REQUEST'));
    let turns = 0;
    let isLoading = true;
    const turn = (): void => {
      turns++;
      if (isLoading) setImmediate(turn);
    };
    setImmediate(turn);
    const parsed = await parseLargeFile(path);
    isLoading = false;
    expect(parsed).toBeDefined();
    expect(turns).toBeGreaterThan(100);
    const pooled = load(path, parsed);
    const inPlace = load(path, undefined);
    expect(rendered(pooled)).toEqual([]);
    const desc = testDescriptors().requireMessage(BOOTSTRAP_TYPE);
    expect(Buffer.compare(toBinary(desc, pooled.rawRoot()), toBinary(desc, inPlace.rawRoot()))).toBe(0);
  });

  it('leaves no thread behind', async () => {
    const before = threadCount();
    const parsing = parseInPool(new SourceText('a.yaml', 'a: 1'), 'yaml');
    let most = before;
    let isParsing = true;
    const watch = (): void => {
      most = Math.max(most, threadCount());
      if (isParsing && most === before) setImmediate(watch);
    };
    setImmediate(watch);
    await parsing;
    isParsing = false;
    expect(most).toBe(before + 1);
    expect(threadCount()).toBe(before);
  });

  it('reports the same errors at the same places as in place', async () => {
    const path = file('errors.yaml', largeBootstrap('lb_polcy: RANDOM\n    lb_policy: SIDEWAYS\n    connect_timeout: soon'));
    const errors = rendered(load(path, await parseLargeFile(path)));
    expect(errors).toEqual(rendered(load(path, undefined)));
    expect(errors.join('\n')).toContain('lb_polcy');
    expect(errors.length).toBeGreaterThan(3);
  });

  it.each([
    ['yaml', 'a: [1, 2\nb: "x\n'],
    ['yaml', 'a: *nowhere'],
    ['yaml', '['.repeat(5000)],
    ['yaml', ''],
    ['json', '{"a": [1, 2,, 3]}'],
    ['json', '{"a": 1, "a": 2}'],
  ] as const)('reads %s %j as in place', async (format, text) => {
    const source = new SourceText(`odd.${format}`, text);
    const pooled = await parseInPool(source, format);
    expect(pooled).toEqual(parseText(source, format));
    for (const problem of pooled.problems) expect(problem.range?.source).toBe(source);
  });

  it('keeps an aliased node one node', async () => {
    const { node } = await parseInPool(new SourceText('a.yaml', 'a: &x {b: 18446744073709551615, c: off}\nd: *x'), 'yaml');
    if (node?.kind !== 'map') throw new Error('not a map');
    expect(node.entries[1].value).toBe(node.entries[0].value);
    expect(nodeToValue(node, 0)).toEqual({ a: { b: '18446744073709551615', c: false }, d: { b: '18446744073709551615', c: false } });
  });

  it('leaves small files, binary ones and what cannot be read to the caller', async () => {
    expect(await parseLargeFile(file('small.yaml', 'node: {id: x}'))).toBeUndefined();
    expect(await parseLargeFile(file('large.pb', 'x'.repeat(LARGE_FILE_BYTES.yaml + 1)))).toBeUndefined();
    expect(await parseLargeFile(file('medium.json', ' '.repeat(LARGE_FILE_BYTES.yaml + 1)))).toBeUndefined();
    expect(await parseLargeFile(join(dir, 'missing.yaml'))).toBeUndefined();
    expect(await parseLargeFile('')).toBeUndefined();
  });
});
