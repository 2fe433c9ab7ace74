import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { parseApplicationLog } from '../bootstrap/application_log.ts';
import { type BootstrapSource, loadBootstrap } from '../bootstrap/load_bootstrap.ts';
import { loadDescriptors } from '../bootstrap/load_descriptors.ts';
import type { CommandLineTag } from '../stats/stats_config.ts';
import { ConfigError, renderProblemLine } from './config_error.ts';
import type { LoadedConfig } from './loaded_config.ts';
import type { ServerConfig } from './server_config.ts';
import { buildConfig } from './snapshot_builder.ts';

/** What of the command line decides how the configuration is read. */
export interface ConfigSource extends BootstrapSource {
  readonly statsTags: readonly CommandLineTag[];
  /** Whether --log-format was given (then application_log_config may not set one). */
  readonly isLogFormatSet: boolean;
}

/** A configuration that can be served. */
export interface ReadConfig {
  readonly config: ServerConfig;
  /** The log pattern that the configuration asks for. */
  readonly pattern: string | undefined;
  /** One line each, in order of their places. */
  readonly warnings: readonly string[];
  /** Fields of the bootstrap that the API does not know. */
  readonly unknownFieldCount: number;
}

/**
 * Reads and checks the whole configuration in one go: some 100 ms per thousand clusters, and as much again per MB of YAML.
 * Throws a ConfigError that holds every problem found. Thread: any.
 * @returns with it the messages it was read from, for a dump.
 */
export function readConfig(source: ConfigSource, registry: FactoryRegistry): { readonly read: ReadConfig; readonly loaded: LoadedConfig<object> } {
  const loaded = loadBootstrap(source, loadDescriptors());
  if (loaded.problems.hasErrors) throw new ConfigError(loaded.problems.errors());
  const context = loaded.context(registry);
  const pattern = parseApplicationLog(loaded.message, source.isLogFormatSet, context);
  const config = buildConfig(loaded.message, source.statsTags, context);
  loaded.finish();
  if (loaded.problems.hasErrors) throw new ConfigError(loaded.problems.errors());
  const warnings = loaded.problems.warnings().map(renderProblemLine);
  return { read: { config, pattern, warnings, unknownFieldCount: loaded.unknownFieldCount }, loaded };
}
