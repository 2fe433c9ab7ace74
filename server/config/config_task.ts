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
import type { LoadedConfig } from './loaded_config.ts';
import { type ConfigSource, type ReadConfig, readConfig } from './read_config.ts';
import type { ServerConfig } from './server_config.ts';

/** Clusters in one message: about a millisecond for whoever takes it in. */
export const CLUSTERS_PER_MESSAGE = 100;

/** What to read. Plain data but for the ports. */
export interface ConfigTask {
  readonly source: ConfigSource;
  /** `category/name`, as --disable-extensions gives them. */
  readonly disabledExtensions: readonly string[];
  /** Where clusters go, in order, up to CLUSTERS_PER_MESSAGE at once. */
  readonly clusters: PartSender;
  /** Where the one ConfigTaskResult goes, after all clusters. */
  readonly result: PartSender;
}

/** What came of it. Plain data. */
export type ConfigTaskResult =
  /** `text` and `summary` of a ConfigError. */
  | { readonly kind: 'refused'; readonly text: string; readonly summary: string }
  /** Without its clusters, which were posted before. */
  | { readonly kind: 'read'; readonly read: Omit<ReadConfig, 'config'> & { readonly config: Omit<ServerConfig, 'clusters'> } };

/**
 * Never throws on what a configuration can contain.
 * @returns the texts for a dump, which are printed after the result has been posted: nobody waits for them; undefined when it was refused.
 */
export function runConfigTask(task: ConfigTask, registry: FactoryRegistry): DumpTexts | undefined {
  const post = (result: ConfigTaskResult): void => task.result.postMessage(result);
  let loaded: LoadedConfig<object>;
  try {
    const done = readConfig(task.source, registry);
    loaded = done.loaded;
    const { clusters, ...config } = done.read.config;
    const parts = new EqualParts();
    for (let i = 0; i < clusters.length; i += CLUSTERS_PER_MESSAGE) {
      task.clusters.postMessage(clusters.slice(i, i + CLUSTERS_PER_MESSAGE).map((cluster) => sharing(cluster, parts)));
    }
    post({ kind: 'read', read: { ...done.read, config } });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    post({ kind: 'refused', text: error.message, summary: error.summary });
    return undefined;
  }
  return dumpTexts(loaded);
}

/** The same cluster; what it has in common with others is one object. */
function sharing({ config, discovery, health, outliers }: ParsedCluster, parts: EqualParts): ParsedCluster {
  const endpoints = discovery.endpoints.map((endpoint) => parts.shareMembers(endpoint));
  return { config: parts.shareMembers(config), discovery: parts.shareMembers({ ...discovery, endpoints }), health, outliers };
}
