/** The log of ejections: one JSON line per envoy.data.cluster.v3.OutlierDetectionEvent. Thread: main. */
import type { LogSink } from '../../core/access_log/access_log.ts';
import { hostAddressText } from '../../core/upstream/host.ts';
import type { EjectionType } from './ejection.ts';
import type { HostMonitor } from './host_monitor.ts';

/** Times of an event, in milliseconds. */
export interface EventTimes {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** What the event says beyond host and type. */
export interface EjectionDetail {
  readonly hostRate: number;
  readonly average: number;
  readonly threshold: number;
}

export class OutlierEventLog {
  private readonly sink: LogSink;
  private readonly encoder = new TextEncoder();

  constructor(sink: LogSink) {
    this.sink = sink;
  }

  logEject(cluster: string, monitor: HostMonitor, type: EjectionType, isEnforced: boolean, detail: EjectionDetail, times: EventTimes): void {
    this.write({ ...common(cluster, monitor, type, 'EJECT', isEnforced, monitor.unejectedAtMs, times), ...eventOf(type, detail) });
  }

  logUneject(cluster: string, monitor: HostMonitor, times: EventTimes): void {
    this.write(common(cluster, monitor, 'CONSECUTIVE_5XX', 'UNEJECT', false, monitor.ejectedAtMs, times));
  }

  private write(event: Readonly<Record<string, unknown>>): void {
    const line = this.encoder.encode(`${JSON.stringify(event)}\n`);
    this.sink.write(line, 0, line.length);
  }
}

/** Fields in the order of their numbers. */
function common(
  cluster: string, monitor: HostMonitor, type: EjectionType, action: 'EJECT' | 'UNEJECT', isEnforced: boolean, lastActionMs: number | undefined, { nowMs, wallMs }: EventTimes,
): Readonly<Record<string, unknown>> {
  return {
    type,
    timestamp: new Date(wallMs).toISOString(),
    ...(lastActionMs === undefined ? {} : { secs_since_last_action: `${Math.floor((nowMs - lastActionMs) / 1000)}` }),
    cluster_name: cluster,
    upstream_url: hostAddressText(monitor.host.address, monitor.host.port),
    action,
    num_ejections: monitor.ejections,
    enforced: isEnforced,
  };
}

/** Rates are whole percents there. */
function eventOf(type: EjectionType, { hostRate, average, threshold }: EjectionDetail): Readonly<Record<string, unknown>> {
  switch (type) {
    case 'SUCCESS_RATE':
    case 'SUCCESS_RATE_LOCAL_ORIGIN':
      return {
        eject_success_rate_event: {
          host_success_rate: Math.trunc(hostRate), cluster_average_success_rate: Math.trunc(average), cluster_success_rate_ejection_threshold: Math.trunc(threshold),
        },
      };
    case 'FAILURE_PERCENTAGE':
    case 'FAILURE_PERCENTAGE_LOCAL_ORIGIN':
      return { eject_failure_percentage_event: { host_success_rate: Math.trunc(hostRate) } };
    default:
      return { eject_consecutive_event: {} };
  }
}
