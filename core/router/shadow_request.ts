import { LogContext } from '../access_log/access_log.ts';
import { OwnedBytes } from '../buffer/owned_bytes.ts';
import { type ConnPool, NO_DOWNSTREAM, type PooledStream, type PoolRequest } from '../conn_pool/conn_pool.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import { isGrpcRequest } from '../headers/grpc_headers.ts';
import { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { LocalReplyOptions } from '../http/filter.ts';
import type { OneShotTimer } from '../http/filter_context.ts';
import { type RequestEncoder, ResetReason, type ResponseDecoder } from '../http/codec.ts';
import { type MirrorPolicy, shadowHost } from '../route/mirror_policy.ts';
import type { ClusterPolicies } from '../route/cluster_policies.ts';
import { StreamInfo } from '../stream_info/stream_info.ts';
import type { Host } from '../upstream/host.ts';
import { noteLoad, noteResponse } from './note_response.ts';
import type { RouterContext } from './router_context.ts';
import { shadowInfo, ShadowLog } from './shadow_log.ts';
import { type FilteredTry, type UpstreamFilterChain, upstreamFiltersOf } from './upstream_filters.ts';

/** The request that is copied, as its copies see it. */
export interface ShadowOwner {
  /** A copy's upstream takes no more for now (true), or takes more again. Calls alternate per copy. */
  onShadowBackpressure(isAbove: boolean): void;
  /** A copy wants no more of the request. */
  onShadowEnd(shadow: ShadowRequest): void;
}

const State = { pending: 0, active: 1, done: 2 } as const;

/**
 * A copy of a request on its way to a mirror cluster: sent in parallel with the original, answered to nobody, counted in the
 * mirror cluster's stats. Outlives the original once it is complete. Made per mirrored request.
 *
 *   pending -> active -> done (answered, failed, timed out or given up)
 */
export class ShadowRequest implements PoolRequest, ResponseDecoder, FilteredTry {
  poolNext: PoolRequest | null;
  poolPrevious: PoolRequest | null;
  waitingIn: ConnPool | null;
  readonly responseHeaders: HeaderMap;
  readonly responseTrailers: HeaderMap;
  private readonly context: RouterContext;
  private readonly cluster: UpstreamCluster;
  /** Where it goes, for logs and filters; of others nobody asks. */
  info: StreamInfo;
  private readonly headers: HeaderMap;
  private readonly timeoutMs: number;
  private owner: ShadowOwner | null;
  private readonly body: OwnedBytes;
  private trailers: HeaderMap | null;
  private encoder: RequestEncoder | null;
  private host: Host | null;
  private timer: OneShotTimer | null;
  private state: number;
  /** null = none is configured. */
  private filters: UpstreamFilterChain | null;
  /** The filters let the headers through (or there are none). */
  private isFiltered: boolean;
  /** The end of headers or body has come through the filters. */
  private isWhole: boolean;
  /** The codec has the whole request, the whole response. */
  private isSent: boolean;
  private isReceived: boolean;
  private isReadingPaused: boolean;
  /** The request is nothing but headers. */
  private endsWithHeaders: boolean;
  private isBackedUp: boolean;
  private hasResponse: boolean;
  hasLoadReport: boolean;
  /** null where copies are not logged, and when it is over. */
  private log: ShadowLog | null;

  /** Copies the headers as they go upstream. */
  constructor(context: RouterContext, owner: ShadowOwner, policy: MirrorPolicy, cluster: UpstreamCluster, original: HeaderMap, info: StreamInfo, timeoutMs: number) {
    this.poolNext = null;
    this.poolPrevious = null;
    this.waitingIn = null;
    this.context = context;
    this.owner = owner;
    this.cluster = cluster;
    this.timeoutMs = timeoutMs;
    this.responseHeaders = new HeaderMap(context.names, context.turn);
    this.responseTrailers = new HeaderMap(context.names, context.turn);
    this.info = NO_INFO;
    this.headers = new HeaderMap(context.names, context.turn);
    this.headers.copyFrom(original);
    this.body = new OwnedBytes();
    this.trailers = null;
    this.encoder = null;
    this.host = null;
    this.timer = null;
    this.state = State.pending;
    this.filters = null;
    this.isFiltered = true;
    this.isWhole = false;
    this.isSent = false;
    this.isReceived = false;
    this.isReadingPaused = false;
    this.endsWithHeaders = false;
    this.isBackedUp = false;
    this.hasResponse = false;
    this.hasLoadReport = false;
    this.log = null;
    this.changeHeaders(policy, info);
  }

  /** Begins to send; the request may be nothing but headers. */
  begin(random: number, isHighPriority: boolean, endStream: boolean): void {
    this.isWhole = endStream;
    this.endsWithHeaders = endStream;
    this.context.shadowStats().rqTotal.inc();
    if (endStream) this.startTimer();
    const { stats } = this.cluster.info;
    const host = this.cluster.chooseHost(random, null, null, { requestHeaders: () => this.headers, streamInfo: NO_METADATA, connection: NO_CONNECTION });
    const options = this.cluster.info.autoServerName === null ? null : this.cluster.info.autoServerName.optionsOf(this.headers, {});
    const pool = host === null ? null : this.cluster.pool(host, isHighPriority ? 1 : 0, NO_DOWNSTREAM, options);
    if (host === null || pool === null) {
      if (host === null) stats.cxNoneHealthy.inc();
      this.chargeCode(503, null);
      this.finish();
      return;
    }
    this.host = host;
    const { upstreamLog, clock } = this.context;
    const filters = upstreamFiltersOf(this.cluster.info.policies as ClusterPolicies | null, this.context);
    if (upstreamLog !== null || filters !== null) this.info = shadowInfo(this.cluster, host, clock);
    if (upstreamLog !== null) this.log = new ShadowLog(upstreamLog, this.info, this.headers, clock);
    if (filters === null) {
      pool.newStream(this);
      return;
    }
    this.isFiltered = false;
    this.isWhole = false;
    this.filters = filters.begin(this);
    pool.newStream(this);
    this.filter((chain) => chain.decode.onHeaders(this.headers, endStream));
  }

  /** An exception in a filter ends the copy and not the request that is copied. */
  private filter(work: (filters: UpstreamFilterChain) => void): void {
    if (this.filters === null || this.filters.isIterationOver()) return;
    try {
      work(this.filters);
    } catch (error) {
      this.onEscaped(error);
    }
  }

  /** Body bytes of the original. Copied while there is no connection. */
  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.state === State.done) return;
    if (endStream) this.onRequestSent();
    if (this.filters === null) this.sendData(bytes, offset, length, endStream);
    else this.filter((chain) => chain.decode.onData(bytes, offset, length, endStream));
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.state === State.done) return;
    this.onRequestSent();
    if (this.filters === null) {
      this.sendTrailers(trailers);
      return;
    }
    // Those of the original stay as they are.
    const own = new HeaderMap(this.context.names, this.context.turn);
    own.copyFrom(trailers);
    this.filter((chain) => chain.decode.onTrailers(own));
  }

  // === FilteredTry ===

  sendHeaders(_headers: HeaderMap, endStream: boolean): void {
    this.isFiltered = true;
    this.endsWithHeaders = endStream;
    this.isWhole = endStream;
    if (this.encoder !== null) this.sendAll(this.encoder);
  }

  sendData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (endStream) this.isWhole = true;
    if (this.encoder === null) {
      this.body.append(bytes, offset, length);
      if (this.body.length > this.cluster.info.config.perConnectionBufferLimitBytes) this.setBackedUp(true);
      return;
    }
    this.log?.observer.onSent(length);
    if (endStream) this.log?.onSent();
    this.encoder.encodeData(bytes, offset, length, endStream);
    if (endStream) this.onSent();
    else if (this.encoder?.isAboveHighWatermark()) this.setBackedUp(true);
  }

  sendTrailers(trailers: HeaderMap): void {
    if (this.encoder !== null) {
      this.log?.onSent();
      this.encoder.encodeTrailers(trailers);
      this.onSent();
      return;
    }
    this.trailers = new HeaderMap(this.context.names, this.context.turn);
    this.trailers.copyFrom(trailers);
  }

  /** The original was given up before it was complete. */
  cancel(): void {
    if (this.state === State.done) return;
    this.owner = null;
    this.abandon();
  }

  // === PoolRequest ===

  onPoolReady(stream: PooledStream): void {
    if (this.state !== State.pending) return;
    this.state = State.active;
    const encoder = stream.open(this);
    this.host?.outlier?.onConnected();
    this.encoder = encoder;
    this.log?.onReady(stream);
    if (this.isFiltered) this.sendAll(encoder);
  }

  /** Everything there is of the request so far. */
  private sendAll(encoder: RequestEncoder): void {
    const { body, trailers, endsWithHeaders } = this;
    if (this.isWhole || trailers !== null) this.log?.onSent();
    encoder.encodeHeaders(this.headers, endsWithHeaders);
    this.setBackedUp(false);
    if (!endsWithHeaders) {
      const endsHere = this.isWhole && trailers === null;
      this.log?.observer.onSent(body.length);
      if (body.length > 0 || endsHere) encoder.encodeData(body.bytes, 0, body.length, endsHere);
      body.clear();
      if (trailers !== null) encoder.encodeTrailers(trailers);
    }
    if (this.isWhole || trailers !== null) this.onSent();
  }

  /** The codec has the whole request. */
  private onSent(): void {
    this.isSent = true;
    if (this.isReceived) this.leaveCodec();
  }

  /** The codec has the whole response: the connection may serve another, while filters still hold it. */
  private onReceived(): void {
    this.isReceived = true;
    if (this.isSent) this.leaveCodec();
  }

  private leaveCodec(): void {
    if (this.isReadingPaused) this.encoder?.readDisable(false);
    this.encoder = null;
  }

  onPoolFailure(reason: ResetReason, transportFailure: string, isHostAsked: boolean): void {
    this.log?.onPoolFailure(isHostAsked);
    this.fail(reason, transportFailure);
  }

  // === ResponseDecoder ===

  decode1xxHeaders(headers: HeaderMap): void {
    if (this.filters === null) this.pass1xxHeaders(headers);
    else this.filters.on1xxHeaders(headers);
  }

  pass1xxHeaders(headers: HeaderMap): void {
    this.chargeCode(headers.status, this.host);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.state !== State.active) return;
    if (endStream) this.onReceived();
    if (this.filters === null) this.passHeaders(headers, endStream);
    else this.filters.onResponseHeaders(headers, endStream);
  }

  passHeaders(headers: HeaderMap, endStream: boolean): void {
    this.hasResponse = true;
    this.log?.onResponseHeaders(headers);
    const outlier = this.host?.outlier ?? null;
    if (outlier !== null) {
      noteLoad(outlier, headers, this);
      noteResponse(outlier, headers, isGrpcRequest(this.headers));
    }
    if (headers.status >= 500) this.host?.onRequestError();
    else this.host?.onRequestSuccess();
    this.chargeCode(headers.status, this.host);
    if (endStream) this.onResponseComplete();
  }

  decodeData(offset: number, length: number, endStream: boolean): void {
    if (endStream) this.onReceived();
    if (this.filters === null) this.passData(this.context.turnSlab, offset, length, endStream);
    else this.filters.onResponseData(offset, length, endStream);
  }

  passData(_bytes: Uint8Array, _offset: number, length: number, endStream: boolean): void {
    this.log?.observer.onReceived(length);
    if (endStream) this.onResponseComplete();
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.onReceived();
    if (this.filters === null) this.passTrailers(trailers);
    else this.filters.onResponseTrailers(trailers);
  }

  passTrailers(trailers: HeaderMap): void {
    const outlier = this.host?.outlier ?? null;
    if (outlier !== null) noteLoad(outlier, trailers, this);
    this.log?.observer.onResponseTrailers(trailers);
    this.onResponseComplete();
  }

  onResetStream(reason: ResetReason): void {
    if (this.state !== State.active) return;
    this.encoder = null;
    this.fail(reason, '');
  }

  onBelowWriteBufferLowWatermark(): void {
    this.setBackedUp(false);
  }

  onTimeout(): void {
    if (this.state === State.done) return;
    this.cluster.info.stats.rqTimeout.inc();
    this.host?.onRequestTimeout();
    if (this.state === State.active && !this.hasResponse) this.host?.outlier?.onTimeout(504);
    this.chargeCode(504, this.host);
    this.abandon();
  }

  // === FilteredTry: what filters ask for. Nobody waits for an answer: one that a filter gives ends the copy ===

  requestHeaders(): HeaderMap {
    return this.headers;
  }

  /** Copies are of no route. */
  routeEntry(): null {
    return null;
  }

  bufferLimit(): number {
    return this.cluster.info.config.perConnectionBufferLimitBytes;
  }

  onFiltersFull(isFull: boolean): void {
    this.setBackedUp(isFull);
  }

  pauseReading(isPaused: boolean): void {
    this.isReadingPaused = isPaused;
    this.encoder?.readDisable(isPaused);
  }

  sendLocalReply(_status: number, _body: string, _options: LocalReplyOptions): void {
    this.abandon();
  }

  refuseBody(): void {
    this.abandon();
  }

  resetStream(): void {
    this.abandon();
  }

  onEscaped(error: unknown): void {
    this.context.reportException(error);
    this.abandon();
  }

  // === private ===

  private changeHeaders(policy: MirrorPolicy, info: StreamInfo): void {
    const { headers } = this;
    if (!policy.mutations.isEmpty) {
      const context = new LogContext();
      context.requestHeaders = headers;
      context.info = info;
      policy.mutations.evaluate(headers, context);
    }
    if (policy.hostRewrite !== '') headers.set(HeaderId.authority, policy.hostRewrite);
    else if (policy.appendsShadowSuffix) headers.set(HeaderId.authority, shadowHost(headers.get(HeaderId.authority) ?? ''));
    headers.set(HeaderId.envoyInternal, 'true');
    const known = headers.getAll(HeaderId.forwardedFor);
    headers.set(HeaderId.forwardedFor, known === undefined || known === '' ? this.context.localAddress : `${known},${this.context.localAddress}`);
  }

  private onRequestSent(): void {
    this.owner = null;
    this.startTimer();
  }

  private startTimer(): void {
    if (this.timeoutMs <= 0) return;
    this.timer = this.context.createTimer(this);
    this.timer.enable(this.timeoutMs);
  }

  private setBackedUp(isAbove: boolean): void {
    if (this.isBackedUp === isAbove) return;
    this.isBackedUp = isAbove;
    this.owner?.onShadowBackpressure(isAbove);
  }

  private fail(reason: ResetReason, transportFailure: string): void {
    this.log?.observer.onFailure(reason, transportFailure);
    if (reason !== ResetReason.overflow) {
      this.host?.onRequestError();
      this.host?.outlier?.onConnectionFailure();
    }
    this.chargeCode(reason === ResetReason.protocolError ? 502 : 503, this.host);
    this.finish();
  }

  private onResponseComplete(): void {
    if (this.state !== State.active) return;
    if (this.log !== null) this.log.info.lastUpstreamRxMs = this.context.clock[0];
    if (this.isSent) this.finish();
    else this.abandon();
  }

  /** Lets go of pool and connection. */
  private abandon(): void {
    const { encoder } = this;
    this.encoder = null;
    this.waitingIn?.cancel(this);
    encoder?.resetStream(ResetReason.localReset);
    this.finish();
  }

  private finish(): void {
    this.state = State.done;
    const { filters } = this;
    this.filters = null;
    filters?.end();
    this.encoder = null;
    this.body.clear();
    this.setBackedUp(false);
    this.timer?.close();
    this.log?.end();
    this.log = null;
    this.owner?.onShadowEnd(this);
    this.owner = null;
  }

  /** All copies are requests of our own: internal. */
  private chargeCode(status: number, host: Host | null): void {
    const { stats } = this.cluster.info;
    stats.codes.charge(status);
    stats.byOrigin(true).charge(status);
    if (host?.isCanary === true) stats.canaryCodes().charge(status);
  }
}

const NO_INFO = new StreamInfo();
/** Copies have no metadata and no downstream connection of their own. */
const NO_METADATA = Object.freeze({ dynamicMetadata: null });
const NO_CONNECTION = Object.freeze({ originalDestination: '' });
