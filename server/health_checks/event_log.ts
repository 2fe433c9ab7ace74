/**
 * Health check events as lines of JSON (envoy.data.core.v3.HealthCheckEvent with every field that is not a message), in Envoy's
 * order of fields. Thread: main.
 */
import type { LogSinkProvider } from '../../core/access_log/access_log.ts';
import type { HostConfig } from '../../core/upstream/cluster_config.ts';
import type { SessionEvent } from './health_check_session.ts';

export class HealthCheckEventLog {
  private readonly sinks: LogSinkProvider;
  private readonly wallMs: () => number;

  constructor(sinks: LogSinkProvider, wallMs: () => number) {
    this.sinks = sinks;
    this.wallMs = wallMs;
  }

  /** `checker`: envoy.data.core.v3.HealthCheckerType. */
  log(paths: readonly string[], checker: string, clusterName: string, host: HostConfig, event: SessionEvent): void {
    const line = new Uint8Array(Buffer.from(`${JSON.stringify(eventJson(checker, clusterName, host, event, this.wallMs()))}\n`));
    for (const path of paths) this.sinks.sink(path).write(line, 0, line.length);
  }
}

/** `wallMs`: when it happened. */
export function eventJson(checker: string, clusterName: string, host: HostConfig, event: SessionEvent, wallMs: number): object {
  const { kind } = event;
  return {
    health_checker_type: checker,
    host: addressJson(host),
    cluster_name: clusterName,
    ...(kind === 'eject_unhealthy' ? { eject_unhealthy_event: { failure_type: event.type } } : {}),
    ...(kind === 'add_healthy' ? { add_healthy_event: { first_check: event.isFirst } } : {}),
    timestamp: new Date(wallMs).toISOString(),
    ...(kind === 'failure' ? { health_check_failure_event: { failure_type: event.type, first_check: event.isFirst } } : {}),
    ...(kind === 'degraded' ? { degraded_healthy_host: {} } : {}),
    ...(kind === 'no_longer_degraded' ? { no_longer_degraded_host: {} } : {}),
    ...(Object.keys(host.metadata).length === 0 ? {} : { metadata: { filter_metadata: host.metadata, typed_filter_metadata: {} } }),
    locality: { region: host.region, zone: host.zone, sub_zone: host.subZone },
    ...(kind === 'success' ? { successful_health_check_event: {} } : {}),
  };
}

function addressJson({ address, port }: HostConfig): object {
  if (address.startsWith('/') || address.startsWith('@')) return { pipe: { path: address, mode: 0 } };
  return { socket_address: { protocol: 'TCP', address, port_value: port, resolver_name: '', ipv4_compat: false, network_namespace_filepath: '' } };
}
