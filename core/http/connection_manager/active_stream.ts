import type { OwnedBytes } from '../../buffer/owned_bytes.ts';
import { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { MatchInput } from '../../matcher/match_input.ts';
import type { DeferredDelete } from '../../network/io_dispatcher.ts';
import type { RouteEntry } from '../../route/route_entry.ts';
import type { RouteTable } from '../../route/route_table.ts';
import { ResponseFlag } from '../../stream_info/response_flags.ts';
import { type ConnectionInfo, Protocol, StreamInfo } from '../../stream_info/stream_info.ts';
import { AccessLogType } from '../../access_log/access_log.ts';
import { type RequestDecoder, ResetReason } from '../codec.ts';
import { reasonPhrase } from '../codes.ts';
import type { LocalReplyOptions } from '../filter.ts';
import type { FilterHandle } from '../filter_manager/filter_handle.ts';
import { Direction, type FilterIteration, type IterationOwner } from '../filter_manager/filter_iteration.ts';
import type { Http1ServerConnection } from '../http1/server_connection.ts';
import type { TerminalFilter } from '../terminal_filter.ts';
import { answerExpect, finishResponseHeaders, isWithoutProtocol } from './exchange_headers.ts';
import { removeHopByHop } from './header_sanitizer.ts';
import { fillLocalReply } from './local_reply_writer.ts';
import type { ManagerContext } from './manager_context.ts';
import { applyRouteToFilters, createStreamFilters, passes1xx, type StreamFilters } from './stream_filters.ts';
import { nameCluster } from './stream_cluster.ts';
import { RedirectState } from '../redirect_state.ts';
import { StreamTimeouts } from './stream_timeouts.ts';
import { noteRequestHead, refuseBody, settleStream } from './stream_end.ts';
import { StreamFlow } from './stream_flow.ts';
import { logStream } from './stream_log.ts';
import { admitAgain, admitRequest } from './request_admission.ts';
import { isTunnelResponse, isUpgradeAllowed, UPGRADE_FAILED, UpgradeKind, upgradeKindOf, upgradeTypeOf } from './upgrades.ts';

/** The connection a stream belongs to, as the stream sees it. */
export interface StreamOwner {
  readonly codec: Http1ServerConnection;
  readonly connectionInfo: ConnectionInfo;
  /** The peer's request is the connection's last one: sets `connection: close` on responses. */
  isClosing(): boolean;
  /** This response must be the last one on the connection. */
  closeAfterResponse(): void;
  /** A stream that takes this one's place on the connection. */
  replaceStream(): ActiveStream;
  /** The stream is over; `isReset` when it did not end normally. */
  onStreamEnd(stream: ActiveStream, isReset: boolean): void;
  /** Something happened on the connection: nobody needs to know but its idle timer. */
  readonly requestNumber: number;
}

/**
 * One request and its response: the decoder the codec speaks to, the filter chains of both directions, timeouts, the log line.
 * Pooled by filter chain together with its filter objects.
 *
 *   request:  codec -> checks -> sanitise -> route -> decoder filters -> terminal filter (router)
 *   response: router | local reply -> encoder filters -> sanitise -> codec
 */
export class ActiveStream implements RequestDecoder, IterationOwner, DeferredDelete {
  readonly context: ManagerContext;
  readonly requestHeaders: HeaderMap;
  readonly responseHeaders: HeaderMap;
  private madeRequestTrailers: HeaderMap | null;
  private madeResponseTrailers: HeaderMap | null;
  readonly info: StreamInfo;
  /** The connection manager's filters, or those that the upgrade under way has of its own. */
  decode: FilterIteration;
  encode: FilterIteration;
  handles: readonly FilterHandle[];
  private terminal: TerminalFilter;
  private readonly filters: StreamFilters;
  /** By index of upgrade_configs, made when first needed. */
  private upgradeFilters: (StreamFilters | undefined)[] | null;
  private readonly timeouts: StreamTimeouts;
  private readonly release: (stream: ActiveStream) => void;
  private readonly matchInput: MatchInput;
  owner: StreamOwner | null;
  routeTable: RouteTable;
  private routeEntryCache: RouteEntry | null;
  private isRouteCached: boolean;
  /** Request headers were parsed and are valid in this turn or retained. */
  hasRequestHeaders: boolean;
  private headersTurn: number;
  isRequestDone: boolean;
  /** Response headers were given to the codec; the whole response was. */
  isResponseStarted: boolean;
  isResponseDone: boolean;
  private isLocalReply: boolean;
  /** UpgradeKind of the request, once it is accepted. */
  upgrade: number;
  isDestroyed: boolean;
  private sawEncodeHeaders: boolean;
  /** The response says which x-request-id was traced. */
  isTraceForced: boolean;
  private readonly flow: StreamFlow;
  /** null = no redirect was followed yet. */
  private redirects: RedirectState | null;

  constructor(context: ManagerContext, terminal: TerminalFilter, release: (stream: ActiveStream) => void) {
    const parts = context.parts;
    const { dispatcher, names } = parts;
    this.context = context;
    this.release = release;
    this.requestHeaders = new HeaderMap(names, dispatcher.turn);
    this.madeRequestTrailers = null;
    this.madeResponseTrailers = null;
    this.responseHeaders = new HeaderMap(names, dispatcher.turn);
    this.info = new StreamInfo();
    this.matchInput = new MatchInput(this.requestHeaders, this.info);
    this.filters = createStreamFilters(this, parts.filters, terminal, dispatcher);
    this.decode = this.filters.decode;
    this.encode = this.filters.encode;
    this.handles = this.filters.handles;
    this.terminal = terminal;
    this.upgradeFilters = null;
    this.timeouts = new StreamTimeouts(this, parts.config, parts.stats, dispatcher);
    this.owner = null;
    this.routeTable = parts.routeTable;
    this.routeEntryCache = null;
    this.isRouteCached = false;
    this.hasRequestHeaders = false;
    this.headersTurn = -1;
    this.isRequestDone = false;
    this.isResponseStarted = false;
    this.isResponseDone = false;
    this.isLocalReply = false;
    this.upgrade = UpgradeKind.none;
    this.isDestroyed = true;
    this.sawEncodeHeaders = false;
    this.isTraceForced = false;
    this.flow = new StreamFlow(parts.stats);
    this.redirects = null;
  }

  /** Trailer maps are made when a message first needs one. */
  get requestTrailers(): HeaderMap {
    this.madeRequestTrailers ??= new HeaderMap(this.context.parts.names, this.context.parts.dispatcher.turn);
    return this.madeRequestTrailers;
  }

  get responseTrailers(): HeaderMap {
    this.madeResponseTrailers ??= new HeaderMap(this.context.parts.names, this.context.parts.dispatcher.turn);
    return this.madeResponseTrailers;
  }

  /** Begins a new stream on a connection. */
  begin(owner: StreamOwner): void {
    const { dispatcher, stats, bufferLimit } = this.context.parts;
    this.owner = owner;
    this.routeEntryCache = null;
    this.isRouteCached = false;
    this.hasRequestHeaders = false;
    this.isRequestDone = false;
    this.isResponseStarted = false;
    this.isResponseDone = false;
    this.isLocalReply = false;
    this.upgrade = UpgradeKind.none;
    this.isDestroyed = false;
    this.sawEncodeHeaders = false;
    this.isTraceForced = false;
    this.flow.reset();
    this.redirects = null;
    const info = this.info;
    info.reset(dispatcher.io.clock);
    info.connection = owner.connectionInfo;
    info.random = this.context.parts.random();
    this.decode.reset(bufferLimit);
    this.encode.reset(bufferLimit);
    this.madeRequestTrailers?.clear();
    this.madeResponseTrailers?.clear();
    stats.rqTotal.inc();
    stats.rqActive.inc();
    stats.rqHttp1Total.inc();
    this.timeouts.begin();
  }

  // === RequestDecoder: from the codec ===

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    const { context, owner, info } = this;
    const { parts } = context;
    if (owner === null) return;
    const { codec } = owner;
    this.hasRequestHeaders = true;
    this.headersTurn = parts.dispatcher.turnNumber;
    this.timeouts.onHeadersComplete();
    info.protocol = codec.minorVersion === 0 ? Protocol.http10 : Protocol.http11;
    noteRequestHead(info, codec);
    if (endStream) this.onRequestDone();
    if (headers.find(HeaderId.expect) >= 0 && !parts.config.proxy100Continue && answerExpect(headers, codec)) this.chargeCode(100);
    const upgrade = upgradeKindOf(headers);
    if (!admitRequest(this, owner, headers, upgrade === UpgradeKind.upgrade)) return;
    // Only a trusted caller's x-envoy-force-trace is still there.
    if (headers.find(HeaderId.envoyForceTrace) >= 0) this.isTraceForced = true;
    this.routeRequest(headers, endStream, upgrade);
  }

  private routeRequest(headers: HeaderMap, endStream: boolean, upgrade: number): void {
    const { parts, needsRequestHeaders } = this.context;
    const route = this.routeEntry();
    this.info.route = route;
    const isRefused = upgrade !== UpgradeKind.none && !this.acceptUpgrade(upgrade, headers, route);
    if (route !== null) this.applyRoute(route, headers);
    if (parts.config.logsNewRequests) this.log(AccessLogType.downstreamStart);
    // Without a route the answer is 404, whatever was asked for.
    if (isRefused && route !== null) {
      parts.stats.rqWsOnNonWsRoute.inc();
      this.owner?.closeAfterResponse();
      this.sendLocalReply(403, '', UPGRADE_FAILED);
      return;
    }
    this.decode.onHeaders(headers, endStream);
    if ((needsRequestHeaders || this.isTraceForced) && !this.isDestroyed) headers.retain();
  }

  decodeData(offset: number, length: number, endStream: boolean): void {
    this.info.bytesReceived += length;
    if (endStream) this.onRequestDone();
    this.timeouts.onActivity();
    if (this.isLocalReply || this.isDestroyed) return;
    this.decode.onData(this.context.parts.dispatcher.io.slab, offset, length, endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.onRequestDone();
    this.info.downstreamHeaderBytesReceived = this.owner?.codec.requestHeaderLineBytes ?? 0;
    this.timeouts.onActivity();
    if (this.isLocalReply || this.isDestroyed) return;
    this.decode.onTrailers(trailers);
  }

  onResetStream(reason: ResetReason): void {
    if (this.isDestroyed) return;
    const stats = this.context.parts.stats;
    if (reason === ResetReason.localReset) stats.rqTxReset.inc();
    else stats.rqRxReset.inc();
    const info = this.info;
    if (reason === ResetReason.connectionTermination || reason === ResetReason.remoteReset) {
      info.setFlag(ResponseFlag.downstreamConnectionTermination);
      if (info.responseCodeDetails === '' || info.responseCodeDetails === 'via_upstream') info.responseCodeDetails = 'downstream_remote_disconnect';
    }
    this.end(true);
  }

  onProtocolError(status: number, details: string): void {
    if (this.isDestroyed) return;
    const { stats } = this.context.parts;
    stats.cxProtocolError.inc();
    this.info.downstreamHeaderBytesReceived = this.owner?.codec.requestHeaderLineBytes ?? 0;
    this.info.setFlag(ResponseFlag.downstreamProtocolError);
    this.owner?.closeAfterResponse();
    if (this.isResponseStarted) {
      this.info.responseCodeDetails = details;
      this.resetStream();
      return;
    }
    if (!this.hasRequestHeaders) this.requestHeaders.clear();
    this.sendLocalReply(status, reasonPhrase(status), { details });
  }

  onBelowWriteBufferLowWatermark(): void {
    if (!this.flow.isPausedByFilter) this.terminal.onDownstreamBelowLowWatermark();
  }

  private onRequestDone(): void {
    this.isRequestDone = true;
    this.info.requestCompleteMs = this.context.parts.dispatcher.io.clock[0];
    this.info.downstreamWireBytesReceived = this.owner?.codec.wireBytesReceived ?? 0;
    this.timeouts.onRequestComplete();
  }

  /** Takes an upgrade or CONNECT on, with the filters it has of its own; false when it is not allowed. */
  private acceptUpgrade(kind: number, headers: HeaderMap, route: RouteEntry | null): boolean {
    const { upgrades, stats, dispatcher, bufferLimit } = this.context.parts;
    const type = upgradeTypeOf(kind, headers);
    const index = upgrades.findIndex((upgrade) => upgrade.type === type);
    if (!isUpgradeAllowed(type, upgrades[index], route)) return false;
    this.upgrade = kind;
    stats.cxUpgradesTotal.inc();
    stats.cxUpgradesActive.inc();
    const configured = upgrades[index]?.filters ?? null;
    if (configured === null) return true;
    this.upgradeFilters ??= [];
    this.upgradeFilters[index] ??= createStreamFilters(this, configured, upgrades[index].createTerminal(), dispatcher);
    this.useFilters(this.upgradeFilters[index]);
    this.decode.reset(bufferLimit);
    this.encode.reset(bufferLimit);
    return true;
  }

  private useFilters(filters: StreamFilters): void {
    this.decode = filters.decode;
    this.encode = filters.encode;
    this.handles = filters.handles;
    this.terminal = filters.terminal;
  }

  private applyRoute(route: RouteEntry, headers: HeaderMap): void {
    nameCluster(this.info, route, this.requestHeaders, this.context.parts.clusters);
    this.timeouts.applyRoute(route, headers);
    applyRouteToFilters(this.handles, route);
  }

  // === routing ===

  routeEntry(): RouteEntry | null {
    if (!this.isRouteCached) {
      this.isRouteCached = true;
      this.matchInput.readStream();
      this.routeEntryCache = isWithoutProtocol(this.requestHeaders) ? null : this.routeTable.match(this.matchInput);
    }
    return this.routeEntryCache;
  }

  clearRouteCache(): void {
    this.isRouteCached = false;
    this.info.route = this.routeEntry();
    nameCluster(this.info, this.routeEntryCache, this.requestHeaders, this.context.parts.clusters);
  }

  redirectState(): RedirectState {
    this.redirects ??= new RedirectState();
    return this.redirects;
  }

  /** See TerminalFilterCallbacks. */
  recreate(response: HeaderMap, body: OwnedBytes): void {
    const { owner, info } = this;
    if (owner === null || this.isDestroyed) return;
    info.responseCodeDetails = 'internal_redirect';
    info.responseCode = response.status;
    this.sawEncodeHeaders = true;
    if (this.context.parts.http1.countsHeaderBytes) info.responseHeaderBytes = response.byteSize();
    const next = owner.replaceStream();
    next.requestHeaders.copyFrom(this.requestHeaders);
    next.redirects = this.redirects;
    this.end(false, true);
    try {
      next.restart(info, body);
    } catch (error) {
      next.onEscaped(error);
    }
  }

  /** The continuation of a stream whose request is complete. */
  private restart(previous: StreamInfo, body: OwnedBytes): void {
    const { requestHeaders: headers, info } = this;
    this.hasRequestHeaders = true;
    this.isRequestDone = true;
    info.continueFrom(previous);
    this.timeouts.onContinued();
    if (!admitAgain(this, headers)) return;
    this.routeRequest(headers, body.length === 0, UpgradeKind.none);
    if (body.length === 0 || this.isDestroyed || this.isLocalReply) return;
    info.bytesReceived += body.length;
    this.decode.onData(body.bytes, 0, body.length, true);
  }

  /** Request headers if they still stand. */
  validRequestHeaders(): HeaderMap | null {
    if (!this.hasRequestHeaders) return null;
    return this.requestHeaders.owned || this.headersTurn === this.context.parts.dispatcher.turnNumber ? this.requestHeaders : null;
  }

  // === the response ===

  encode1xxHeaders(headers: HeaderMap): void {
    // A 1xx that nobody asked for goes no further.
    if (this.isDestroyed || this.isResponseStarted || !this.context.parts.config.proxy100Continue || !passes1xx(this, headers)) return;
    removeHopByHop(headers);
    this.chargeCode(headers.status);
    this.owner?.codec.encode1xxHeaders(headers);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.sawEncodeHeaders = true;
    // Encoder filters and their formats ask for it; it is set again in case they change the status.
    this.info.responseCode = headers.status;
    try {
      this.encode.onHeaders(headers, endStream);
    } catch (error) {
      this.onEscaped(error);
    }
  }

  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    try {
      this.encode.onData(bytes, offset, length, endStream);
    } catch (error) {
      this.onEscaped(error);
    }
  }

  encodeTrailers(trailers: HeaderMap): void {
    try {
      this.encode.onTrailers(trailers);
    } catch (error) {
      this.onEscaped(error);
    }
  }

  /** Answers here; see filter.ts. */
  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void {
    if (this.isDestroyed || this.isLocalReply) return;
    this.info.responseCodeDetails = options.details;
    if (this.isResponseStarted) {
      this.resetStream();
      return;
    }
    this.isLocalReply = true;
    if (status === 400 && !this.context.parts.config.streamErrorOnInvalidHttpMessage) this.owner?.closeAfterResponse();
    this.terminal.onDestroy();
    // Whatever an encoder filter held of an upstream response is void.
    this.encode.reset(this.encode.bufferLimit);
    const headers = this.responseHeaders;
    const text = fillLocalReply(this, status, body, options);
    const hasBody = text.length > 0;
    this.sawEncodeHeaders = true;
    try {
      this.encode.onHeaders(headers, !hasBody);
      if (hasBody && !this.isDestroyed) {
        const bytes = Buffer.from(text);
        this.encode.onData(bytes, 0, bytes.length, true);
      }
    } catch (error) {
      this.onEscaped(error);
    }
  }

  resetStream(): void {
    if (this.isDestroyed) return;
    const { stats } = this.context.parts;
    stats.rqTxReset.inc();
    // The connection goes with it: that counts as well.
    stats.rqRxReset.inc();
    this.end(true);
  }

  // === IterationOwner ===

  deliverHeaders(direction: number, headers: HeaderMap, endStream: boolean): void {
    if (direction === Direction.decode) {
      this.terminal.decodeTerminalHeaders(headers, endStream);
      return;
    }
    const owner = this.owner;
    if (owner === null) return;
    const { context, info } = this;
    const { parts } = context;
    const isTunnel = this.upgrade !== UpgradeKind.none && !endStream && isTunnelResponse(this.upgrade, headers);
    finishResponseHeaders(this, owner, headers, isTunnel, endStream);
    info.firstDownstreamTxMs = parts.dispatcher.io.clock[0];
    this.chargeCode(headers.status);
    this.isResponseStarted = true;
    this.timeouts.onResponseStart();
    if (isTunnel && parts.config.logsTunnels) {
      info.downstreamWireBytesReceived = owner.codec.wireBytesReceived;
      this.log(AccessLogType.downstreamTunnelSuccessfullyEstablished);
    }
    owner.codec.encodeHeaders(headers, endStream);
    info.downstreamHeaderBytesSent = owner.codec.responseHeadBytes;
    if (context.needsResponseHeaders && !endStream) headers.retain();
    if (endStream) this.onResponseDone();
  }

  deliverData(direction: number, bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (direction === Direction.decode) {
      this.terminal.decodeTerminalData(bytes, offset, length, endStream);
      return;
    }
    const owner = this.owner;
    if (owner === null) return;
    if (!owner.codec.isHeadRequest) this.info.bytesSent += length;
    this.timeouts.onActivity();
    owner.codec.encodeData(bytes, offset, length, endStream);
    if (endStream) this.onResponseDone();
  }

  deliverTrailers(direction: number, trailers: HeaderMap): void {
    if (direction === Direction.decode) {
      this.terminal.decodeTerminalTrailers(trailers);
      return;
    }
    const { owner } = this;
    if (owner === null) return;
    this.info.responseTrailerBytes = trailers.byteSize();
    owner.codec.encodeTrailers(trailers);
    this.info.downstreamHeaderBytesSent = owner.codec.responseHeadBytes;
    this.onResponseDone();
  }

  onBufferLimit(direction: number): void {
    const { stats } = this.context.parts;
    if (direction === Direction.decode) {
      stats.rqTooLarge.inc();
      this.refuseBody();
      return;
    }
    stats.rsTooLarge.inc();
    this.sendLocalReply(500, 'Internal Server Error', { details: 'response_payload_too_large' });
  }

  refuseBody(): void {
    refuseBody(this);
  }

  onBufferWatermark(direction: number, isAbove: boolean): void {
    if (direction === Direction.decode) this.readDisableRequest(isAbove);
    else this.pauseResponse(isAbove);
  }

  /** A filter asks that the upstream be read no further (or again). */
  pauseResponse(isPaused: boolean): void {
    this.flow.pauseResponse(isPaused);
    if (!isPaused && !this.isDestroyed && !this.isResponsePaused()) this.terminal.onDownstreamBelowLowWatermark();
  }

  /** Whether whoever takes the response, the client or a filter, has more than it wants. */
  isResponsePaused(): boolean {
    return this.flow.isPausedByFilter || (this.owner?.codec.isAboveHighWatermark() ?? false);
  }

  retainHeaders(direction: number): void {
    (direction === Direction.decode ? this.requestHeaders : this.responseHeaders).retain();
  }

  isIterationOver(direction: number): boolean {
    return this.isDestroyed || (direction === Direction.decode && this.isLocalReply);
  }

  readDisableRequest(disable: boolean): void {
    this.flow.readDisable(disable, this.owner?.codec);
  }

  private chargeCode(status: number): void {
    if (this.info.isHealthCheck) return;
    this.context.parts.stats.codes.charge(status);
    this.context.parts.stats.listenerCodes.charge(status);
  }

  private onResponseDone(): void {
    this.isResponseDone = true;
    this.info.lastDownstreamTxMs = this.context.parts.dispatcher.io.clock[0];
    this.end(false);
  }

  /** An exception escaped where the caller is not this stream's connection (upstream, timer, completion): settled here. */
  onEscaped(error: unknown): void {
    this.context.parts.dispatcher.reportException(error);
    if (!this.isDestroyed) this.onException();
  }

  /** An exception escaped from a filter or from us: this stream ends, the worker goes on. */
  onException(): void {
    this.info.setFlag(ResponseFlag.localReset);
    this.info.responseCodeDetails = 'internal_error';
    this.resetStream();
  }

  // === the end ===

  /** Ends the stream: filters, stats, log line and after it those of tries that this ends; the object goes back to its pool when the turn is over. */
  private end(isReset: boolean, isReplaced = false): void {
    if (this.isDestroyed) return;
    const { context, info, owner } = this;
    settleStream(context, info, owner === null ? null : owner.codec, this.upgrade, this.isRequestDone, isReset);
    this.timeouts.end();
    const handles = this.handles;
    for (let i = 0; i < handles.length; i++) handles[i].filter.onStreamComplete?.();
    this.terminal.onStreamComplete();
    if (context.parts.loggers.length > 0) this.log(AccessLogType.downstreamEnd);
    this.terminal.onDestroy();
    this.isDestroyed = true;
    for (let i = 0; i < handles.length; i++) handles[i].filter.onDestroy?.();
    this.owner = null;
    context.parts.dispatcher.deferDelete(this);
    if (!isReplaced) owner?.onStreamEnd(this, isReset);
  }

  private log(type: AccessLogType): void {
    const response = this.sawEncodeHeaders ? this.responseHeaders : null;
    logStream(this.context, this.info, this.validRequestHeaders(), response, this.madeResponseTrailers, type);
  }

  onDeferredDelete(): void {
    this.requestHeaders.clear();
    this.responseHeaders.clear();
    if (this.terminal !== this.filters.terminal) this.useFilters(this.filters);
    this.release(this);
  }

  /** access_log_flush_interval has passed. */
  logPeriodically(): void {
    if (this.owner !== null) this.info.downstreamWireBytesSent = this.owner.codec.wireBytesSent;
    this.log(AccessLogType.downstreamPeriodic);
  }

  /** A timeout before any response: see StreamTimeouts. */
  answerTimeout(status: number, body: string, details: string, grpcStatus?: number): void {
    if (!this.isRequestDone) this.owner?.closeAfterResponse();
    this.sendLocalReply(status, body, grpcStatus === undefined ? { details } : { details, grpcStatus });
  }
}
