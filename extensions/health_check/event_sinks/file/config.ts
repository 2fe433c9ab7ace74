import type { HealthCheckEventFileSink } from '../../../../core/api/gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';

/** A file that health check events are appended to. */
export interface EventFileSink {
  readonly path: string;
}

/** envoy.health_check.event_sinks.file: the lines are made and written by server/health_checks. */
const factory: ExtensionFactory<EventFileSink, undefined, EventFileSink> = {
  category: 'envoy.health_check.event_sinks',
  name: 'envoy.health_check.event_sinks.file',
  typeName: 'envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink',
  parse: (message, context) => {
    const sink = message as HealthCheckEventFileSink;
    const path = sink.eventLogPath;
    const reason = path === '/dev/stdout' || path === '/dev/stderr' ? undefined : context.whyNotAppendable?.(path);
    if (reason !== undefined) context.error(sink, 'event_log_path', `unable to open file '${path}': ${reason}`);
    return { path };
  },
  createFactory: (config) => config,
};

/** Adds the sink to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
