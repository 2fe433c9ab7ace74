/**
 * The HTTP filter contract: the public API that users' own filters are written against (version 1).
 *
 * Model: Envoy's filter iteration (docs: intro/arch_overview/http/http_filters). A request passes the decoder methods of each
 * filter in configured order, the response the encoder methods in reverse order. A status value says how to go on.
 *
 * A filter object serves one stream at a time and is reused for the next one: after `onDestroy` it must be as new. It may keep
 * per-stream state in its fields and per-worker state in what its factory gave it. Everything runs on one worker; methods are
 * called with the worker's turn open: never block, never await here. To continue later, return a stop status and call
 * `continueDecoding`/`continueEncoding` from a timer or a completion.
 *
 * An exception that escapes a method resets this stream only and is counted.
 */
import type { HeaderMap } from '../headers/header_map.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import type { Timer } from '../event/timer.ts';
import type { BodyData } from '../buffer/body_data.ts';
import type { RouteKind } from '../route/route_entry.ts';

/** How header iteration goes on. */
export const FilterHeadersStatus = {
  /** To the next filter. */
  continue: 0,
  /** Not to the next filter; later data and trailers still come to this filter, held by its data status. Resume with continue*. */
  stopIteration: 1,
  /** To the next filter with end_stream false, although the message had no body: this filter will add one. */
  continueAndDontEndStream: 2,
  /** Stop, and buffer all later data and trailers without showing them to this filter; over the buffer limit: 413 / 500. */
  stopAllIterationAndBuffer: 3,
  /** The same, but at the buffer limit the peer is stopped by back-pressure. */
  stopAllIterationAndWatermark: 4,
} as const;
export type FilterHeadersStatus = (typeof FilterHeadersStatus)[keyof typeof FilterHeadersStatus];

/** How data iteration goes on. */
export const FilterDataStatus = {
  /** To the next filter, with everything buffered so far. */
  continue: 0,
  /** Keep it in the stream's buffer; over the limit: 413 (request) or 500 (response). */
  stopIterationAndBuffer: 1,
  /** Keep it; over the limit the peer is stopped by back-pressure. */
  stopIterationAndWatermark: 2,
  /** Do not keep it: the filter took what it wanted. */
  stopIterationNoBuffer: 3,
} as const;
export type FilterDataStatus = (typeof FilterDataStatus)[keyof typeof FilterDataStatus];

/** How trailer iteration goes on. */
export const FilterTrailersStatus = { continue: 0, stopIteration: 1 } as const;
export type FilterTrailersStatus = (typeof FilterTrailersStatus)[keyof typeof FilterTrailersStatus];

/** A route as filters see it. */
export interface FilterRoute {
  /** What the route does with a request: forwards it, redirects, answers directly. */
  readonly kind: RouteKind;
  readonly routeName: string;
  readonly virtualHostName: string;
  /** Cluster of the route entry, '' for direct responses and redirects. */
  readonly clusterName: string;
  /** Most specific typed_per_filter_config for a filter name (weighted cluster > route > virtual host > route configuration),
   *  as the product of that filter's `createRouteConfig`; undefined if none. */
  perFilterConfig(filterName: string): unknown;
  /** All levels, least specific first. Allocates: for filters that merge. */
  perFilterConfigs(filterName: string): unknown[];
}

/** What both directions offer. */
export interface StreamFilterCallbacks {
  readonly streamInfo: StreamInfo;
  /** Name under which this filter is configured (key of typed_per_filter_config, namespace of its dynamic metadata). */
  readonly filterName: string;
  /** The matched route; null when none matched. */
  route(): FilterRoute | null;
  /** Most specific per-route config of *this* filter, or undefined. */
  routeConfig(): unknown;
  /** Per-route configs of *this* filter at all levels, least specific first. Allocates: for filters that merge. */
  routeConfigs(): unknown[];
  /** Forgets the matched route; it is matched again when next asked for. */
  clearRouteCache(): void;
  /** Request headers (valid in encode methods only if the factory says `needsRequestHeaders`). Null before they arrived. */
  requestHeaders(): HeaderMap | null;
  responseHeaders(): HeaderMap | null;
  /** Monotonic milliseconds of this turn; wall-clock milliseconds of this turn. */
  nowMs(): number;
  wallMs(): number;
  /** A timer of this worker; create once per filter object, not per stream. `onTimeout` runs inside a turn. */
  createTimer(onTimeout: TimerTarget): Timer;
  /** Ends the stream abruptly, both sides. */
  resetStream(): void;
}

/** Who a timer calls. */
export interface TimerTarget {
  onTimeout(timer: Timer): void;
}

/** Options of a local reply. */
export interface LocalReplyOptions {
  /** RESPONSE_CODE_DETAILS of the log line. */
  readonly details: string;
  /** gRPC status for gRPC requests; default: mapped from the HTTP status. */
  readonly grpcStatus?: number;
  /** Called with the response headers before they are sent. */
  readonly modifyHeaders?: (headers: HeaderMap) => void;
}

export interface DecoderFilterCallbacks extends StreamFilterCallbacks {
  /** Resumes after a stop status. */
  continueDecoding(): void;
  /** Answers the request here: skips the remaining decoder filters, runs the encoder chain. Body is Latin-1/UTF-8 text. */
  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void;
  /** What stop statuses buffered so far; null if nothing. */
  decodingBuffer(): BodyData | null;
  /** Adds body bytes after what is buffered (in decodeHeaders with continueAndDontEndStream, decodeData, decodeTrailers). Copies. */
  addDecodedData(bytes: Uint8Array): void;
  /** Limit of the stream's request buffer in bytes. */
  decoderBufferLimit(): number;
  setDecoderBufferLimit(bytes: number): void;
}

export interface EncoderFilterCallbacks extends StreamFilterCallbacks {
  continueEncoding(): void;
  encodingBuffer(): BodyData | null;
  addEncodedData(bytes: Uint8Array): void;
  /** Passes body bytes on behind this filter, from a timer or a completion. For a filter that answers `encodeData` with
   *  stopIterationNoBuffer and keeps the data itself; the bytes are not kept beyond the call. */
  injectEncodedData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  /** This filter has (true) or no longer has (false) as much response data as it wants to keep: the upstream is read no further
   *  meanwhile. Calls must alternate. */
  pauseResponse(isPaused: boolean): void;
  encoderBufferLimit(): number;
  setEncoderBufferLimit(bytes: number): void;
}

/** All callbacks of one filter in one stream. */
export interface FilterCallbacks extends DecoderFilterCallbacks, EncoderFilterCallbacks {}

/**
 * A filter. Leave out the methods you do not need: a filter without `decodeData` costs nothing on bodies (bodies that no filter
 * of a chain wants bypass the chain).
 */
export interface HttpFilter {
  /** Called once when the filter object is made; the callbacks object stays the same for all its streams. */
  setCallbacks?(callbacks: FilterCallbacks): void;
  decodeHeaders?(headers: HeaderMap, endStream: boolean): FilterHeadersStatus;
  decodeData?(data: BodyData, endStream: boolean): FilterDataStatus;
  decodeTrailers?(trailers: HeaderMap): FilterTrailersStatus;
  /** 1xx responses other than 101; any answer but `continue` keeps it from the client. */
  encode1xxHeaders?(headers: HeaderMap): FilterHeadersStatus;
  encodeHeaders?(headers: HeaderMap, endStream: boolean): FilterHeadersStatus;
  encodeData?(data: BodyData, endStream: boolean): FilterDataStatus;
  encodeTrailers?(trailers: HeaderMap): FilterTrailersStatus;
  /** The stream is complete (before access logs are written). */
  onStreamComplete?(): void;
  /** The stream is gone: cancel timers, forget everything; the object will be reused. */
  onDestroy?(): void;
}

/** What an HTTP filter factory makes on each worker for one configured filter. */
export interface HttpFilterFactory {
  /** Makes a filter object. Called when the pool has none: per stream in the worst case, not in steady state. */
  createFilter(): HttpFilter;
  /** True when encode methods, or anything after decodeHeaders returned, read request headers. Default true. */
  readonly needsRequestHeaders?: boolean;
  /** The filter ends the chain (router). */
  readonly isTerminal?: boolean;
}

/** Category of HTTP filters in the factory registry. */
export const HTTP_FILTER_CATEGORY = 'envoy.filters.http';
