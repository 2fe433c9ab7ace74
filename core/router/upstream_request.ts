import { OwnedBytes } from '../buffer/owned_bytes.ts';
import type { ConnPool, PooledStream, PoolRequest } from '../conn_pool/conn_pool.ts';
import { isGrpcRequest } from '../headers/grpc_headers.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { type RequestEncoder, ResetReason, type ResponseDecoder } from '../http/codec.ts';
import type { LocalReplyOptions } from '../http/filter.ts';
import type { TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { RouteEntry } from '../route/route_entry.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import { Protocol, StreamInfo } from '../stream_info/stream_info.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import type { Host } from '../upstream/host.ts';
import type { OutlierMonitor } from '../upstream/outlier_monitor.ts';
import { noteLoad, noteResponse } from './note_response.ts';
import { addBytes, takeBytes } from './exchanged_bytes.ts';
import { type TimedTry, TryTimers } from './try_timers.ts';
import type { TryObserver } from './try_observer.ts';
import { TryTracking } from './try_tracking.ts';
import type { FilteredTry, UpstreamFilterChain, UpstreamFilters } from './upstream_filters.ts';
import type { LoggedTry, UpstreamLog } from './upstream_log.ts';

/** The router, as its upstream request sees it. */
export interface UpstreamRequestOwner extends TimedTry {
  /** The request has a connection. */
  onUpstreamReady(): void;
  onUpstream1xxHeaders(headers: HeaderMap): void;
  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void;
  onUpstreamData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  onUpstreamTrailers(trailers: HeaderMap): void;
  onUpstreamReset(reason: ResetReason, transportFailure: string): void;
  onUpstreamBackpressure(isAbove: boolean): void;
  onResponsePaused(isPaused: boolean): void;
}

const State = { idle: 0, pending: 1, active: 2, done: 3 } as const;

/** Why the request's sender has to wait. */
const Hold = { none: 0, upstream: 1, filters: 2 } as const;

/**
 * One attempt at an upstream: waits for a connection, sends the request, receives the response. While it waits, headers are
 * owned and body bytes are kept here. Upstream filters, where there are any, see what goes out and comes in.
 *
 *   idle -> pending -> active -> done ; idle -> active when a connection is free
 */
export class UpstreamRequest implements PoolRequest, ResponseDecoder, LoggedTry, FilteredTry {
  poolNext: PoolRequest | null;
  poolPrevious: PoolRequest | null;
  waitingIn: ConnPool | null;
  readonly timers: TryTimers;
  /** Where it goes; null before it is sent. */
  host: Host | null;
  /** Measures or logs it; null where nobody wants that. */
  private tracking: TryObserver | null;
  private owner: UpstreamRequestOwner;
  private readonly clock: Float64Array;
  /** What the codec's ranges of bytes are of. */
  private readonly slab: Uint8Array;
  private callbacks: TerminalFilterCallbacks | null;
  /** What is known of the upstream goes here: the stream's, unless another try has that. */
  info: StreamInfo;
  private encoder: RequestEncoder | null;
  private stream: PooledStream | null;
  private state: number;
  private headers: HeaderMap | null;
  private trailers: HeaderMap | null;
  private endStream: boolean;
  /** The request is nothing but headers. */
  private endsWithHeaders: boolean;
  private readonly pendingBody: OwnedBytes;
  private isPaused: boolean;
  /** Hold: why the request's sender waits. */
  private holds: number;
  /** Body bytes are kept until the response says that it is a tunnel. */
  private isWithheld: boolean;
  /** Of the host; null without outlier detection and health checks. */
  private outlier: OutlierMonitor | null;
  private hasResponse: boolean;
  /** Its lateness was told to outlier detection. */
  private isTimeoutNoted: boolean;
  private isGrpc: boolean;
  /** null = nothing is configured. */
  private filters: UpstreamFilterChain | null;
  /** The filters let the headers through (or there are none). */
  private isFiltered: boolean;
  /** Filters want no more of the response. */
  private isReadingPaused: boolean;
  /** The codec has the whole request, or the whole response: looked at with filters only. */
  private isSent: boolean;
  private isReceived: boolean;
  /** What earlier tries of the request exchanged, see `takeBytes`; null until a first try was followed by another. */
  private earlierBytes: Float64Array | null;

  constructor(owner: UpstreamRequestOwner, clock: Float64Array, slab: Uint8Array) {
    this.clock = clock;
    this.slab = slab;
    this.poolNext = null;
    this.poolPrevious = null;
    this.waitingIn = null;
    this.timers = new TryTimers(owner);
    this.host = null;
    this.tracking = null;
    this.owner = owner;
    this.callbacks = null;
    this.info = NO_INFO;
    this.encoder = null;
    this.stream = null;
    this.state = State.idle;
    this.headers = null;
    this.trailers = null;
    this.endStream = false;
    this.endsWithHeaders = false;
    this.pendingBody = new OwnedBytes();
    this.isPaused = false;
    this.holds = Hold.none;
    this.isWithheld = false;
    this.outlier = null;
    this.hasResponse = false;
    this.isTimeoutNoted = false;
    this.isGrpc = false;
    this.filters = null;
    this.isFiltered = true;
    this.isReadingPaused = false;
    this.isSent = false;
    this.isReceived = false;
    this.earlierBytes = null;
  }

  /** From now on another owner hears of it, and what is known of the upstream goes elsewhere. */
  handTo(owner: UpstreamRequestOwner, info: StreamInfo): void {
    this.owner = owner;
    this.timers.owner = owner;
    this.info = info;
  }

  /**
   * Sends the request as soon as the pool gives a connection: usually before this returns. `withholdsBody`: its body is kept until
   * `releaseBody`. `filters`: what it passes on its way.
   */
  begin(callbacks: TerminalFilterCallbacks, pool: ConnPool, headers: HeaderMap, endStream: boolean, withholdsBody: boolean, filters: UpstreamFilters | null): void {
    this.callbacks = callbacks;
    this.info = callbacks.streamInfo;
    this.headers = headers;
    this.trailers = null;
    this.endStream = endStream;
    this.endsWithHeaders = endStream;
    this.encoder = null;
    this.stream = null;
    this.isPaused = false;
    this.holds = Hold.none;
    this.isWithheld = withholdsBody;
    this.state = State.pending;
    this.outlier = pool.host.outlier;
    this.hasResponse = false;
    this.isTimeoutNoted = false;
    if (this.outlier !== null) this.isGrpc = isGrpcRequest(headers);
    this.info.upstreamRequestStartMs = this.clock[0];
    if (filters === null) {
      pool.newStream(this);
      if (this.waitingIn !== null) callbacks.retainRequestHeaders();
      return;
    }
    this.beginFilters(filters);
    pool.newStream(this);
    // Filters may read the headers at any time.
    callbacks.retainRequestHeaders();
    this.filters?.decode.onHeaders(headers, endStream);
  }

  private beginFilters(filters: UpstreamFilters): void {
    this.isFiltered = false;
    this.isReadingPaused = false;
    this.isSent = false;
    this.isReceived = false;
    this.filters = filters.begin(this);
  }

  /** The next try follows another of the same request: the bytes in `info` so far count along. Else what is known of its upstream is forgotten. */
  follow(info: StreamInfo): void {
    info.resetUpstream();
    this.earlierBytes ??= new Float64Array(4);
    takeBytes(info, this.earlierBytes);
  }

  /** The next try, with these headers, is to be measured (clusters that want it) and logged (`log` not null). `perTryMs` 0 = no limit. */
  observe(log: UpstreamLog | null, cluster: ClusterInfo, headers: HeaderMap, perTryMs: number, callbacks: TerminalFilterCallbacks): void {
    if (cluster.isTracked) this.tracking = new TryTracking(cluster.stats, headers, perTryMs, this.clock[0]);
    if (log === null) return;
    if (log.needsRequestHeaders) callbacks.retainRequestHeaders();
    this.tracking = log.follow(this, callbacks.streamInfo, this.tracking);
  }

  requestHeaders(): HeaderMap | null {
    return this.callbacks?.requestHeaders() ?? null;
  }

  recordAllBytes(): void {
    this.recordBytes();
    this.callbacks?.recordBytesSent();
  }

  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.filters === null) this.sendData(bytes, offset, length, endStream);
    else if (!this.filters.isIterationOver()) this.filters.decode.onData(bytes, offset, length, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.filters === null) this.sendTrailers(trailers);
    else if (!this.filters.isIterationOver()) this.filters.decode.onTrailers(trailers);
  }

  // === FilteredTry: the request, behind the filters ===

  sendHeaders(headers: HeaderMap, endStream: boolean): void {
    this.headers = headers;
    this.endStream = endStream;
    this.endsWithHeaders = endStream;
    this.isFiltered = true;
    if (this.state === State.active && this.encoder !== null) this.sendHead(this.encoder, headers);
  }

  sendData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.state === State.pending || (this.isWithheld && this.state === State.active)) {
      this.pendingBody.append(bytes, offset, length);
      this.endStream = endStream;
      if (this.pendingBody.length > PENDING_BODY_LIMIT) this.hold(Hold.upstream);
      return;
    }
    const encoder = this.encoder;
    if (encoder === null) return;
    const { info } = this;
    const now = this.clock[0];
    if (this.tracking !== null) this.tracking.onSent(length);
    encoder.encodeData(bytes, offset, length, endStream);
    if (endStream) {
      info.lastUpstreamTxMs = now;
      this.onSent();
    } else if ((this.holds & Hold.upstream) === 0 && encoder.isAboveHighWatermark()) {
      this.hold(Hold.upstream);
    }
  }

  private hold(reason: number): void {
    const wasFree = this.holds === Hold.none;
    this.holds |= reason;
    if (wasFree) this.owner.onUpstreamBackpressure(true);
  }

  private unhold(reason: number): void {
    if (this.holds === Hold.none) return;
    this.holds &= ~reason;
    if (this.holds === Hold.none) this.owner.onUpstreamBackpressure(false);
  }

  sendTrailers(trailers: HeaderMap): void {
    if (this.state === State.pending) {
      trailers.retain();
      this.trailers = trailers;
      return;
    }
    const encoder = this.encoder;
    if (encoder === null) return;
    this.info.lastUpstreamTxMs = this.clock[0];
    encoder.encodeTrailers(trailers);
    this.onSent();
  }

  /** The codec has the whole request. */
  private onSent(): void {
    if (this.filters === null) return;
    this.isSent = true;
    if (this.isReceived) this.leaveCodec();
  }

  /** The codec has the whole response. */
  private onReceived(): void {
    this.isReceived = true;
    if (this.isSent) this.leaveCodec();
  }

  /** The exchange is over, and the connection may serve another, while filters still hold some of the response. */
  private leaveCodec(): void {
    this.recordBytes();
    // Whoever comes next on the connection wants it read.
    if (this.isPaused) this.encoder?.readDisable(false);
    if (this.isReadingPaused) this.encoder?.readDisable(false);
    this.encoder = null;
    this.stream = null;
  }

  /** The tunnel stands: body bytes go out, those kept first. Byte counts so far are told. */
  releaseBody(): void {
    this.recordBytes();
    if (!this.isWithheld) return;
    this.isWithheld = false;
    if (this.state === State.active) this.sendPending();
  }

  /** The whole request timed out. */
  onRequestTimeout(status: number): void {
    if (!this.hasResponse) this.tracking?.skipTime();
    this.noteTimeout(status);
  }

  /** A connection is there. */
  get isReady(): boolean {
    return this.state === State.active;
  }

  /** It waits for its connection or for the end of its response. */
  get isUnderWay(): boolean {
    return this.state === State.pending || this.state === State.active;
  }

  /** The response did not begin in time and the client is told `status`: counts against the host once, if one was reached. */
  noteTimeout(status: number): void {
    if (this.state !== State.active || this.hasResponse || this.isTimeoutNoted) return;
    this.isTimeoutNoted = true;
    this.outlier?.onTimeout(status);
  }

  /** No response came in time (true), or nothing for too long (false); it may go on beside others. */
  noteSlow(isLate: boolean): void {
    if (this.tracking !== null) this.tracking.onSlow(isLate);
  }

  /** Gives the attempt up: leaves the queue, or cuts the exchange. */
  reset(): void {
    if (this.state === State.pending) this.waitingIn?.cancel(this);
    else if (this.state === State.active) this.encoder?.resetStream(this.resetReason());
    this.finish();
  }

  /** Whether it is the client that ended the stream, or we. */
  private resetReason(): ResetReason {
    return this.callbacks?.streamInfo.hasFlag(ResponseFlag.downstreamConnectionTermination) === true ? ResetReason.connectionTermination : ResetReason.localReset;
  }

  /** The response is complete; an incomplete request is cut. */
  onResponseComplete(isRequestComplete: boolean): void {
    const isSent = this.filters === null ? isRequestComplete : this.isSent;
    if (this.state === State.active && !isSent) this.encoder?.resetStream(ResetReason.localReset);
    this.finish();
  }

  /** Forgets the stream: it goes back to its pool. */
  release(): void {
    this.finish();
    this.state = State.idle;
    this.callbacks = null;
    this.info = NO_INFO;
    this.host = null;
    if (this.earlierBytes !== null) this.earlierBytes.fill(0);
  }

  pauseResponse(): void {
    if (this.isPaused || this.state !== State.active) return;
    this.isPaused = true;
    this.encoder?.readDisable(true);
    this.owner.onResponsePaused(true);
  }

  resumeResponse(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.encoder?.readDisable(false);
    this.owner.onResponsePaused(false);
  }

  private finish(): void {
    if (this.isPaused) this.resumeResponse();
    if (this.filters !== null) this.endFilters(this.filters);
    this.unhold(Hold.upstream | Hold.filters);
    this.recordBytes();
    if (this.tracking !== null) {
      this.tracking.end(this.clock[0]);
      this.tracking = null;
    }
    this.state = State.done;
    this.encoder = null;
    this.stream = null;
    this.headers = null;
    this.trailers = null;
    this.pendingBody.clear();
  }

  private endFilters(filters: UpstreamFilterChain): void {
    if (this.isReadingPaused) this.pauseReading(false);
    this.isFiltered = true;
    this.filters = null;
    filters.end();
  }

  /** Tells the stream info what has been exchanged with the upstream so far. */
  recordBytes(): void {
    const stream = this.stream;
    if (stream === null) return;
    const { info } = this;
    info.upstreamWireBytesSent = stream.wireBytesSent();
    info.upstreamWireBytesReceived = stream.wireBytesReceived();
    info.upstreamHeaderBytesReceived = stream.responseHeadBytes();
    info.upstreamHeaderBytesSent = stream.requestHeadBytes();
    if (this.earlierBytes !== null) addBytes(info, this.earlierBytes);
  }

  // === PoolRequest ===

  onPoolReady(stream: PooledStream): void {
    const { headers, info } = this;
    if (headers === null) return;
    const now = this.clock[0];
    this.state = State.active;
    this.stream = stream;
    this.encoder = stream.open(this);
    if (this.outlier !== null) this.outlier.onConnected();
    info.upstreamPoolReadyMs = now;
    info.upstreamConnectStartMs = stream.connectStartMs;
    info.upstreamConnectEndMs = stream.connectEndMs;
    info.onUpstreamConnection(stream.connection);
    info.upstreamProtocol = Protocol.http11;
    info.hasUpstreamProtocol = stream.isHttp;
    info.firstUpstreamTxMs = now;
    this.owner.onUpstreamReady();
    if (this.tracking !== null) this.tracking.onReady();
    if (this.isFiltered) this.sendHead(this.encoder, headers);
  }

  private sendHead(encoder: RequestEncoder, headers: HeaderMap): void {
    const { endsWithHeaders } = this;
    if (endsWithHeaders) this.info.lastUpstreamTxMs = this.clock[0];
    encoder.encodeHeaders(headers, endsWithHeaders);
    if (endsWithHeaders) this.onSent();
    else if (!this.isWithheld) this.sendPending();
  }

  private sendPending(): void {
    const { pendingBody: body, trailers, endStream } = this;
    const { bytes, length } = body;
    this.unhold(Hold.upstream);
    if (length > 0 || (endStream && trailers === null)) this.sendData(bytes, 0, length, endStream && trailers === null);
    body.clear();
    if (trailers !== null) this.sendTrailers(trailers);
  }

  onPoolFailure(reason: ResetReason, transportFailure: string, isHostAsked: boolean): void {
    const { info } = this;
    info.upstreamPoolReadyMs = this.clock[0];
    // Nobody was asked: no host to name.
    if (!isHostAsked) info.upstreamHost = null;
    this.noteFailure(reason, transportFailure);
    this.finish();
    this.owner.onUpstreamReset(reason, transportFailure);
  }

  /** Our own limits are not the host's fault. */
  private noteFailure(reason: ResetReason, transportFailure: string): void {
    if (this.tracking !== null) this.tracking.onFailure(reason, transportFailure);
    if (this.outlier !== null && reason !== ResetReason.overflow) this.outlier.onConnectionFailure();
  }

  // === ResponseDecoder ===

  get responseHeaders(): HeaderMap {
    const callbacks = this.callbacks;
    if (callbacks === null) throw new Error('a response arrived for a released request');
    return callbacks.responseHeaderMap;
  }

  get responseTrailers(): HeaderMap {
    const callbacks = this.callbacks;
    if (callbacks === null) throw new Error('a response arrived for a released request');
    return callbacks.responseTrailerMap;
  }

  decode1xxHeaders(headers: HeaderMap): void {
    if (this.state !== State.active) return;
    if (this.filters === null) this.pass1xxHeaders(headers);
    else this.filters.on1xxHeaders(headers);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.state !== State.active) return;
    const { info } = this;
    const now = this.clock[0];
    info.firstUpstreamRxMs = now;
    if (endStream) info.lastUpstreamRxMs = now;
    if (this.filters === null) {
      this.passHeaders(headers, endStream);
      return;
    }
    if (endStream) this.onReceived();
    this.filters.onResponseHeaders(headers, endStream);
  }

  decodeData(offset: number, length: number, endStream: boolean): void {
    if (this.state !== State.active) return;
    const { info } = this;
    if (length > 0 && Number.isNaN(info.firstUpstreamRxBodyMs)) info.firstUpstreamRxBodyMs = this.clock[0];
    if (endStream) info.lastUpstreamRxMs = this.clock[0];
    if (this.filters === null) {
      this.passData(this.slab, offset, length, endStream);
      return;
    }
    if (endStream) this.onReceived();
    this.filters.onResponseData(offset, length, endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (this.state !== State.active) return;
    this.info.lastUpstreamRxMs = this.clock[0];
    if (this.filters === null) {
      this.passTrailers(trailers);
      return;
    }
    this.onReceived();
    this.filters.onResponseTrailers(trailers);
  }

  onResetStream(reason: ResetReason, transportFailure: string): void {
    if (this.state !== State.active) return;
    this.noteFailure(reason, '');
    this.finish();
    this.owner.onUpstreamReset(reason, transportFailure);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.unhold(Hold.upstream);
  }

  // === FilteredTry: the response, behind the filters, and what filters ask for ===

  pass1xxHeaders(headers: HeaderMap): void {
    if (this.tracking !== null) this.tracking.onResponseHeaders(headers);
    this.owner.onUpstream1xxHeaders(headers);
  }

  passHeaders(headers: HeaderMap, endStream: boolean): void {
    this.hasResponse = true;
    if (this.tracking !== null) this.tracking.onResponseHeaders(headers);
    if (this.outlier !== null) {
      noteLoad(this.outlier, headers, this.callbacks?.streamInfo);
      noteResponse(this.outlier, headers, this.isGrpc);
    }
    this.owner.onUpstreamHeaders(headers, endStream);
  }

  passData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.tracking !== null) this.tracking.onReceived(length);
    this.owner.onUpstreamData(bytes, offset, length, endStream);
  }

  passTrailers(trailers: HeaderMap): void {
    if (this.tracking !== null) this.tracking.onResponseTrailers(trailers);
    if (this.outlier !== null) noteLoad(this.outlier, trailers, this.callbacks?.streamInfo);
    this.owner.onUpstreamTrailers(trailers);
  }

  routeEntry(): RouteEntry | null {
    return this.callbacks?.routeEntry() ?? null;
  }

  bufferLimit(): number {
    return this.callbacks?.decoderBufferLimit() ?? 0;
  }

  onFiltersFull(isFull: boolean): void {
    if (isFull) this.hold(Hold.filters);
    else this.unhold(Hold.filters);
  }

  pauseReading(isPaused: boolean): void {
    this.isReadingPaused = isPaused;
    this.encoder?.readDisable(isPaused);
  }

  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void {
    this.callbacks?.sendLocalReply(status, body, options);
  }

  refuseBody(): void {
    this.callbacks?.refuseBody();
  }

  resetStream(): void {
    this.callbacks?.resetStream();
  }

  onEscaped(error: unknown): void {
    this.callbacks?.onEscaped(error);
  }
}

/** Body bytes kept while a connection is made before the sender is told to wait. */
const PENDING_BODY_LIMIT = 1 << 20;

/** Of a request that belongs to no stream; nobody reads it. */
const NO_INFO = new StreamInfo();
