import { BodyData } from '../../buffer/body_data.ts';
import { OwnedBytes } from '../../buffer/owned_bytes.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, type HttpFilter } from '../filter.ts';

/** Which way a message goes. */
export const Direction = { decode: 0, encode: 1 } as const;

/** What lies behind the last filter, and whom the iteration asks for back-pressure. */
export interface IterationOwner {
  deliverHeaders(direction: number, headers: HeaderMap, endStream: boolean): void;
  deliverData(direction: number, bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  deliverTrailers(direction: number, trailers: HeaderMap): void;
  /** More was buffered than the limit allows (413 / 500). */
  onBufferLimit(direction: number): void;
  /** The buffer went over (true) or back under (false) its limit in watermark mode. */
  onBufferWatermark(direction: number, isAbove: boolean): void;
  /** Bytes of a message are about to be buffered beyond the turn: headers the filters hold must be owned. */
  retainHeaders(direction: number): void;
  /** The stream was answered or reset meanwhile: iteration ends. */
  isIterationOver(direction: number): boolean;
}

/** How one filter holds the message up. */
const Hold = { none: 0, headers: 1, allBuffer: 2, allWatermark: 3 } as const;

/** One filter in one direction. */
class Step {
  readonly filter: HttpFilter;
  readonly wantsHeaders: boolean;
  readonly wantsData: boolean;
  readonly wantsTrailers: boolean;
  /** Switched off for this stream (typed_per_filter_config). */
  isOff: boolean;
  hold: number;
  /** It stopped data (its buffered part, if any, waits in the shared buffer). */
  holdsData: boolean;
  holdsTrailers: boolean;

  constructor(filter: HttpFilter, direction: number) {
    this.filter = filter;
    const isDecode = direction === Direction.decode;
    this.wantsHeaders = (isDecode ? filter.decodeHeaders : filter.encodeHeaders) !== undefined;
    this.wantsData = (isDecode ? filter.decodeData : filter.encodeData) !== undefined;
    this.wantsTrailers = (isDecode ? filter.decodeTrailers : filter.encodeTrailers) !== undefined;
    this.isOff = false;
    this.hold = Hold.none;
    this.holdsData = false;
    this.holdsTrailers = false;
  }
}

/**
 * Carries one message (request or response) through the filters of a stream in one direction: Envoy's iteration contract
 * (source: docs intro/arch_overview/http/http_filters, envoy/http/filter.h) and nothing else.
 *
 *   headers ─ filter 0 ─ filter 1 ─ … ─ deliver      a filter may hold headers (and with them all that follows),
 *   data    ─ …                                      or only data, or trailers; `resume(i)` goes on behind filter i
 *
 * Invariant: at most one step holds headers; steps behind it have seen nothing. All buffered bytes wait at one step.
 */
export class FilterIteration {
  private readonly owner: IterationOwner;
  private readonly direction: number;
  private readonly steps: Step[];
  /** Steps that want bodies; 0 = bodies bypass the chain. */
  private readonly dataSteps: number;
  private readonly trailerSteps: number;
  readonly data: BodyData;
  readonly buffer: OwnedBytes;
  bufferLimit: number;
  private headers: HeaderMap | null;
  private trailers: HeaderMap | null;
  /** Index of the step holding headers; -1 = none; steps.length = not begun. */
  private heldAt: number;
  /** The message's end was seen (with headers, data or trailers). */
  private sawEnd: boolean;
  private isAboveLimit: boolean;
  /** Step whose callback runs now, for addData. */
  private current: number;
  private isInHeaders: boolean;
  private isInTrailers: boolean;
  private addedInHeaders: boolean;
  /** Step whose bytes wait in `buffer`; -1 = none. */
  private bufferAt: number;
  /** Step at which the trailers wait; -1 = none. */
  private trailersAt: number;
  /** Counts messages: an answer made in the middle of one begins another. */
  private generation: number;

  /** `filters` in the order in which this direction visits them. */
  constructor(owner: IterationOwner, direction: number, filters: readonly HttpFilter[], slab: Uint8Array) {
    this.owner = owner;
    this.direction = direction;
    this.steps = filters.map((filter) => new Step(filter, direction));
    this.dataSteps = this.steps.filter((step) => step.wantsData).length;
    this.trailerSteps = this.steps.filter((step) => step.wantsTrailers).length;
    this.data = new BodyData(slab);
    this.buffer = new OwnedBytes();
    this.bufferLimit = 0;
    this.headers = null;
    this.trailers = null;
    this.heldAt = -1;
    this.sawEnd = false;
    this.isAboveLimit = false;
    this.current = -1;
    this.isInHeaders = false;
    this.isInTrailers = false;
    this.addedInHeaders = false;
    this.bufferAt = -1;
    this.trailersAt = -1;
    this.generation = 0;
  }

  /** As new, for the next stream. */
  reset(bufferLimit: number): void {
    if (this.heldAt >= 0 || this.buffer.length > 0 || this.dataSteps > 0 || this.trailerSteps > 0) {
      for (let i = 0; i < this.steps.length; i++) {
        const step = this.steps[i];
        step.hold = Hold.none;
        step.holdsData = false;
        step.holdsTrailers = false;
      }
    }
    this.bufferLimit = bufferLimit;
    this.buffer.clear();
    this.headers = null;
    this.trailers = null;
    this.heldAt = -1;
    this.sawEnd = false;
    this.isAboveLimit = false;
    this.current = -1;
    this.isInHeaders = false;
    this.isInTrailers = false;
    this.addedInHeaders = false;
    this.bufferAt = -1;
    this.trailersAt = -1;
    this.generation = (this.generation + 1) & 0x3fffffff;
  }

  /** Switches the filter at `index` off or on for this stream; before headers only. */
  setOff(index: number, isOff: boolean): void {
    this.steps[index].isOff = isOff;
  }

  /** Whether a filter holds the message up. */
  get isHeld(): boolean {
    return this.heldAt >= 0;
  }

  // === from the codec (decode) or the upstream (encode) ===

  onHeaders(headers: HeaderMap, endStream: boolean): void {
    this.headers = headers;
    this.sawEnd = endStream;
    this.iterateHeaders(0, endStream);
  }

  /** An interim response on its way: whether it goes on to the client. */
  on1xxHeaders(headers: HeaderMap): boolean {
    for (let i = 0; i < this.steps.length; i++) {
      const { filter, isOff } = this.steps[i];
      if (isOff || filter.encode1xxHeaders === undefined) continue;
      if (filter.encode1xxHeaders(headers) !== FilterHeadersStatus.continue) return false;
      if (this.owner.isIterationOver(this.direction)) return false;
    }
    return true;
  }

  onData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (endStream) this.sawEnd = true;
    if (this.heldAt < 0 && this.dataSteps === 0) {
      this.owner.deliverData(this.direction, bytes, offset, length, endStream);
      return;
    }
    this.data.set(bytes, offset, length);
    this.iterateData(0, endStream);
  }

  onTrailers(trailers: HeaderMap): void {
    this.sawEnd = true;
    this.trailers = trailers;
    this.iterateTrailers(0);
  }

  // === from a filter ===

  /** Goes on behind the filter at `index` (continueDecoding / continueEncoding). */
  resume(index: number): void {
    const generation = this.generation;
    if (this.isOver(generation)) return;
    const step = this.steps[index];
    // A filter that stopped everything has not seen the data itself.
    const dataFrom = step.hold >= Hold.allBuffer ? index : index + 1;
    if (step.hold !== Hold.none) {
      step.hold = Hold.none;
      this.heldAt = -1;
      const hasMore = this.buffer.length > 0 || this.trailers !== null;
      this.iterateHeaders(index + 1, this.sawEnd && !hasMore);
      if (this.isOver(generation)) return;
    } else if (!step.holdsData && !step.holdsTrailers) {
      return;
    }
    step.holdsData = false;
    // The next filter may hold the headers: the rest goes as far as it then gets.
    if (this.bufferAt === index && this.buffer.length > 0) {
      this.releaseBuffer(dataFrom, this.sawEnd && this.trailers === null);
      if (this.isOver(generation)) return;
    }
    if (this.trailersAt === index) {
      const sawTrailers = step.holdsTrailers;
      step.holdsTrailers = false;
      this.iterateTrailers(sawTrailers ? index + 1 : index);
    }
  }

  /** Adds body bytes behind what is buffered (addDecodedData / addEncodedData). */
  addData(index: number, bytes: Uint8Array): void {
    const step = this.steps[index];
    if (this.current === index && this.isInHeaders) {
      this.append(index, bytes, 0, bytes.length);
      this.addedInHeaders = true;
    } else if (step.hold !== Hold.none || step.holdsData || (this.current === index && !this.isInTrailers)) {
      this.append(index, bytes, 0, bytes.length);
      this.checkLimit(false);
    } else {
      this.passData(bytes, 0, bytes.length, index + 1, false);
    }
  }

  /** Passes data on behind the step at `index`, which holds its own (injectEncodedData). */
  injectData(index: number, bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.owner.isIterationOver(this.direction)) return;
    if (endStream) this.steps[index].holdsData = false;
    this.passData(bytes, offset, length, index + 1, endStream);
  }

  // === iteration ===

  private iterateHeaders(from: number, end: boolean): void {
    const headers = this.headers;
    if (headers === null) return;
    const steps = this.steps;
    const generation = this.generation;
    let endStream = end;
    let dataFrom = -1;
    for (let i = from; i < steps.length; i++) {
      const step = steps[i];
      if (!step.wantsHeaders || step.isOff) continue;
      this.current = i;
      this.isInHeaders = true;
      const status = this.direction === Direction.decode ? step.filter.decodeHeaders?.(headers, endStream) : step.filter.encodeHeaders?.(headers, endStream);
      this.isInHeaders = false;
      this.current = -1;
      if (this.isOver(generation)) return;
      if (this.addedInHeaders) {
        this.addedInHeaders = false;
        if (dataFrom < 0) dataFrom = i + 1;
        endStream = false;
      }
      switch (status) {
        case FilterHeadersStatus.continue:
          break;
        case FilterHeadersStatus.continueAndDontEndStream:
          endStream = false;
          this.sawEnd = false;
          break;
        default:
          this.heldAt = i;
          step.hold = status === FilterHeadersStatus.stopAllIterationAndBuffer ? Hold.allBuffer : status === FilterHeadersStatus.stopAllIterationAndWatermark ? Hold.allWatermark : Hold.headers;
          this.owner.retainHeaders(this.direction);
          if (dataFrom >= 0) this.releaseBuffer(dataFrom, this.sawEnd && this.trailers === null);
          return;
      }
    }
    this.owner.deliverHeaders(this.direction, headers, endStream);
    if (dataFrom >= 0 && !this.isOver(generation)) this.releaseBuffer(dataFrom, this.sawEnd && this.trailers === null);
  }

  /** Passes `this.data` to the steps from `from` on. */
  private iterateData(from: number, endStream: boolean): void {
    const steps = this.steps;
    const data = this.data;
    const generation = this.generation;
    for (let i = from; i < steps.length; i++) {
      const step = steps[i];
      if (step.hold >= Hold.allBuffer) {
        this.append(i, data.bytes, data.offset, data.length);
        this.checkLimit(step.hold === Hold.allWatermark);
        return;
      }
      const holdsHeaders = step.hold === Hold.headers;
      let status: number = FilterDataStatus.continue;
      if (step.wantsData && !step.isOff) {
        this.current = i;
        status = (this.direction === Direction.decode ? step.filter.decodeData?.(data, endStream) : step.filter.encodeData?.(data, endStream)) ?? FilterDataStatus.continue;
        this.current = -1;
        if (this.isOver(generation)) return;
        // The filter resumed from inside its own callback.
        if (holdsHeaders && step.hold === Hold.none) {
          step.holdsData = false;
        }
      } else if (!holdsHeaders) {
        continue;
      }
      if (status === FilterDataStatus.continue) {
        if (step.hold === Hold.headers) {
          this.append(i, data.bytes, data.offset, data.length);
          this.resume(i);
          return;
        }
        if (this.bufferAt === i && this.buffer.length > 0) {
          this.append(i, data.bytes, data.offset, data.length);
          step.holdsData = false;
          this.releaseBuffer(i + 1, endStream);
          return;
        }
        step.holdsData = false;
        continue;
      }
      step.holdsData = true;
      if (status === FilterDataStatus.stopIterationNoBuffer) return;
      this.append(i, data.bytes, data.offset, data.length);
      this.checkLimit(status === FilterDataStatus.stopIterationAndWatermark);
      return;
    }
    this.owner.deliverData(this.direction, data.bytes, data.offset, data.length, endStream);
  }

  private iterateTrailers(from: number): void {
    const trailers = this.trailers;
    if (trailers === null) return;
    const generation = this.generation;
    this.trailersAt = -1;
    for (let i = from; i < this.steps.length; i++) {
      const step = this.steps[i];
      if (step.hold >= Hold.allBuffer) {
        this.trailersAt = i;
        trailers.retain();
        return;
      }
      if (step.wantsTrailers && !step.isOff) {
        this.current = i;
        this.isInTrailers = true;
        const status = this.direction === Direction.decode ? step.filter.decodeTrailers?.(trailers) : step.filter.encodeTrailers?.(trailers);
        this.isInTrailers = false;
        this.current = -1;
        if (this.isOver(generation)) return;
        if (status === FilterTrailersStatus.stopIteration) {
          step.holdsTrailers = true;
          this.trailersAt = i;
          trailers.retain();
          return;
        }
      }
      if (step.hold === Hold.headers || step.holdsData) {
        step.holdsTrailers = false;
        this.resumeBehindTrailers(i);
        return;
      }
    }
    this.trailers = null;
    this.owner.deliverTrailers(this.direction, trailers);
  }

  /** Trailers passed a filter that still held headers or data: everything goes on behind it. */
  private resumeBehindTrailers(i: number): void {
    const step = this.steps[i];
    const generation = this.generation;
    if (step.hold === Hold.headers) {
      step.hold = Hold.none;
      this.heldAt = -1;
      this.iterateHeaders(i + 1, false);
      if (this.isOver(generation)) return;
    }
    step.holdsData = false;
    if (this.bufferAt === i && this.buffer.length > 0) {
      this.releaseBuffer(i + 1, false);
      if (this.isOver(generation)) return;
    }
    this.iterateTrailers(i + 1);
  }

  /** Sends everything buffered on from step `from`. */
  private releaseBuffer(from: number, endStream: boolean): void {
    const buffer = this.buffer;
    const bytes = buffer.bytes;
    const length = buffer.length;
    // The memory may be appended to again by a later filter: that filter gets a fresh one.
    buffer.bytes = EMPTY;
    buffer.length = 0;
    this.bufferAt = -1;
    if (this.isAboveLimit) {
      this.isAboveLimit = false;
      this.owner.onBufferWatermark(this.direction, false);
    }
    this.passData(bytes, 0, length, from, endStream);
  }

  /** Passes bytes to the steps from `from` on; what a step looks at meanwhile stays as it is. */
  private passData(bytes: Uint8Array, offset: number, length: number, from: number, endStream: boolean): void {
    const data = this.data;
    const { bytes: outerBytes, offset: outerOffset, length: outerLength } = data;
    data.set(bytes, offset, length);
    this.iterateData(from, endStream);
    data.set(outerBytes, outerOffset, outerLength);
  }

  /** Keeps bytes that wait at step `i`. */
  private append(i: number, bytes: Uint8Array, offset: number, length: number): void {
    if (length === 0) return;
    this.buffer.append(bytes, offset, length);
    this.bufferAt = i;
  }

  /** The message that was being carried is answered, reset or replaced. */
  private isOver(generation: number): boolean {
    return generation !== this.generation || this.owner.isIterationOver(this.direction);
  }

  private checkLimit(isWatermark: boolean): void {
    if (this.bufferLimit === 0 || this.buffer.length <= this.bufferLimit) return;
    if (!isWatermark) {
      this.owner.onBufferLimit(this.direction);
    } else if (!this.isAboveLimit) {
      this.isAboveLimit = true;
      this.owner.onBufferWatermark(this.direction, true);
    }
  }
}

const EMPTY = new Uint8Array(0);
