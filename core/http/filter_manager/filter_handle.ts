import { BodyData } from '../../buffer/body_data.ts';
import type { Timer } from '../../event/timer.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { RouteEntry } from '../../route/route_entry.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import type { FilterCallbacks, FilterRoute, HttpFilter, LocalReplyOptions, TimerTarget } from '../filter.ts';
import type { FilterDispatcher } from '../filter_context.ts';
import type { FilterIteration } from './filter_iteration.ts';

/** What the callbacks of a filter act on: a stream, or one try at an upstream. */
export interface FilteredStream {
  readonly info: StreamInfo;
  readonly responseHeaders: HeaderMap;
  readonly decode: FilterIteration;
  readonly encode: FilterIteration;
  readonly isDestroyed: boolean;
  routeEntry(): RouteEntry | null;
  clearRouteCache(): void;
  validRequestHeaders(): HeaderMap | null;
  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void;
  pauseResponse(isPaused: boolean): void;
  resetStream(): void;
  /** An exception escaped one of the filters' callbacks. */
  onEscaped(error: unknown): void;
}

/** A filter's timer whose exceptions end the filter's stream and no more. */
class GuardedTimeout implements TimerTarget {
  private readonly stream: FilteredStream;
  private readonly target: TimerTarget;

  constructor(stream: FilteredStream, target: TimerTarget) {
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

/** Where a filter stands in its chain, and how it was configured. */
export interface FilterPlace {
  readonly name: string;
  readonly decodeIndex: number;
  readonly encodeIndex: number;
  readonly isDisabledByDefault: boolean;
}

/** One filter's callbacks in one (pooled) stream: the object a filter gets with `setCallbacks`, the same for all its streams. */
export class FilterHandle implements FilterCallbacks {
  readonly filter: HttpFilter;
  readonly filterName: string;
  private readonly filtered: FilteredStream;
  private readonly dispatcher: FilterDispatcher;
  private readonly decodeIndex: number;
  private readonly encodeIndex: number;
  private readonly isDisabledByDefault: boolean;
  private isOff: boolean;
  private readonly decodingView: BodyData;
  private readonly encodingView: BodyData;

  constructor(filtered: FilteredStream, dispatcher: FilterDispatcher, filter: HttpFilter, place: FilterPlace) {
    this.filter = filter;
    this.filterName = place.name;
    this.filtered = filtered;
    this.dispatcher = dispatcher;
    this.decodeIndex = place.decodeIndex;
    this.encodeIndex = place.encodeIndex;
    this.isDisabledByDefault = place.isDisabledByDefault;
    this.isOff = false;
    this.decodingView = new BodyData(EMPTY);
    this.encodingView = new BodyData(EMPTY);
  }

  /** Switches the filter off or on for this stream as the route (or the chain) says. */
  applyRoute(route: RouteEntry): void {
    const off = (route.hasPerFilterConfig ? route.isFilterDisabled(this.filterName) : undefined) ?? this.isDisabledByDefault;
    if (off === this.isOff) return;
    this.isOff = off;
    this.filtered.decode.setOff(this.decodeIndex, off);
    this.filtered.encode.setOff(this.encodeIndex, off);
  }

  get streamInfo(): StreamInfo {
    return this.filtered.info;
  }

  route(): FilterRoute | null {
    return this.filtered.routeEntry();
  }

  routeConfig(): unknown {
    return this.filtered.routeEntry()?.perFilterConfig(this.filterName);
  }

  routeConfigs(): unknown[] {
    return this.filtered.routeEntry()?.perFilterConfigs(this.filterName) ?? [];
  }

  clearRouteCache(): void {
    this.filtered.clearRouteCache();
  }

  requestHeaders(): HeaderMap | null {
    return this.filtered.validRequestHeaders();
  }

  responseHeaders(): HeaderMap | null {
    return this.filtered.responseHeaders.status === 0 ? null : this.filtered.responseHeaders;
  }

  nowMs(): number {
    return this.dispatcher.nowMs;
  }

  wallMs(): number {
    return this.dispatcher.wallMs;
  }

  createTimer(onTimeout: TimerTarget): Timer {
    return this.dispatcher.createTimer(new GuardedTimeout(this.filtered, onTimeout));
  }

  resetStream(): void {
    this.filtered.resetStream();
  }

  continueDecoding(): void {
    this.resume(this.filtered.decode, this.decodeIndex);
  }

  continueEncoding(): void {
    this.resume(this.filtered.encode, this.encodeIndex);
  }

  private resume(iteration: FilterIteration, index: number): void {
    const { filtered } = this;
    if (filtered.isDestroyed) return;
    this.dispatcher.run(() => {
      try {
        iteration.resume(index);
      } catch (error) {
        filtered.onEscaped(error);
      }
    });
  }

  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void {
    this.filtered.sendLocalReply(status, body, options);
  }

  decodingBuffer(): BodyData | null {
    return viewOf(this.filtered.decode, this.decodingView);
  }

  encodingBuffer(): BodyData | null {
    return viewOf(this.filtered.encode, this.encodingView);
  }

  addDecodedData(bytes: Uint8Array): void {
    this.filtered.decode.addData(this.decodeIndex, bytes);
  }

  addEncodedData(bytes: Uint8Array): void {
    this.filtered.encode.addData(this.encodeIndex, bytes);
  }

  injectEncodedData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    this.filtered.encode.injectData(this.encodeIndex, bytes, offset, length, endStream);
  }

  pauseResponse(isPaused: boolean): void {
    this.filtered.pauseResponse(isPaused);
  }

  decoderBufferLimit(): number {
    return this.filtered.decode.bufferLimit;
  }

  setDecoderBufferLimit(bytes: number): void {
    this.filtered.decode.bufferLimit = bytes;
  }

  encoderBufferLimit(): number {
    return this.filtered.encode.bufferLimit;
  }

  setEncoderBufferLimit(bytes: number): void {
    this.filtered.encode.bufferLimit = bytes;
  }
}

const EMPTY = new Uint8Array(0);

function viewOf(iteration: FilterIteration, view: BodyData): BodyData | null {
  if (iteration.buffer.length === 0) return null;
  view.set(iteration.buffer.bytes, 0, iteration.buffer.length);
  return view;
}
