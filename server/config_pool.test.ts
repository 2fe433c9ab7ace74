import { describe, expect, it } from 'vitest';
import { bootstrap, loadAssignment } from '../test/process/support/bootstraps.ts';
import { configFolder, wholeRegistry } from '../test/support/config_folder.ts';
import { passesDuring } from '../test/support/turn_watch.ts';
import { ConfigError } from './config/config_error.ts';
import { CLUSTERS_PER_MESSAGE, runConfigTask } from './config/config_task.ts';
import { readConfig } from './config/read_config.ts';
import { ConfigDump, dumpTexts } from './config_dump.ts';
import { isLargeFile, readInPool } from './config_pool.ts';

const ENTRY = new URL('../bin/config_main.ts', import.meta.url);

const folder = configFolder();
const CLUSTERS = 400;

/** Many clusters, with routes to every one of them; `extra` becomes a field of the last cluster. */
function largeBootstrap(extra: string): string {
  const numbers = Array.from({ length: CLUSTERS }, (_, i) => i);
  return bootstrap({
    top: 'node: {id: node1, metadata: {shared: &shared {a: [1, 2.5, true, null]}, again: *shared}}',
    routes: numbers.map((i) => `- {match: {prefix: /s${i}/}, route: {cluster: service_${i}}}`).join('\n'),
    clusters: `${numbers.map((i) => `  - name: service_${i}\n    connect_timeout: 0.25s\n    ${loadAssignment(`service_${i}`, [80, 81, 82])}\n`).join('')}    ${extra}\n`,
  });
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
    const large = folder.source('large.yaml', largeBootstrap('lb_policy: LEAST_REQUEST\n    per_connection_buffer_limit_bytes: 7'));
    const pooled = await readInPool(ENTRY, { source: large, disabledExtensions: [] });
    const { read, loaded } = readConfig(large, wholeRegistry());
    expect(pooled.read).toStrictEqual(read);
    expect(pooled.read.config.clusters).toHaveLength(CLUSTERS);
    expect(pooled.read.config.clusters.at(-1)?.config.perConnectionBufferLimitBytes).toBe(7);
    expect(await dumped(new ConfigDump(() => pooled.dump, 0))).toStrictEqual(await dumped(new ConfigDump(() => dumpTexts(loaded), 0)));
    expect([Object.isFrozen(pooled.read.config), Object.isFrozen(pooled.read.config.clusters)]).toEqual([true, true]);
  });

  it('leaves the loop free while it reads', async () => {
    const entry = new URL('../test/support/watched_config_main.ts', import.meta.url);
    const large = folder.source('watched.yaml', largeBootstrap('lb_policy: RANDOM'));
    expect(await passesDuring(async () => {
      await (await readInPool(entry, { source: large, disabledExtensions: [] })).dump;
    })).toBe(2);
  });

  it('is given no part larger than CLUSTERS_PER_MESSAGE', () => {
    const sizes: number[] = [];
    const clusters = { postMessage: (part: unknown) => sizes.push((part as unknown[]).length) };
    runConfigTask({ source: folder.source('parts.yaml', largeBootstrap('lb_policy: RANDOM')), disabledExtensions: [], clusters, result: { postMessage: () => sizes.push(0) } }, wholeRegistry());
    // The result comes last.
    expect(sizes).toEqual([...new Array<number>(CLUSTERS / CLUSTERS_PER_MESSAGE).fill(CLUSTERS_PER_MESSAGE), 0]);
  });

  it('runs one more thread meanwhile and leaves none behind', async () => {
    const before = threadCount();
    let most = before;
    let isReading = true;
    const reading = readInPool(ENTRY, { source: folder.source('threads.yaml', largeBootstrap('lb_policy: RANDOM')), disabledExtensions: [] });
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
    const bad = folder.source(name, content);
    const pooled = await refusal(() => readInPool(ENTRY, { source: bad, disabledExtensions: [] }));
    const inPlace = await refusal(() => readConfig(bad, wholeRegistry()));
    expect([pooled.message, pooled.summary, pooled.name]).toEqual([inPlace.message, inPlace.summary, inPlace.name]);
    expect(pooled.message.length).toBeGreaterThan(20);
  });

  it('reads without the extensions that are disabled', async () => {
    const large = folder.source('disabled.yaml', largeBootstrap('lb_policy: RANDOM'));
    const { message } = await refusal(() => readInPool(ENTRY, { source: large, disabledExtensions: ['envoy.filters.http/envoy.filters.http.router'] }));
    expect(message).toContain("Didn't find a registered implementation for 'envoy.filters.http.router'");
  });

  it('leaves small files and what cannot be read to the caller', () => {
    const sized = (name: string, bytes: number) => isLargeFile(folder.source(name, ' '.repeat(bytes)).configPath);
    expect([sized('small.yaml', 1000), sized('medium.json', 300_000), sized('medium.yaml', 300_000), sized('large.json', 600_000), sized('large.pb', 600_000)])
      .toEqual([false, false, true, true, true]);
    expect([isLargeFile(folder.path('missing.yaml')), isLargeFile('')]).toEqual([false, false]);
  });
});
