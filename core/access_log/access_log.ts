import type { HeaderMap } from '../headers/header_map.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';

/** Moments at which a line may be written (%ACCESS_LOG_TYPE%). */
export const AccessLogType = {
  notSet: 0, tcpUpstreamConnected: 1, tcpPeriodic: 2, tcpConnectionEnd: 3, downstreamStart: 4, downstreamPeriodic: 5,
  downstreamEnd: 6, upstreamPoolReady: 7, upstreamPeriodic: 8, upstreamEnd: 9, downstreamTunnelSuccessfullyEstablished: 10,
} as const;
export type AccessLogType = (typeof AccessLogType)[keyof typeof AccessLogType];

/**
 * What a formatter or a log filter reads. One reused object per worker; `null` where a message does not exist. Header maps may
 * be borrowed from the turn: read them now.
 */
export class LogContext {
  requestHeaders: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  info: StreamInfo | null = null;
  logType: AccessLogType = AccessLogType.notSet;
}

/** Writes one stream's line (or not) at its end. Built by `AccessLoggerFactory` on each thread; `log` runs on the worker. */
export interface AccessLogger {
  /** Evaluates the filter, formats, appends to the sink's ring. Never blocks, never throws. Budget 0.5 µs for a typical line. */
  log(context: LogContext): void;
  /** Whether it reads request headers after the request was forwarded (then the manager retains them), response headers likewise. */
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
}

/** Where finished lines go on a worker: appends to a shared-memory ring, drops and counts when it is full. */
export interface LogSink {
  /** Memory of the sink's own in which the next line may be made, from `lineOffset` to the end; then `commit`. Both change with it. */
  readonly bytes: Uint8Array;
  /** The same memory as `bytes`. */
  readonly view: DataView;
  readonly lineOffset: number;
  /** Appends the `length` bytes at `lineOffset` of `bytes` as one line (newline included by the caller). */
  commit(length: number): void;
  /** Appends `length` bytes of `bytes` at `offset` as one line (newline included by the caller). */
  write(bytes: Uint8Array, offset: number, length: number): void;
}

/** Gives a thread its sinks: one ring per worker and destination. Destination: a file path, or '/dev/stdout', '/dev/stderr'. */
export interface LogSinkProvider {
  sink(destination: string): LogSink;
}
