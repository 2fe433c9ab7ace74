import { BodyData } from '../../buffer/body_data.ts';
import type { OwnedBytes } from '../../buffer/owned_bytes.ts';
import type { Timer } from '../../event/timer.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { RouteEntry } from '../../route/route_entry.ts';
import type { ConnectionInfo, StreamInfo } from '../../stream_info/stream_info.ts';
import type { FilterRoute, HttpFilter, LocalReplyOptions, TimerTarget } from '../filter.ts';
import type { FilterIteration } from '../filter_manager/filter_iteration.ts';
import type { RedirectState } from '../redirect_state.ts';
import type { TerminalFilterCallbacks } from '../terminal_filter.ts';

/** The stream as a filter's callbacks need it; implemented by ActiveStream. */
export interface HandleStream {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderMap;
  readonly responseHeaders: HeaderMap;
  readonly responseTrailers: HeaderMap;
  readonly decode: FilterIteration;
  readonly encode: FilterIteration;
  readonly isRequestDone: boolean;
  readonly isResponseStarted: boolean;
  readonly isDestroyed: boolean;
  readonly context: {
    readonly parts: {
      readonly dispatcher: {
        readonly nowMs: number;
        readonly wallMs: number;
        createTimer(target: TimerTarget): Timer;
        run(work: () => void): void;
      };
    };
  };
  readonly owner: { readonly connectionInfo: ConnectionInfo; readonly codec: { readonly wireBytesSent: number } } | null;
  routeEntry(): RouteEntry | null;
  clearRouteCache(): void;
  validRequestHeaders(): HeaderMap | null;
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void;
  readDisableRequest(disable: boolean): void;
  pauseResponse(isPaused: boolean): void;
  isResponsePaused(): boolean;
  redirectState(): RedirectState;
  recreate(response: HeaderMap, body: OwnedBytes): void;
  resetStream(): void;
  /** An exception escaped one of the stream's callbacks. */
  onEscaped(error: unknown): void;
}

/** A filter's timer whose exceptions end the filter's stream and no more. */
class GuardedTimeout implements TimerTarget {
  private readonly stream: HandleStream;
  private readonly target: TimerTarget;

  constructor(stream: HandleStream, target: TimerTarget) {
    this.stream = stream;
    this.target = target;
  }

  onTimeout(timer: Timer): void {
    try {
      this.target.onTimeout(timer);
    } catch (error) {
      this.stream.onEscaped(error);
    }
  }
}

const NO_CONNECTION: ConnectionInfo = { id: 0, remoteAddress: '', remoteHost: '', localAddress: '', filterChainName: '', requestedServerName: '' };

/** One filter's callbacks in one (pooled) stream: the object a filter gets with `setCallbacks`, the same for all its streams. */
export class FilterHandle implements TerminalFilterCallbacks {
  readonly filter: HttpFilter;
  private readonly stream: HandleStream;
  readonly filterName: string;
  private readonly decodeIndex: number;
  private readonly encodeIndex: number;
  private readonly isDisabledByDefault: boolean;
  private isOff: boolean;
  private readonly decodingView: BodyData;
  private readonly encodingView: BodyData;

  constructor(stream: HandleStream, filter: HttpFilter, name: string, decodeIndex: number, encodeIndex: number, isDisabledByDefault: boolean) {
    this.stream = stream;
    this.filter = filter;
    this.filterName = name;
    this.decodeIndex = decodeIndex;
    this.encodeIndex = encodeIndex;
    this.isDisabledByDefault = isDisabledByDefault;
    this.isOff = false;
    this.decodingView = new BodyData(EMPTY);
    this.encodingView = new BodyData(EMPTY);
  }

  /** Switches the filter off or on for this stream as the route (or the chain) says. */
  applyRoute(route: RouteEntry): void {
    const off = (route.hasPerFilterConfig ? route.isFilterDisabled(this.filterName) : undefined) ?? this.isDisabledByDefault;
    if (off === this.isOff) return;
    this.isOff = off;
    this.stream.decode.setOff(this.decodeIndex, off);
    this.stream.encode.setOff(this.encodeIndex, off);
  }

  get streamInfo(): StreamInfo {
    return this.stream.info;
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

  route(): FilterRoute | null {
    return this.stream.routeEntry();
  }

  routeEntry(): RouteEntry | null {
    return this.stream.routeEntry();
  }

  routeConfig(): unknown {
    return this.stream.routeEntry()?.perFilterConfig(this.filterName);
  }

  routeConfigs(): unknown[] {
    return this.stream.routeEntry()?.perFilterConfigs(this.filterName) ?? [];
  }

  clearRouteCache(): void {
    this.stream.clearRouteCache();
  }

  requestHeaders(): HeaderMap | null {
    return this.stream.validRequestHeaders();
  }

  responseHeaders(): HeaderMap | null {
    return this.stream.responseHeaders.status === 0 ? null : this.stream.responseHeaders;
  }

  nowMs(): number {
    return this.stream.context.parts.dispatcher.nowMs;
  }

  wallMs(): number {
    return this.stream.context.parts.dispatcher.wallMs;
  }

  createTimer(onTimeout: TimerTarget): Timer {
    return this.stream.context.parts.dispatcher.createTimer(new GuardedTimeout(this.stream, onTimeout));
  }

  resetStream(): void {
    this.stream.resetStream();
  }

  recordBytesSent(): void {
    const { owner, info } = this.stream;
    if (owner !== null) info.downstreamWireBytesSent = owner.codec.wireBytesSent;
  }

  continueDecoding(): void {
    this.resume(this.stream.decode, this.decodeIndex);
  }

  continueEncoding(): void {
    this.resume(this.stream.encode, this.encodeIndex);
  }

  private resume(iteration: FilterIteration, index: number): void {
    const { stream } = this;
    if (stream.isDestroyed) return;
    stream.context.parts.dispatcher.run(() => {
      try {
        iteration.resume(index);
      } catch (error) {
        stream.onEscaped(error);
      }
    });
  }

  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void {
    this.stream.sendLocalReply(status, body, options);
  }

  decodingBuffer(): BodyData | null {
    return viewOf(this.stream.decode, this.decodingView);
  }

  encodingBuffer(): BodyData | null {
    return viewOf(this.stream.encode, this.encodingView);
  }

  addDecodedData(bytes: Uint8Array): void {
    this.stream.decode.addData(this.decodeIndex, bytes);
  }

  addEncodedData(bytes: Uint8Array): void {
    this.stream.encode.addData(this.encodeIndex, bytes);
  }

  injectEncodedData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    this.stream.encode.injectData(this.encodeIndex, bytes, offset, length, endStream);
  }

  pauseResponse(isPaused: boolean): void {
    this.stream.pauseResponse(isPaused);
  }

  decoderBufferLimit(): number {
    return this.stream.decode.bufferLimit;
  }

  setDecoderBufferLimit(bytes: number): void {
    this.stream.decode.bufferLimit = bytes;
  }

  encoderBufferLimit(): number {
    return this.stream.encode.bufferLimit;
  }

  setEncoderBufferLimit(bytes: number): void {
    this.stream.encode.bufferLimit = bytes;
  }

  // === terminal filter only ===

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
}

const EMPTY = new Uint8Array(0);

function viewOf(iteration: FilterIteration, view: BodyData): BodyData | null {
  if (iteration.buffer.length === 0) return null;
  view.set(iteration.buffer.bytes, 0, iteration.buffer.length);
  return view;
}
