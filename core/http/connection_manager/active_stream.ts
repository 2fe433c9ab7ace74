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
import { Direction, FilterIteration, type IterationOwner } from '../filter_manager/filter_iteration.ts';
import type { Http1ServerConnection } from '../http1/server_connection.ts';
import { isUpgrade } from '../http1/framing.ts';
import type { TerminalFilter } from '../terminal_filter.ts';
import { FilterHandle } from './filter_handle.ts';
import { mutateRequestHeaders, mutateResponseHeaders, removeHopByHop } from './header_sanitizer.ts';
import { fillLocalReply } from './local_reply_writer.ts';
import type { ManagerContext } from './manager_context.ts';
import { RedirectState } from '../redirect_state.ts';
import { StreamTimeouts } from './stream_timeouts.ts';
import { checkRequest, RequestCheck } from './request_check.ts';
import { refuseRequest } from './request_refusal.ts';
import { setConnectionHeader } from './response_connection.ts';
import { nameCluster } from './stream_cluster.ts';
import { logStream } from './stream_log.ts';

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
  readonly decode: FilterIteration;
  readonly encode: FilterIteration;
  readonly handles: readonly FilterHandle[];
  private readonly terminal: TerminalFilter;
  private readonly timeouts: StreamTimeouts;
  private readonly release: (stream: ActiveStream) => void;
  private readonly matchInput: MatchInput;
  owner: StreamOwner | null;
  routeTable: RouteTable;
  private routeEntryCache: RouteEntry | null;
  private isRouteCached: boolean;
  /** Request headers were parsed and are valid in this turn or retained. */
  private hasRequestHeaders: boolean;
  private headersTurn: number;
  isRequestDone: boolean;
  /** Response headers were given to the codec; the whole response was. */
  isResponseStarted: boolean;
  isResponseDone: boolean;
  private isLocalReply: boolean;
  isDestroyed: boolean;
  private sawEncodeHeaders: boolean;
  private readDisables: number;
  /** Filters that cannot take more of the response. */
  private responsePauses: number;
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
    const middle = parts.filters.filter((filter) => filter.factory.isTerminal !== true);
    const filters = middle.map((filter) => filter.factory.createFilter());
    this.decode = new FilterIteration(this, Direction.decode, filters, dispatcher.io.slab);
    this.encode = new FilterIteration(this, Direction.encode, [...filters].reverse(), dispatcher.io.slab);
    this.terminal = terminal;
    const last = filters.length;
    this.handles = [...filters, terminal].map((filter, i) => new FilterHandle(this, filter, parts.filters[i].name, i, last - 1 - i, parts.filters[i].disabled));
    for (const handle of this.handles) handle.filter.setCallbacks?.(handle);
    terminal.setTerminalCallbacks(this.handles[last]);
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
    this.isDestroyed = true;
    this.sawEncodeHeaders = false;
    this.readDisables = 0;
    this.responsePauses = 0;
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
    this.isDestroyed = false;
    this.sawEncodeHeaders = false;
    this.readDisables = 0;
    this.responsePauses = 0;
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
    const codec = owner.codec;
    this.hasRequestHeaders = true;
    this.headersTurn = parts.dispatcher.turnNumber;
    this.timeouts.onHeadersComplete();
    info.protocol = codec.minorVersion === 0 ? Protocol.http10 : Protocol.http11;
    info.downstreamHeaderBytesReceived = codec.requestHeaderLineBytes;
    if (endStream) this.onRequestDone();
    if (headers.find(HeaderId.expect) >= 0) this.answerExpect(headers, codec);
    const check = checkRequest(headers, codec.minorVersion, parts.config, parts.listenerPort);
    if (check !== RequestCheck.ok) {
      refuseRequest(this, check);
      return;
    }
    const isUpgradeRequest = headers.find(HeaderId.upgrade) >= 0 && isUpgrade(headers);
    mutateRequestHeaders(headers, context, info, this.routeTable, isUpgradeRequest);
    this.routeRequest(headers, endStream, isUpgradeRequest);
  }

  private routeRequest(headers: HeaderMap, endStream: boolean, isUpgradeRequest: boolean): void {
    const { parts, needsRequestHeaders } = this.context;
    const route = this.routeEntry();
    this.info.route = route;
    if (route !== null) this.applyRoute(route, headers);
    if (parts.config.logsNewRequests) this.log(AccessLogType.downstreamStart);
    if (isUpgradeRequest) {
      parts.stats.rqWsOnNonWsRoute.inc();
      this.owner?.closeAfterResponse();
      this.sendLocalReply(403, '', UPGRADE_FAILED);
      return;
    }
    this.decode.onHeaders(headers, endStream);
    if (needsRequestHeaders && !this.isDestroyed) headers.retain();
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
    if (this.responsePauses === 0) this.terminal.onDownstreamBelowLowWatermark();
  }

  private onRequestDone(): void {
    this.isRequestDone = true;
    this.info.requestCompleteMs = this.context.parts.dispatcher.io.clock[0];
    this.info.downstreamWireBytesReceived = this.owner?.codec.wireBytesReceived ?? 0;
    this.timeouts.onRequestComplete();
  }

  /** Expect: 100-continue is answered here unless the upstream shall (RFC 9110 §10.1.1). */
  private answerExpect(headers: HeaderMap, codec: Http1ServerConnection): void {
    if (this.context.parts.config.proxy100Continue || codec.minorVersion === 0 || !headers.hasToken(HeaderId.expect, '100-continue')) return;
    headers.remove(HeaderId.expect);
    codec.sendContinue();
    this.chargeCode(100);
  }

  private applyRoute(route: RouteEntry, headers: HeaderMap): void {
    nameCluster(this.info, route, this.requestHeaders, this.context.parts.clusters);
    this.timeouts.applyRoute(route, headers);
    for (let i = 0; i < this.handles.length - 1; i++) this.handles[i].applyRoute(route);
  }

  // === routing ===

  routeEntry(): RouteEntry | null {
    if (!this.isRouteCached) {
      this.isRouteCached = true;
      this.matchInput.readStream();
      this.routeEntryCache = this.routeTable.match(this.matchInput);
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
    const { config, listenerPort } = this.context.parts;
    this.hasRequestHeaders = true;
    this.isRequestDone = true;
    info.continueFrom(previous);
    this.timeouts.onContinued();
    const check = checkRequest(headers, 1, config, listenerPort);
    if (check === RequestCheck.ok) this.routeRequest(headers, body.length === 0, false);
    else refuseRequest(this, check);
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
    if (this.isDestroyed || this.isResponseStarted || !this.context.parts.config.proxy100Continue) return;
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
    if (options.closesConnection === true) this.owner?.closeAfterResponse();
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
    const context = this.context;
    const info = this.info;
    mutateResponseHeaders(headers, context);
    const config = context.parts.config;
    const id = config.alwaysSetRequestIdInResponse ? this.validRequestHeaders()?.get(HeaderId.requestId) : undefined;
    if (id !== undefined) headers.set(HeaderId.requestId, id);
    if (!this.isRequestDone) {
      context.parts.stats.rqResponseBeforeRqComplete.inc();
      owner.closeAfterResponse();
    }
    setConnectionHeader(headers, info.protocol, owner, endStream);
    info.responseCode = headers.status;
    if (context.parts.http1.countsHeaderBytes) info.responseHeaderBytes = headers.byteSize();
    info.firstDownstreamTxMs = context.parts.dispatcher.io.clock[0];
    this.chargeCode(headers.status);
    this.isResponseStarted = true;
    this.timeouts.onActivity();
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
    const owner = this.owner;
    if (owner === null) return;
    this.info.responseTrailerBytes = trailers.byteSize();
    owner.codec.encodeTrailers(trailers);
    this.info.downstreamHeaderBytesSent = owner.codec.responseHeadBytes;
    this.onResponseDone();
  }

  onBufferLimit(direction: number): void {
    const { stats } = this.context.parts;
    if (direction === Direction.decode) {
      // Refused while it was being read, even if its last bytes came along.
      this.isRequestDone = false;
      this.info.requestCompleteMs = NaN;
      stats.rqTooLarge.inc();
      this.owner?.closeAfterResponse();
      this.sendLocalReply(413, 'Payload Too Large', { details: 'request_payload_too_large' });
      return;
    }
    stats.rsTooLarge.inc();
    this.sendLocalReply(500, 'Internal Server Error', { details: 'response_payload_too_large' });
  }

  onBufferWatermark(direction: number, isAbove: boolean): void {
    if (direction === Direction.decode) this.readDisableRequest(isAbove);
    else this.pauseResponse(isAbove);
  }

  /** A filter asks that the upstream be read no further (or again). */
  pauseResponse(isPaused: boolean): void {
    if (isPaused) {
      this.responsePauses++;
      return;
    }
    this.responsePauses--;
    if (!this.isDestroyed && !this.isResponsePaused()) this.terminal.onDownstreamBelowLowWatermark();
  }

  /** Whether whoever takes the response, the client or a filter, has more than it wants. */
  isResponsePaused(): boolean {
    return this.responsePauses > 0 || (this.owner?.codec.isAboveHighWatermark() ?? false);
  }

  retainHeaders(direction: number): void {
    (direction === Direction.decode ? this.requestHeaders : this.responseHeaders).retain();
  }

  isIterationOver(direction: number): boolean {
    return this.isDestroyed || (direction === Direction.decode && this.isLocalReply);
  }

  readDisableRequest(disable: boolean): void {
    const stats = this.context.parts.stats;
    if (disable) {
      if (this.readDisables++ === 0) stats.flowControlPausedReading.inc();
    } else if (--this.readDisables === 0) {
      stats.flowControlResumedReading.inc();
    }
    this.owner?.codec.readDisable(disable);
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

  /** Ends the stream: filters, stats, log line; the object goes back to its pool when the turn is over. */
  private end(isReset: boolean, isReplaced = false): void {
    if (this.isDestroyed) return;
    const { stats, dispatcher, loggers } = this.context.parts;
    const info = this.info;
    info.endTimeMs = dispatcher.io.clock[0];
    stats.rqActive.dec();
    if (info.isHealthCheck) stats.tracingHealthCheck.inc();
    else stats.rqTime.record(info.msSinceStart(dispatcher.io.clock));
    this.timeouts.end();
    const owner = this.owner;
    if (owner !== null) {
      info.downstreamWireBytesSent = owner.codec.wireBytesSent;
      if (!this.isRequestDone) {
        info.downstreamWireBytesReceived = owner.codec.wireBytesReceived + owner.codec.unreadBytes;
        // The rest of the request is cut off: its stream counts as reset.
        if (!isReset) stats.rqRxReset.inc();
      }
    }
    this.terminal.onDestroy();
    const handles = this.handles;
    for (let i = 0; i < handles.length - 1; i++) handles[i].filter.onStreamComplete?.();
    if (loggers.length > 0) this.log(AccessLogType.downstreamEnd);
    this.isDestroyed = true;
    for (let i = 0; i < handles.length - 1; i++) handles[i].filter.onDestroy?.();
    this.owner = null;
    dispatcher.deferDelete(this);
    if (!isReplaced) owner?.onStreamEnd(this, isReset);
  }

  private log(type: AccessLogType): void {
    const trailers = this.madeResponseTrailers;
    logStream(this, type, this.sawEncodeHeaders ? this.responseHeaders : null, trailers !== null && trailers.count > 0 ? trailers : null);
  }

  onDeferredDelete(): void {
    this.requestHeaders.clear();
    this.responseHeaders.clear();
    this.release(this);
  }

  /** A timeout before any response: see StreamTimeouts. */
  answerTimeout(status: number, body: string, details: string, grpcStatus?: number): void {
    if (!this.isRequestDone) this.owner?.closeAfterResponse();
    this.sendLocalReply(status, body, grpcStatus === undefined ? { details } : { details, grpcStatus });
  }
}

const UPGRADE_FAILED: LocalReplyOptions = { details: 'upgrade_failed' };
