import type { HeaderMap } from '../headers/header_map.ts';
import type { ResetReason } from '../http/codec.ts';

/** Who looks on while a try is under way: what counts its sizes, what logs it. A try has one or none. Thread: worker. */
export interface TryObserver {
  /** The connection is there; nothing was sent yet. */
  onReady(): void;
  /** So many body bytes went out. */
  onSent(bytes: number): void;
  /** Response headers, 1xx ones too, before anybody has changed them. */
  onResponseHeaders(headers: HeaderMap): void;
  /** So many body bytes came. */
  onReceived(bytes: number): void;
  onResponseTrailers(trailers: HeaderMap): void;
  /** No response came in time (true), or nothing for too long (false). */
  onSlow(isLate: boolean): void;
  /** There is no connection, or it broke. `transportFailure` '' = nothing to say. */
  onFailure(reason: ResetReason, transportFailure: string): void;
  /** The whole request timed out: that says nothing of how long tries take. */
  skipTime(): void;
  /** The try is over, at this monotonic time. Called once, last. */
  end(nowMs: number): void;
}
