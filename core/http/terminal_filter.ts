import type { OwnedBytes } from '../buffer/owned_bytes.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { FilterCallbacks, HttpFilter, LocalReplyOptions } from './filter.ts';
import type { ConnectionInfo } from '../stream_info/stream_info.ts';
import type { RedirectState } from './redirect_state.ts';
import type { RouteEntry } from '../route/route_entry.ts';

/** What the filter at the end of the chain (the router) may do beyond other filters: it is where the response comes from. */
export interface TerminalFilterCallbacks extends FilterCallbacks {
  /** The map a response is parsed into; one per stream. */
  readonly responseHeaderMap: HeaderMap;
  readonly responseTrailerMap: HeaderMap;
  readonly connection: ConnectionInfo;
  /** The matched route with all it can do; null when none matched. */
  routeEntry(): RouteEntry | null;
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void;
  /** Keeps the request headers beyond this turn. */
  retainRequestHeaders(): void;
  /** The whole request was received. */
  isRequestComplete(): boolean;
  /** Monotonic time at which it was. */
  requestCompleteMs(): number;
  /** Stops or resumes reading the request body; calls balance. */
  readDisableRequest(disable: boolean): void;
  /** Answers with 413: more of the request is to be kept than may be. Other than a filter's limit it is not counted. */
  refuseBody(): void;
  /** Whether the downstream write queue is over its limit; asking arms `onDownstreamBelowLowWatermark`. */
  isDownstreamAboveHighWatermark(): boolean;
  /** Brings the count of bytes sent to the client in `streamInfo` up to date; otherwise that is done at the stream's end. */
  recordBytesSent(): void;
  /** Response headers went out already. */
  isResponseStarted(): boolean;
  /** The redirects that the request took so far. */
  redirectState(): RedirectState;
  /**
   * Ends this stream and begins another for the same request, with its headers as they are now and this body: routing and all
   * filters run again. Only when the request is complete and no response was begun; `response` is logged.
   */
  recreateStream(response: HeaderMap, body: OwnedBytes): void;
  /** An exception escaped from somebody whom the terminal filter called: it is counted and the stream ends. */
  onEscaped(error: unknown): void;
  /** Ends the stream after the upstream failed in the middle of a response. */
  resetAfterUpstreamFailure(): void;
}

/** The filter at the end of a chain. */
export interface TerminalFilter extends HttpFilter {
  setTerminalCallbacks(callbacks: TerminalFilterCallbacks): void;
  decodeTerminalHeaders(headers: HeaderMap, endStream: boolean): void;
  decodeTerminalData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  decodeTerminalTrailers(trailers: HeaderMap): void;
  onDownstreamBelowLowWatermark(): void;
  /** The stream ended and is logged next: what is known of a try that still runs belongs into `streamInfo`. */
  onStreamComplete(): void;
  /** A local reply of another filter answered the stream, or it was reset: let go of the upstream. */
  onDestroy(): void;
}
