import type { OwnedBytes } from '../../buffer/owned_bytes.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { RouteEntry } from '../../route/route_entry.ts';
import type { ConnectionInfo } from '../../stream_info/stream_info.ts';
import type { HttpFilter } from '../filter.ts';
import type { FilterDispatcher } from '../filter_context.ts';
import { FilterHandle, type FilteredStream, type FilterPlace } from '../filter_manager/filter_handle.ts';
import type { RedirectState } from '../redirect_state.ts';
import type { TerminalFilterCallbacks } from '../terminal_filter.ts';

/** A stream as its terminal filter's callbacks need it; implemented by ActiveStream. */
export interface TerminatedStream extends FilteredStream {
  readonly requestHeaders: HeaderMap;
  readonly responseTrailers: HeaderMap;
  readonly isRequestDone: boolean;
  readonly isResponseStarted: boolean;
  readonly owner: { readonly connectionInfo: ConnectionInfo; readonly codec: { readonly wireBytesSent: number } } | null;
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  readDisableRequest(disable: boolean): void;
  refuseBody(): void;
  isResponsePaused(): boolean;
  redirectState(): RedirectState;
  recreate(response: HeaderMap, body: OwnedBytes): void;
}

const NO_CONNECTION: ConnectionInfo = { id: 0, remoteAddress: '', remoteHost: '', localAddress: '', filterChainName: '', requestedServerName: '' };

/** The callbacks of the filter at the end of a chain, where the response comes from. */
export class TerminalHandle extends FilterHandle implements TerminalFilterCallbacks {
  private readonly stream: TerminatedStream;

  constructor(stream: TerminatedStream, dispatcher: FilterDispatcher, filter: HttpFilter, place: FilterPlace) {
    super(stream, dispatcher, filter, place);
    this.stream = stream;
  }

  get connection(): ConnectionInfo {
    return this.stream.owner?.connectionInfo ?? NO_CONNECTION;
  }

  get responseHeaderMap(): HeaderMap {
    return this.stream.responseHeaders;
  }

  get responseTrailerMap(): HeaderMap {
    return this.stream.responseTrailers;
  }

  routeEntry(): RouteEntry | null {
    return this.stream.routeEntry();
  }

  recordBytesSent(): void {
    const { owner, info } = this.stream;
    if (owner !== null) info.downstreamWireBytesSent = owner.codec.wireBytesSent;
  }

  encode1xxHeaders(headers: HeaderMap): void {
    this.stream.encode1xxHeaders(headers);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.stream.encodeHeaders(headers, endStream);
  }

  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    this.stream.encodeData(bytes, offset, length, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.stream.encodeTrailers(trailers);
  }

  retainRequestHeaders(): void {
    this.stream.requestHeaders.retain();
  }

  isRequestComplete(): boolean {
    return this.stream.isRequestDone;
  }

  requestCompleteMs(): number {
    return this.stream.info.requestCompleteMs;
  }

  readDisableRequest(disable: boolean): void {
    this.stream.readDisableRequest(disable);
  }

  refuseBody(): void {
    this.stream.refuseBody();
  }

  isDownstreamAboveHighWatermark(): boolean {
    return this.stream.isResponsePaused();
  }

  isResponseStarted(): boolean {
    return this.stream.isResponseStarted;
  }

  redirectState(): RedirectState {
    return this.stream.redirectState();
  }

  recreateStream(response: HeaderMap, body: OwnedBytes): void {
    this.stream.recreate(response, body);
  }

  resetAfterUpstreamFailure(): void {
    this.stream.resetStream();
  }

  onEscaped(error: unknown): void {
    this.stream.onEscaped(error);
  }
}
