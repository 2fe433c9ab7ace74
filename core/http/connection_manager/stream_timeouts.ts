import type { Timer } from '../../event/timer.ts';
import type { WheelTimer, WheelTimerTarget } from '../../event/timer_wheel.ts';
import { ResponseFlag } from '../../stream_info/response_flags.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { RouteEntry } from '../../route/route_entry.ts';
import { NO_STREAM_DURATION, streamDurationMs } from '../../route/stream_duration.ts';
import type { ConnectionManagerConfig } from './config.ts';
import type { ConnectionManagerStats } from './stats.ts';

/** The stream as its timeouts see it. */
export interface TimedStream {
  readonly info: StreamInfo;
  readonly isDestroyed: boolean;
  readonly isRequestDone: boolean;
  readonly isResponseStarted: boolean;
  /** Answers, and closes the connection afterwards when the request is not complete. */
  answerTimeout(status: number, body: string, details: string, grpcStatus?: number): void;
  resetStream(): void;
  logPeriodically(): void;
}

/**
 * The timers of one stream: idle, whole duration, whole request, request headers (Envoy docs: faq/configuration/timeouts), and its
 * periodic log line.
 * Before response headers a timeout is answered, afterwards the stream is reset. Arming costs two stores.
 */
export class StreamTimeouts implements WheelTimerTarget {
  private readonly stream: TimedStream;
  private readonly config: ConnectionManagerConfig;
  private readonly stats: ConnectionManagerStats;
  private readonly idle: WheelTimer;
  private readonly duration: WheelTimer;
  private readonly request: WheelTimer;
  private readonly headers: WheelTimer;
  /** access_log_flush_interval; null = off. */
  private readonly log: WheelTimer | null;
  private idleMs: number;

  constructor(
    stream: TimedStream, config: ConnectionManagerConfig, stats: ConnectionManagerStats, dispatcher: { createTimer(target: WheelTimerTarget): WheelTimer },
  ) {
    this.stream = stream;
    this.config = config;
    this.stats = stats;
    this.idle = dispatcher.createTimer(this);
    this.duration = dispatcher.createTimer(this);
    this.request = dispatcher.createTimer(this);
    this.headers = dispatcher.createTimer(this);
    this.log = config.logFlushIntervalMs > 0 ? dispatcher.createTimer(this) : null;
    this.idleMs = 0;
  }

  /** The stream begins. */
  begin(): void {
    const config = this.config;
    this.idleMs = config.streamIdleTimeoutMs;
    if (this.idleMs > 0) this.idle.enable(this.idleMs);
    if (config.requestHeadersTimeoutMs > 0) this.headers.enable(config.requestHeadersTimeoutMs);
    if (config.requestTimeoutMs > 0) this.request.enable(config.requestTimeoutMs);
    if (config.maxStreamDurationMs > 0) this.duration.enable(config.maxStreamDurationMs);
    this.log?.enable(config.logFlushIntervalMs);
  }

  /** Something moved on the stream. */
  onActivity(): void {
    if (this.idleMs > 0) this.idle.enable(this.idleMs);
  }

  onHeadersComplete(): void {
    if (this.config.requestHeadersTimeoutMs > 0) this.headers.disable();
  }

  onRequestComplete(): void {
    if (this.config.requestTimeoutMs > 0) this.request.disable();
  }

  /** The response begins: request_timeout waits for no more of the request. */
  onResponseStart(): void {
    if (this.config.requestTimeoutMs > 0) this.request.disable();
    this.onActivity();
  }

  /** The stream continues another one whose request is complete. */
  onContinued(): void {
    this.onHeadersComplete();
    this.onRequestComplete();
  }

  /** A route's own times. grpc-timeout may be read and rewritten. */
  applyRoute(route: RouteEntry, headers: HeaderMap): void {
    const idleMs = route.idleTimeoutMs;
    if (idleMs >= 0 && idleMs !== this.idleMs) {
      this.idleMs = idleMs;
      rearm(this.idle, idleMs);
    }
    if (route.hasOwnDuration && route.action !== null) this.applyDuration(streamDurationMs(route.action, headers, this.config.maxStreamDurationMs));
  }

  private applyDuration(durationMs: number): void {
    if (durationMs === NO_STREAM_DURATION) this.duration.disable();
    else this.duration.enable(durationMs);
  }

  /** The stream is over. */
  end(): void {
    this.idle.disable();
    this.headers.disable();
    this.request.disable();
    this.duration.disable();
    this.log?.disable();
  }

  onTimeout(timer: Timer): void {
    const { stream, stats } = this;
    if (stream.isDestroyed) return;
    if (timer === this.log) {
      stream.logPeriodically();
      this.log.enable(this.config.logFlushIntervalMs);
    } else if (timer === this.headers) {
      stats.rqHeaderTimeout.inc();
      stream.answerTimeout(408, 'request header timeout', 'request_header_timeout');
    } else if (timer === this.request) {
      stats.rqTimeout.inc();
      stream.answerTimeout(408, 'request timeout', 'request_overall_timeout');
    } else if (timer === this.idle) {
      stats.rqIdleTimeout.inc();
      stream.info.setFlag(ResponseFlag.streamIdleTimeout);
      this.endOrAnswer('stream timeout', 'stream_idle_timeout');
    } else {
      stats.rqMaxDurationReached.inc();
      this.endOrAnswer('downstream duration timeout', 'max_duration_timeout', GRPC_DEADLINE_EXCEEDED);
    }
  }

  private endOrAnswer(body: string, details: string, grpcStatus?: number): void {
    const stream = this.stream;
    if (stream.isResponseStarted) {
      stream.info.responseCodeDetails = details;
      stream.resetStream();
    } else {
      stream.answerTimeout(stream.isRequestDone ? 504 : 408, body, details, grpcStatus);
    }
  }
}

const GRPC_DEADLINE_EXCEEDED = 4;

function rearm(timer: WheelTimer, ms: number): void {
  if (ms > 0) timer.enable(ms);
  else timer.disable();
}
