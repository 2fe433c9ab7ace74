import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setEnvironmentData } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FactoryRegistry } from '../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../extensions/all_extensions.ts';
import { ConfigError } from './config/config_error.ts';
import { CLUSTERS_PER_MESSAGE, runConfigTask } from './config/config_task.ts';
import { type ConfigSource, readConfig } from './config/read_config.ts';
import { ConfigDump, dumpTexts } from './config_dump.ts';
import { isLargeFile, readInPool } from './config_pool.ts';
import { WATCH_KEY, Word } from '../test/support/turn_watch.ts';

const ENTRY = new URL('../bin/config_main.ts', import.meta.url);

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'envoyts-pool-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function source(name: string, content: string | Uint8Array): ConfigSource {
  const configPath = join(dir, name);
  writeFileSync(configPath, content);
  return { configPath, configYaml: '', allowUnknownStaticFields: false, skipDeprecatedLogs: false, statsTags: [], isLogFormatSet: false };
}

const CLUSTERS = 400;

/** Many clusters, with routes to every one of them; `extra` becomes a field of the last cluster. */
function largeBootstrap(extra: string): string {
  const endpoint = (port: number) => `{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${port}}}}}`;
  const numbers = Array.from({ length: CLUSTERS }, (_, i) => i);
  const clusters = numbers.map((i) => `
  - name: service_${i}
    connect_timeout: 0.25s
    load_assignment: {cluster_name: service_${i}, endpoints: [{lb_endpoints: [${endpoint(80)}, ${endpoint(81)}, ${endpoint(82)}]}]}`);
  const routes = numbers.map((i) => `
              - {match: {prefix: /s${i}/}, route: {cluster: service_${i}}}`);
  return `
node: {id: node1, metadata: {shared: &shared {a: [1, 2.5, true, null]}, again: *shared}}
static_resources:
  listeners:
  - name: main
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config:
            name: all
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:${routes.join('')}
  clusters:${clusters.join('')}
    ${extra}
`;
}

function registry(): FactoryRegistry {
  const all = new FactoryRegistry();
  registerAllExtensions(all);
  return all;
}

/** JavaScript threads besides this one. */
function threadCount(): number {
  const report = process.report.getReport() as { readonly workers: readonly unknown[] };
  return report.workers.length;
}

async function refusal(work: () => unknown): Promise<ConfigError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

async function dumped(dump: ConfigDump): Promise<unknown> {
  return (await dump.sections()).map(({ key, typeName, fields, lists }) => ({
    key, typeName, fields: fields(), lists: lists.map(({ field, items }) => ({ field, items: items.map((item) => [item.name, item.json()]) })),
  }));
}

// Every test starts a thread that loads the whole reader: seconds on a busy machine.
describe('the configuration pool', { timeout: 60_000 }, () => {
  it('reads a large file to what is read in place, and can dump it', async () => {
    const large = source('large.yaml', largeBootstrap('lb_policy: LEAST_REQUEST\n    per_connection_buffer_limit_bytes: 7'));
    const pooled = await readInPool(ENTRY, { source: large, disabledExtensions: [] });
    const { read, loaded } = readConfig(large, registry());
    expect(pooled.read).toStrictEqual(read);
    expect(pooled.read.config.clusters).toHaveLength(CLUSTERS);
    expect(pooled.read.config.clusters.at(-1)?.config.perConnectionBufferLimitBytes).toBe(7);
    expect(await dumped(new ConfigDump(() => pooled.dump, 0))).toStrictEqual(await dumped(new ConfigDump(() => dumpTexts(loaded), 0)));
    expect([Object.isFrozen(pooled.read.config), Object.isFrozen(pooled.read.config.clusters)]).toEqual([true, true]);
  });

  it('leaves the loop free while it reads', async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    setEnvironmentData(WATCH_KEY, words.buffer as unknown as Parameters<typeof setEnvironmentData>[1]);
    let isReading = true;
    const turn = (): void => {
      Atomics.add(words, Word.turns, 1);
      Atomics.notify(words, Word.turns);
      if (isReading) setImmediate(turn);
    };
    setImmediate(turn);
    const entry = new URL('../test/support/watched_config_main.ts', import.meta.url);
    const { dump } = await readInPool(entry, { source: source('watched.yaml', largeBootstrap('lb_policy: RANDOM')), disabledExtensions: [] });
    await dump;
    isReading = false;
    expect(Atomics.load(words, Word.passes)).toBe(2);
  });

  it('is given no part larger than CLUSTERS_PER_MESSAGE', () => {
    const sizes: number[] = [];
    const clusters = { postMessage: (part: unknown) => sizes.push((part as unknown[]).length) };
    runConfigTask({ source: source('parts.yaml', largeBootstrap('lb_policy: RANDOM')), disabledExtensions: [], clusters, result: { postMessage: () => sizes.push(0) } }, registry());
    // The result comes last.
    expect(sizes).toEqual([...new Array<number>(CLUSTERS / CLUSTERS_PER_MESSAGE).fill(CLUSTERS_PER_MESSAGE), 0]);
  });

  it('runs one more thread meanwhile and leaves none behind', async () => {
    const before = threadCount();
    let most = before;
    let isReading = true;
    const reading = readInPool(ENTRY, { source: source('threads.yaml', largeBootstrap('lb_policy: RANDOM')), disabledExtensions: [] });
    const watch = (): void => {
      most = Math.max(most, threadCount());
      if (isReading && most === before) setImmediate(watch);
    };
    setImmediate(watch);
    await (await reading).dump;
    isReading = false;
    expect(most).toBe(before + 1);
    expect(threadCount()).toBe(before);
  });

  it.each([
    ['errors.yaml', largeBootstrap('lb_polcy: RANDOM\n    lb_policy: SIDEWAYS\n    connect_timeout: soon')],
    ['built.yaml', largeBootstrap('type: EDS')],
    ['syntax.yaml', 'a: [1, 2\nb: "x\n'], ['anchor.yaml', 'a: *nowhere'], ['deep.yaml', '['.repeat(5000)], ['empty.yaml', ''],
    ['syntax.json', '{"a": [1, 2,, 3]}'], ['twice.json', '{"a": 1, "a": 2}'], ['broken.pb', new Uint8Array([255, 255])],
  ])('refuses %s in the words and at the places as in place', async (name, content) => {
    const bad = source(name, content);
    const pooled = await refusal(() => readInPool(ENTRY, { source: bad, disabledExtensions: [] }));
    const inPlace = await refusal(() => readConfig(bad, registry()));
    expect([pooled.message, pooled.summary, pooled.name]).toEqual([inPlace.message, inPlace.summary, inPlace.name]);
    expect(pooled.message.length).toBeGreaterThan(20);
  });

  it('reads without the extensions that are disabled', async () => {
    const large = source('disabled.yaml', largeBootstrap('lb_policy: RANDOM'));
    const { message } = await refusal(() => readInPool(ENTRY, { source: large, disabledExtensions: ['envoy.filters.http/envoy.filters.http.router'] }));
    expect(message).toContain("Didn't find a registered implementation for 'router'");
  });

  it('leaves small files and what cannot be read to the caller', () => {
    const sized = (name: string, bytes: number) => isLargeFile(source(name, ' '.repeat(bytes)).configPath);
    expect([sized('small.yaml', 1000), sized('medium.json', 300_000), sized('medium.yaml', 300_000), sized('large.json', 600_000), sized('large.pb', 600_000)])
      .toEqual([false, false, true, true, true]);
    expect([isLargeFile(join(dir, 'missing.yaml')), isLargeFile('')]).toEqual([false, false]);
  });
});
