/**
 * Reading a large configuration on a thread of its own: what that thread does, and what crosses. Everything that grows with the
 * file is done there, so that main takes in finished pieces of bounded size. Thread: pool.
 */
import { EqualParts } from '../../core/base/share_equal.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { PartSender } from '../../workers/main/part_channel.ts';
import { dumpTexts, type DumpTexts } from '../config_dump.ts';
import type { ParsedCluster } from './cluster_parser.ts';
import { ConfigError } from './config_error.ts';
import { type ConfigSource, type ReadConfig, readConfig } from './read_config.ts';
import type { ServerConfig } from './server_config.ts';

/** Clusters in one message: about a millisecond for whoever takes it in. */
export const CLUSTERS_PER_MESSAGE = 100;

/** What to read. Plain data but for the port. */
export interface ConfigTask {
  readonly source: ConfigSource;
  /** `category/name`, as --disable-extensions gives them. */
  readonly disabledExtensions: readonly string[];
  /** Where clusters go, in order, up to CLUSTERS_PER_MESSAGE at once. */
  readonly clusters: PartSender;
}

/** What came of it. Plain data. */
export type ConfigTaskResult =
  /** `text` and `summary` of a ConfigError. */
  | { readonly kind: 'refused'; readonly text: string; readonly summary: string }
  | {
    readonly kind: 'read';
    /** Without its clusters, which were posted before. */
    readonly read: Omit<ReadConfig, 'config'> & { readonly config: Omit<ServerConfig, 'clusters'> };
    readonly dump: DumpTexts;
  };

/** Never throws on what a configuration can contain. */
export function runConfigTask(task: ConfigTask, registry: FactoryRegistry): ConfigTaskResult {
  try {
    const { read, loaded } = readConfig(task.source, registry);
    const parts = new EqualParts();
    const { clusters, ...config } = read.config;
    for (let i = 0; i < clusters.length; i += CLUSTERS_PER_MESSAGE) {
      const batch: ParsedCluster[] = clusters.slice(i, i + CLUSTERS_PER_MESSAGE).map((cluster) => parts.share(cluster));
      task.clusters.postMessage(batch);
    }
    return { kind: 'read', read: { ...read, config: { ...config, listeners: parts.share(config.listeners) } }, dump: dumpTexts(loaded) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { kind: 'refused', text: error.message, summary: error.summary };
  }
}
