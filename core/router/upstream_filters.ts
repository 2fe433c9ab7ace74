/**
 * HTTP filters between a try and its upstream (docs: configuration/http/http_filters/router_filter, upstream HTTP filters): they see
 * each try, its retries and hedges included, after a host was chosen. Absent where nothing is configured.
 *
 *   request:  router -> filters in order -> codec        response: codec -> filters in reverse order -> router
 */
import type { HeaderMap } from '../headers/header_map.ts';
import type { LocalReplyOptions } from '../http/filter.ts';
import type { FilterDispatcher } from '../http/filter_context.ts';
import type { ConfiguredFilter } from '../http/filter_manager/configured_filter.ts';
import { type FilteredStream, FilterHandle } from '../http/filter_manager/filter_handle.ts';
import { Direction, FilterIteration, type IterationOwner } from '../http/filter_manager/filter_iteration.ts';
import type { ClusterPolicies } from '../route/cluster_policies.ts';
import type { RouteEntry } from '../route/route_entry.ts';
import { StreamInfo } from '../stream_info/stream_info.ts';

/** Something that is sent upstream through filters: a try, or the copy of a request. */
export interface FilteredTry {
  readonly info: StreamInfo;
  /** The map the response is parsed into. */
  readonly responseHeaders: HeaderMap;
  requestHeaders(): HeaderMap | null;
  routeEntry(): RouteEntry | null;
  /** Bytes of one message that filters may keep, 0 = no limit. */
  bufferLimit(): number;
  /** Behind the filters: to the upstream. Data is valid during the call. */
  sendHeaders(headers: HeaderMap, endStream: boolean): void;
  sendData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  sendTrailers(trailers: HeaderMap): void;
  /** Behind the filters: from the upstream. */
  pass1xxHeaders(headers: HeaderMap): void;
  passHeaders(headers: HeaderMap, endStream: boolean): void;
  passData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  passTrailers(trailers: HeaderMap): void;
  /** The filters keep as much of the request as they may (true), or less again. Calls alternate. */
  onFiltersFull(isFull: boolean): void;
  /** The response is to be read no further (true), or on. Calls alternate. */
  pauseReading(isPaused: boolean): void;
  /** A filter answers the client: no retry follows. */
  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void;
  /** Filters would have to keep more of the request than they may. */
  refuseBody(): void;
  /** A filter ends the client's stream. */
  resetStream(): void;
  /** An exception escaped a filter. */
  onEscaped(error: unknown): void;
}

/** What filters of upstream requests need of their thread. */
export interface UpstreamFilterContext {
  readonly dispatcher: FilterDispatcher;
  readonly slab: Uint8Array;
}

/** The configured upstream filters of a router or a cluster on one worker, and the filter objects that are free. */
export class UpstreamFilters {
  private readonly configured: readonly ConfiguredFilter[];
  private readonly context: UpstreamFilterContext;
  private readonly free: UpstreamFilterChain[];

  /** `configured`: in decoder order, without the codec that ends the chain. */
  constructor(configured: readonly ConfiguredFilter[], context: UpstreamFilterContext) {
    this.configured = configured;
    this.context = context;
    this.free = [];
  }

  /** The codec stands alone: nothing is passed. */
  get isEmpty(): boolean {
    return this.configured.length === 0;
  }

  /** Filters for a try that begins. */
  begin(attempt: FilteredTry): UpstreamFilterChain {
    const chain = this.free.pop() ?? new UpstreamFilterChain(this.configured, this.context, (done) => this.free.push(done));
    chain.begin(attempt);
    return chain;
  }
}

/** What a try passes: the filters of its cluster, else those of its router; null = none. */
export function upstreamFiltersOf(policies: ClusterPolicies | null, router: { readonly upstreamFilters: UpstreamFilters | null }): UpstreamFilters | null {
  const own = policies === null ? null : (policies.upstreamFilters as UpstreamFilters | null);
  if (own === null) return router.upstreamFilters;
  return own.isEmpty ? null : own;
}

/** The filters of one try. Pooled. */
export class UpstreamFilterChain implements FilteredStream, IterationOwner {
  readonly decode: FilterIteration;
  readonly encode: FilterIteration;
  isDestroyed: boolean;
  private readonly handles: readonly FilterHandle[];
  private readonly context: UpstreamFilterContext;
  private readonly release: (chain: UpstreamFilterChain) => void;
  private attempt: FilteredTry;
  /** A filter answered the client: nothing goes through any more. */
  private isAnswered: boolean;
  private responsePauses: number;

  constructor(configured: readonly ConfiguredFilter[], context: UpstreamFilterContext, release: (chain: UpstreamFilterChain) => void) {
    const { dispatcher, slab } = context;
    const filters = configured.map(({ factory }) => factory.createFilter());
    this.decode = new FilterIteration(this, Direction.decode, filters, slab);
    this.encode = new FilterIteration(this, Direction.encode, [...filters].reverse(), slab);
    this.isDestroyed = true;
    this.handles = filters.map((filter, i) => new FilterHandle(this, dispatcher, filter, {
      name: configured[i].name, decodeIndex: i, encodeIndex: filters.length - 1 - i, isDisabledByDefault: configured[i].disabled,
    }));
    this.context = context;
    this.release = release;
    this.attempt = NO_TRY;
    this.isAnswered = false;
    this.responsePauses = 0;
    for (const handle of this.handles) handle.filter.setCallbacks?.(handle);
  }

  begin(attempt: FilteredTry): void {
    this.attempt = attempt;
    this.isDestroyed = false;
    this.isAnswered = false;
    this.responsePauses = 0;
    const limit = attempt.bufferLimit();
    this.decode.reset(limit);
    this.encode.reset(limit);
    const route = attempt.routeEntry();
    if (route !== null) for (let i = 0; i < this.handles.length; i++) this.handles[i].applyRoute(route);
  }

  /** The try is over. */
  end(): void {
    if (this.isDestroyed) return;
    const { handles } = this;
    for (let i = 0; i < handles.length; i++) handles[i].filter.onStreamComplete?.();
    this.isDestroyed = true;
    for (let i = 0; i < handles.length; i++) handles[i].filter.onDestroy?.();
    this.attempt = NO_TRY;
    // One of its methods may be on the stack.
    this.context.dispatcher.deferDelete(this);
  }

  onDeferredDelete(): void {
    this.release(this);
  }

  // === the response, from the codec: an exception ends the client's stream and not the upstream connection's event ===

  on1xxHeaders(headers: HeaderMap): void {
    if (this.isIterationOver()) return;
    // What formats of filters see until the response itself says more.
    this.info.responseCode = headers.status;
    try {
      if (this.encode.on1xxHeaders(headers)) this.attempt.pass1xxHeaders(headers);
    } catch (error) {
      this.onEscaped(error);
    }
  }

  onResponseHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.isIterationOver()) return;
    try {
      this.encode.onHeaders(headers, endStream);
    } catch (error) {
      this.onEscaped(error);
    }
  }

  onResponseData(offset: number, length: number, endStream: boolean): void {
    if (this.isIterationOver()) return;
    try {
      this.encode.onData(this.context.slab, offset, length, endStream);
    } catch (error) {
      this.onEscaped(error);
    }
  }

  onResponseTrailers(trailers: HeaderMap): void {
    if (this.isIterationOver()) return;
    try {
      this.encode.onTrailers(trailers);
    } catch (error) {
      this.onEscaped(error);
    }
  }

  // === FilteredStream ===

  get info(): StreamInfo {
    return this.attempt.info;
  }

  get responseHeaders(): HeaderMap {
    return this.attempt.responseHeaders;
  }

  routeEntry(): RouteEntry | null {
    return this.attempt.routeEntry();
  }

  /** The route is settled once there is a try. */
  clearRouteCache(): void {}

  validRequestHeaders(): HeaderMap | null {
    return this.attempt.requestHeaders();
  }

  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void {
    if (this.isDestroyed || this.isAnswered) return;
    this.isAnswered = true;
    this.attempt.sendLocalReply(status, body, options);
  }

  pauseResponse(isPaused: boolean): void {
    const wasPaused = this.responsePauses > 0;
    this.responsePauses += isPaused ? 1 : -1;
    if (wasPaused !== this.responsePauses > 0) this.attempt.pauseReading(!wasPaused);
  }

  resetStream(): void {
    if (!this.isDestroyed) this.attempt.resetStream();
  }

  onEscaped(error: unknown): void {
    // From a filter that ended its own try.
    if (this.isDestroyed) this.context.dispatcher.reportException(error);
    else this.attempt.onEscaped(error);
  }

  // === IterationOwner ===

  deliverHeaders(direction: number, headers: HeaderMap, endStream: boolean): void {
    if (direction === Direction.decode) this.attempt.sendHeaders(headers, endStream);
    else this.attempt.passHeaders(headers, endStream);
  }

  deliverData(direction: number, bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (direction === Direction.decode) this.attempt.sendData(bytes, offset, length, endStream);
    else this.attempt.passData(bytes, offset, length, endStream);
  }

  deliverTrailers(direction: number, trailers: HeaderMap): void {
    if (direction === Direction.decode) this.attempt.sendTrailers(trailers);
    else this.attempt.passTrailers(trailers);
  }

  onBufferLimit(direction: number): void {
    if (direction === Direction.decode) this.refuseBody();
    else this.sendLocalReply(500, 'Internal Server Error', { details: 'response_payload_too_large' });
  }

  private refuseBody(): void {
    if (this.isIterationOver()) return;
    this.isAnswered = true;
    this.attempt.refuseBody();
  }

  onBufferWatermark(direction: number, isAbove: boolean): void {
    if (direction === Direction.decode) this.attempt.onFiltersFull(isAbove);
    else this.pauseResponse(isAbove);
  }

  retainHeaders(direction: number): void {
    if (direction === Direction.decode) this.attempt.requestHeaders()?.retain();
    else this.attempt.responseHeaders.retain();
  }

  isIterationOver(): boolean {
    return this.isDestroyed || this.isAnswered;
  }
}

const NO_INFO = new StreamInfo();

/** Of a chain that is not in use: its filters have nothing to act on. */
const NO_TRY: FilteredTry = {
  info: NO_INFO,
  get responseHeaders(): HeaderMap {
    throw new Error('an upstream filter asked for a response after its try was over');
  },
  requestHeaders: () => null,
  routeEntry: () => null,
  bufferLimit: () => 0,
  sendHeaders: nothing,
  sendData: nothing,
  sendTrailers: nothing,
  pass1xxHeaders: nothing,
  passHeaders: nothing,
  passData: nothing,
  passTrailers: nothing,
  onFiltersFull: nothing,
  pauseReading: nothing,
  sendLocalReply: nothing,
  refuseBody: nothing,
  resetStream: nothing,
  onEscaped: nothing,
};

function nothing(): void {}
