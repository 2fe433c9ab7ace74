import type { FormatEnvironment } from '../formatter/format_environment.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import type { FactoryRegistry } from '../registry/factory_registry.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import type { AccessLogger, LogSinkProvider } from './access_log.ts';
import { compileLogFilter, type LogFilter } from './access_log_filter.ts';
import type { AccessLogConfig } from './access_log_config.ts';

/** Category of access loggers in the registry. */
export const ACCESS_LOGGER_CATEGORY = 'envoy.access_loggers';

/** What a thread gives to make its access loggers. */
export interface AccessLogContext {
  /** Header names of filters are interned here. */
  readonly names: HeaderNames;
  readonly environment: FormatEnvironment;
  readonly sinks: LogSinkProvider;
  readonly runtime: RuntimeSnapshot;
}

/** What an access logger's `createFactory` gets; its product is an `AccessLogger`. */
export interface AccessLoggerContext extends AccessLogContext {
  /** Compiled filter of this log, null = every stream. The logger evaluates it first. */
  readonly filter: LogFilter | null;
}

/** Makes a worker's loggers of one place (connection manager, listener), in configured order. Config time. */
export function createAccessLoggers(configs: readonly AccessLogConfig[], registry: FactoryRegistry, context: AccessLogContext): AccessLogger[] {
  return configs.map((config) => {
    const factory = registry.get(ACCESS_LOGGER_CATEGORY, config.extension.typeName);
    if (factory === undefined) throw new Error(`no access logger is registered for ${config.extension.typeName}`);
    const filter = config.filter === null ? null : compileLogFilter(config.filter, context.names, context.runtime);
    const loggerContext: AccessLoggerContext = { ...context, filter };
    return factory.createFactory(config.extension.config, loggerContext) as AccessLogger;
  });
}
