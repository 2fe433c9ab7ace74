/**
 * Reads large configuration files on a thread of their own, so that main's loop keeps turning. Nothing of it is loaded or started
 * for files of usual size, and no thread stays behind. Thread: main.
 */
import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PartChannel } from '../workers/main/part_channel.ts';
import type { ParsedCluster } from './config/cluster_parser.ts';
import { ConfigError } from './config/config_error.ts';
import type { ConfigTask, ConfigTaskResult } from './config/config_task.ts';
import type { ReadConfig } from './config/read_config.ts';
import type { DumpTexts } from './config_dump.ts';

/**
 * Files above this many bytes are read by the pool. A thread adds 0.2 s to the start, more on a busy machine, so it has to take as
 * much off main: 256 KiB of YAML (650 clusters) hold main up for a quarter of a second, JSON half as long.
 */
const LARGE_YAML_BYTES = 256 * 1024;
const LARGE_FILE_BYTES = 512 * 1024;

/** Whether a configuration file is one for `readInPool`. What cannot be looked at is not. */
export function isLargeFile(path: string): boolean {
  if (path === '') return false;
  try {
    return statSync(path).size > (/\.ya?ml$/.test(path) ? LARGE_YAML_BYTES : LARGE_FILE_BYTES);
  } catch {
    return false;
  }
}

/** A configuration read elsewhere. */
export interface PoolRead {
  readonly read: ReadConfig;
  /** Resolves a little later, when the thread has ended. */
  readonly dump: Promise<DumpTexts>;
}

/**
 * What `readConfig` returns (only its top is frozen: that alone would hold main up for long), from a thread that lives as long as
 * this and the dump take. Rejects with a ConfigError as that throws,
 * and with another error when there can be no such thread.
 * `entry`: the module that runs a ConfigTask as `run`, with all extensions.
 */
export async function readInPool(entry: URL, task: Omit<ConfigTask, 'clusters' | 'result'>): Promise<PoolRead> {
  const { Piscina } = await import('piscina');
  const clusterParts = new PartChannel();
  const results = new PartChannel();
  const pool = new Piscina<ConfigTask, DumpTexts | undefined>({
    filename: fileURLToPath(entry), name: 'run', minThreads: 1, maxThreads: 1,
    // Main's stack size: a nesting that main refuses as too deep is refused here as well.
    resourceLimits: { stackSizeMb: 1 },
  });
  // A list, whatever the pool's types make of the overloads of postMessage.
  const transferList: object = [clusterParts.sender, results.sender];
  const running = pool.run({ ...task, clusters: clusterParts.sender, result: results.sender }, { transferList });
  const dump = running.finally(() => pool.destroy()).then((texts) => texts ?? Promise.reject(new Error('the configuration was refused')));
  // Whoever wants the dump is told; nobody may.
  dump.catch(() => {});
  try {
    // The task ends after its result, unless it fails.
    const result = (await Promise.race([results.next(), running.then(() => new Promise<never>(() => {}))])) as ConfigTaskResult;
    if (result.kind === 'refused') throw ConfigError.rendered(result.text, result.summary);
    await nextTurn();
    const { read } = result;
    const clusters: ParsedCluster[] = [];
    // All were posted before the result.
    await clusterParts.receiveAll((part) => {
      for (const cluster of part as ParsedCluster[]) clusters.push(cluster);
    });
    return { read: { ...read, config: Object.freeze({ ...read.config, clusters: Object.freeze(clusters) }) }, dump };
  } finally {
    clusterParts.close();
    results.close();
  }
}
