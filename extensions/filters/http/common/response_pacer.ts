import { OwnedBytes } from '../../../../core/buffer/owned_bytes.ts';
import type { BodyData } from '../../../../core/buffer/body_data.ts';
import type { Timer } from '../../../../core/event/timer.ts';
import type { EncoderFilterCallbacks } from '../../../../core/http/filter.ts';

/** Data leaves in slices of this many milliseconds' worth; a second's worth may be saved up. */
const SLICE_MS = 50;
const SLICES_MAX = 1000 / SLICE_MS;
/** Sent bytes are kept in memory up to this many. Less than what a connection copies when it is sent. */
const FORGET_BYTES = 4096;

/**
 * Slows a response body down to a rate with a token bucket, one token a slice of 50 ms. It begins with one token, so that also a
 * short body is slowed; later up to a second's worth may go at once, to even out what arrives in bursts. One per filter object,
 * reused; over the stream's buffer limit the upstream is stopped.
 *
 *   encodeData -> write()     kept; the timer passes slices on behind the filter
 *   encodeTrailers -> holdsTrailers()     true: kept until the data is gone
 */
export class ResponsePacer {
  private readonly callbacks: EncoderFilterCallbacks;
  private readonly timer: Timer;
  private readonly buffer: OwnedBytes;
  /** Bytes of the buffer that have gone. */
  private sent: number;
  private bytesPerSlice: number;
  private tokens: number;
  private filledAtMs: number;
  private sawData: boolean;
  private sawEnd: boolean;
  private sawTrailers: boolean;
  private isUpstreamPaused: boolean;
  isActive: boolean;

  constructor(callbacks: EncoderFilterCallbacks) {
    this.callbacks = callbacks;
    this.timer = callbacks.createTimer(this);
    this.buffer = new OwnedBytes();
    this.sent = 0;
    this.bytesPerSlice = 0;
    this.tokens = 0.5;
    this.filledAtMs = 0.5;
    this.sawData = false;
    this.sawEnd = false;
    this.sawTrailers = false;
    this.isUpstreamPaused = false;
    this.isActive = false;
  }

  /** Paces this stream's response: KiB/s. */
  start(limitKbps: number): void {
    this.bytesPerSlice = Math.floor((limitKbps * 1024 * SLICE_MS) / 1000);
    this.isActive = true;
  }

  /** As new, for the next stream. */
  reset(): void {
    if (!this.isActive) return;
    this.timer.disable();
    this.buffer.clear();
    this.sent = 0;
    this.sawData = false;
    this.sawEnd = false;
    this.sawTrailers = false;
    this.isUpstreamPaused = false;
    this.isActive = false;
  }

  /** Takes a piece of the body. */
  write(data: BodyData, endStream: boolean): void {
    if (data.length > 0) this.buffer.append(data.bytes, data.offset, data.length);
    this.sawEnd = endStream;
    if (!this.sawData) {
      this.sawData = true;
      this.tokens = 1;
      this.filledAtMs = this.callbacks.nowMs();
    }
    if (!this.timer.enabled) this.timer.enable(0);
    this.applyBackPressure();
  }

  /** Trailers arrived: whether they have to wait. */
  holdsTrailers(): boolean {
    this.sawTrailers = true;
    return this.waiting() > 0;
  }

  onTimeout(): void {
    const waiting = this.waiting();
    const slices = Math.min(Math.ceil(waiting / this.bytesPerSlice), Math.floor(this.fill()));
    this.tokens -= slices;
    const length = Math.min(slices * this.bytesPerSlice, waiting);
    const isLast = length === waiting;
    if (!isLast) this.timer.enable(SLICE_MS);
    const at = this.sent;
    this.sent += length;
    const isEnd = isLast && this.sawEnd;
    const hasTrailers = isLast && this.sawTrailers;
    if (length > 0 || isEnd) this.callbacks.injectEncodedData(this.buffer.bytes, at, length, isEnd);
    // Handing data on may have ended the stream and with it reset this object.
    if (isEnd || !this.isActive) return;
    this.forgetSent();
    if (hasTrailers) this.callbacks.continueEncoding();
    else this.applyBackPressure();
  }

  /** Gives memory back. What was handed on must stay unchanged until the turn ends, so nothing is moved within it. */
  private forgetSent(): void {
    const { buffer, sent } = this;
    if (sent < FORGET_BYTES && sent < buffer.length) return;
    buffer.bytes = sent < FORGET_BYTES ? buffer.bytes : buffer.bytes.slice(sent, buffer.length);
    buffer.length -= sent;
    this.sent = 0;
  }

  private waiting(): number {
    return this.buffer.length - this.sent;
  }

  /** Tokens there are now. */
  private fill(): number {
    const now = this.callbacks.nowMs();
    this.tokens = Math.min(SLICES_MAX, this.tokens + (now - this.filledAtMs) / SLICE_MS);
    this.filledAtMs = now;
    return this.tokens;
  }

  /** Stops the upstream above the limit, lets it go on at half of it. */
  private applyBackPressure(): void {
    const limit = this.callbacks.encoderBufferLimit();
    if (limit === 0) return;
    const waiting = this.waiting();
    if (!this.isUpstreamPaused && waiting > limit) {
      this.isUpstreamPaused = true;
      this.callbacks.pauseResponse(true);
    } else if (this.isUpstreamPaused && waiting <= limit / 2) {
      this.isUpstreamPaused = false;
      this.callbacks.pauseResponse(false);
    }
  }
}
