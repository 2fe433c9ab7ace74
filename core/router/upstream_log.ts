import { AccessLogType, type AccessLogger, LogContext } from '../access_log/access_log.ts';
import type { AccessLogConfig } from '../access_log/access_log_config.ts';
import type { Timer } from '../event/timer.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { ResetReason } from '../http/codec.ts';
import type { TimerTarget } from '../http/filter.ts';
import type { OneShotTimer } from '../http/filter_context.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import { Protocol, StreamInfo } from '../stream_info/stream_info.ts';
import { flagOf } from './request_rules.ts';
import type { TryObserver } from './try_observer.ts';

/** `upstream_log` and `upstream_log_options` of the router, as plain data. */
export interface UpstreamLogConfig {
  readonly logs: readonly AccessLogConfig[];
  /** A line as soon as a try has its connection. */
  readonly logsReadyTries: boolean;
  /** A line every so many milliseconds of a try; 0 = none. */
  readonly intervalMs: number;
}

/** A try as its log sees it. */
export interface LoggedTry {
  /** Where what is known of its upstream stands; may change while the try is under way. */
  readonly info: StreamInfo;
  /** Brings the byte counts in `info`, and of what was sent to the client, up to date. */
  recordAllBytes(): void;
  /** As they went out; null = they are gone. */
  requestHeaders(): HeaderMap | null;
}

/** What a thread gives to make upstream logs. */
export interface UpstreamLogParts {
  readonly loggers: readonly AccessLogger[];
  /** [0] monotonic, [1] wall-clock milliseconds of this turn. */
  readonly clock: Float64Array;
  newHeaders(): HeaderMap;
  createTimer(target: TimerTarget): OneShotTimer;
}

/**
 * The router's own access logs: a line for every try at an upstream when it ends (UpstreamEnd), and if asked for when it has its
 * connection (UpstreamPoolReady) and from time to time (UpstreamPeriodic). One per router configuration and worker; absent where no
 * log is configured.
 */
export class UpstreamLog {
  readonly parts: UpstreamLogParts;
  readonly config: UpstreamLogConfig;
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  private readonly context: LogContext;
  /** The stream info of the line that is being written. */
  private readonly line: StreamInfo;
  /** Logs of tries that are over, to be used again. */
  private readonly free: TryLog[];

  constructor(config: UpstreamLogConfig, parts: UpstreamLogParts) {
    this.parts = parts;
    this.config = config;
    this.needsRequestHeaders = parts.loggers.some((logger) => logger.needsRequestHeaders);
    this.needsResponseHeaders = parts.loggers.some((logger) => logger.needsResponseHeaders);
    this.context = new LogContext();
    this.line = new StreamInfo();
    this.free = [];
  }

  /** Follows a try that begins now. `stream`: of the request it belongs to; `inner` is told the same, null = nobody else is. */
  follow(attempt: LoggedTry, stream: StreamInfo, inner: TryObserver | null): TryObserver {
    const log = this.free.pop() ?? new TryLog(this);
    log.begin(attempt, stream, inner);
    return log;
  }

  /** Takes back the log of a try that is over. */
  release(log: TryLog): void {
    this.free.push(log);
  }

  /** Writes a line of every logger. */
  write(log: TryLog, attempt: LoggedTry, stream: StreamInfo, type: AccessLogType, endMs: number): void {
    const { line, context } = this;
    const { clock, loggers } = this.parts;
    attempt.recordAllBytes();
    const { info } = attempt;
    line.reset(clock);
    line.copyUpstreamFrom(info);
    line.protocol = info.hasUpstreamProtocol ? info.upstreamProtocol : Protocol.none;
    if (log.transportFailure !== '') line.upstreamTransportFailureReason = log.transportFailure;
    line.startTimeMs = log.startMs;
    line.startTimeWallMs = log.startWallMs;
    line.endTimeMs = endMs;
    line.responseCode = log.responseCode;
    line.responseFlags = log.responseFlags;
    line.bytesReceived = log.bytesReceived;
    line.bytesSent = log.bytesSent;
    line.responseHeaderBytes = log.responseHeaderBytes;
    line.responseTrailerBytes = log.responseTrailerBytes;
    line.route = stream.route;
    line.upstreamClusterName = stream.upstreamClusterName;
    line.upstreamClusterObservabilityName = stream.upstreamClusterObservabilityName;
    line.upstreamClusterMetadata = stream.upstreamClusterMetadata;
    line.isHealthCheck = stream.isHealthCheck;
    line.random = stream.random;
    if (info.hasUpstreamProtocol) {
      line.downstreamHeaderBytesReceived = stream.downstreamHeaderBytesReceived;
      line.downstreamWireBytesReceived = stream.downstreamWireBytesReceived;
      line.downstreamHeaderBytesSent = stream.downstreamHeaderBytesSent;
      line.downstreamWireBytesSent = stream.downstreamWireBytesSent;
    }
    context.info = line;
    context.requestHeaders = attempt.requestHeaders();
    context.responseHeaders = log.responseHeaders;
    context.responseTrailers = log.responseTrailers;
    context.logType = type;
    for (let i = 0; i < loggers.length; i++) loggers[i].log(context);
    context.info = null;
    context.requestHeaders = null;
    context.responseHeaders = null;
    context.responseTrailers = null;
    line.route = null;
    line.upstreamHost = null;
    line.upstreamClusterMetadata = null;
  }
}

/** What a log line needs to know of one try beyond its upstream. Pooled. */
class TryLog implements TryObserver, TimerTarget {
  /** Beginning of the try: monotonic, wall clock. */
  startMs: number;
  startWallMs: number;
  /** 0 = no response. */
  responseCode: number;
  responseFlags: number;
  transportFailure: string;
  bytesReceived: number;
  bytesSent: number;
  responseHeaderBytes: number;
  responseTrailerBytes: number;
  /** null = none came, or no log reads them. */
  responseHeaders: HeaderMap | null;
  responseTrailers: HeaderMap | null;
  private readonly log: UpstreamLog;
  private attempt: LoggedTry | null;
  private stream: StreamInfo | null;
  private inner: TryObserver | null;
  /** Made when first needed, as the two maps. */
  private timer: OneShotTimer | null;
  private ownHeaders: HeaderMap | null;
  private ownTrailers: HeaderMap | null;

  constructor(log: UpstreamLog) {
    this.startMs = 0;
    this.startWallMs = 0;
    this.responseCode = 0;
    this.responseFlags = 0;
    this.transportFailure = '';
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.responseHeaderBytes = 0;
    this.responseTrailerBytes = 0;
    this.responseHeaders = null;
    this.responseTrailers = null;
    this.log = log;
    this.attempt = null;
    this.stream = null;
    this.inner = null;
    this.timer = null;
    this.ownHeaders = null;
    this.ownTrailers = null;
  }

  begin(attempt: LoggedTry, stream: StreamInfo, inner: TryObserver | null): void {
    const { parts, config } = this.log;
    this.attempt = attempt;
    this.stream = stream;
    this.inner = inner;
    this.startMs = parts.clock[0];
    this.startWallMs = parts.clock[1];
    this.responseCode = 0;
    this.responseFlags = 0;
    this.transportFailure = '';
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.responseHeaderBytes = 0;
    this.responseTrailerBytes = 0;
    if (config.intervalMs === 0) return;
    this.timer ??= parts.createTimer(this);
    this.timer.enable(config.intervalMs);
  }

  onTimeout(timer: Timer): void {
    this.write(AccessLogType.upstreamPeriodic, NaN);
    timer.enable(this.log.config.intervalMs);
  }

  onReady(): void {
    this.inner?.onReady();
    if (this.log.config.logsReadyTries) this.write(AccessLogType.upstreamPoolReady, NaN);
  }

  onSent(bytes: number): void {
    this.inner?.onSent(bytes);
    this.bytesSent += bytes;
  }

  onResponseHeaders(headers: HeaderMap): void {
    this.inner?.onResponseHeaders(headers);
    if (headers.status < 200 && headers.status !== 101) return;
    this.responseCode = headers.status;
    this.responseHeaderBytes = headers.byteSize();
    if (!this.log.needsResponseHeaders) return;
    this.ownHeaders ??= this.log.parts.newHeaders();
    this.ownHeaders.copyFrom(headers);
    this.responseHeaders = this.ownHeaders;
  }

  onReceived(bytes: number): void {
    this.inner?.onReceived(bytes);
    this.bytesReceived += bytes;
  }

  onResponseTrailers(trailers: HeaderMap): void {
    this.inner?.onResponseTrailers(trailers);
    this.responseTrailerBytes = trailers.byteSize();
    if (!this.log.needsResponseHeaders || trailers.count === 0) return;
    this.ownTrailers ??= this.log.parts.newHeaders();
    this.ownTrailers.copyFrom(trailers);
    this.responseTrailers = this.ownTrailers;
  }

  onSlow(isLate: boolean): void {
    this.inner?.onSlow(isLate);
    this.responseFlags |= isLate ? ResponseFlag.upstreamRequestTimeout : ResponseFlag.streamIdleTimeout;
  }

  onFailure(reason: ResetReason, transportFailure: string): void {
    this.inner?.onFailure(reason, transportFailure);
    this.responseFlags |= flagOf(reason);
    this.transportFailure = transportFailure;
  }

  skipTime(): void {
    this.inner?.skipTime();
  }

  end(nowMs: number): void {
    this.inner?.end(nowMs);
    this.timer?.disable();
    this.write(AccessLogType.upstreamEnd, nowMs);
    this.attempt = null;
    this.stream = null;
    this.inner = null;
    this.responseHeaders?.clear();
    this.responseHeaders = null;
    this.responseTrailers?.clear();
    this.responseTrailers = null;
    this.log.release(this);
  }

  private write(type: AccessLogType, endMs: number): void {
    const { attempt, stream } = this;
    if (attempt !== null && stream !== null) this.log.write(this, attempt, stream, type, endMs);
  }
}
