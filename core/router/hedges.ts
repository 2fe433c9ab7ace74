import type { HeaderMap } from '../headers/header_map.ts';
import type { ResetReason } from '../http/codec.ts';
import { StreamInfo } from '../stream_info/stream_info.ts';
import type { RequestCharges } from './request_charges.ts';
import type { Retries } from './retries.ts';
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream_request.ts';

/** The request whose tries run side by side, as those see it: the router. */
export interface HedgedRequest extends UpstreamRequestOwner {
  /** The try begun last; whoever wins takes its place. */
  upstream: UpstreamRequest;
  readonly retries: Retries | null;
  readonly charges: RequestCharges;
  /** Nothing is retried any more. */
  endRetries(): void;
  /** The response goes to the client. */
  pass(headers: HeaderMap, endStream: boolean): void;
  /** The client is told of the failure of `upstream`. */
  tellFailure(reason: ResetReason, transportFailure: string): void;
}

/** One try that was slow and may still answer. Handed on as soon as it does. */
class SlowTry implements UpstreamRequestOwner {
  upstream: UpstreamRequest;
  /** What is known of its upstream. */
  readonly info: StreamInfo;
  private readonly hedges: Hedges;

  constructor(hedges: Hedges, clock: Float64Array, slab: Uint8Array) {
    this.hedges = hedges;
    this.info = new StreamInfo();
    this.upstream = new UpstreamRequest(this, clock, slab);
  }

  onUpstreamReady(): void {}

  onUpstream1xxHeaders(headers: HeaderMap): void {
    this.hedges.on1xxHeaders(this, headers);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    this.hedges.onHeaders(this, headers, endStream);
  }

  onUpstreamData(): void {}

  onUpstreamTrailers(): void {}

  onUpstreamReset(reason: ResetReason, transportFailure: string): void {
    this.hedges.onReset(this, reason, transportFailure);
  }

  onUpstreamBackpressure(isAbove: boolean): void {
    this.hedges.request.onUpstreamBackpressure(isAbove);
  }

  onResponsePaused(): void {}

  onPerTryTimeout(): void {}

  onPerTryIdleTimeout(): void {}

  onMaxStreamDuration(): void {
    this.hedges.onMaxStreamDuration(this);
  }
}

/**
 * The slow tries of one request, kept beside the one begun last (hedge_on_per_try_timeout): the first good response wins, and the
 * others are cut. Made for a pooled router when its first try is slow, then used again.
 *
 *   the router's try --slow--> one of `tries` --answers well--> the router's try
 */
export class Hedges {
  readonly request: HedgedRequest;
  private readonly clock: Float64Array;
  private readonly slab: Uint8Array;
  /** The first `count` are under way. */
  private readonly tries: SlowTry[];
  private count: number;
  /** The stream's. */
  private info: StreamInfo;

  constructor(request: HedgedRequest, clock: Float64Array, slab: Uint8Array) {
    this.request = request;
    this.clock = clock;
    this.slab = slab;
    this.tries = [];
    this.count = 0;
    this.info = new StreamInfo();
  }

  /** Slow tries may still answer. */
  get isUnderWay(): boolean {
    return this.count > 0;
  }

  /** Keeps the router's try, which is slow; another takes its place. `info`: the stream's. */
  keep(info: StreamInfo): void {
    this.info = info;
    const { request, tries, count } = this;
    if (count === tries.length) tries.push(new SlowTry(this, this.clock, this.slab));
    const slow = tries[count];
    this.count++;
    const { upstream } = request;
    upstream.timers.endPatience();
    upstream.recordBytes();
    slow.info.copyUpstreamFrom(info);
    request.upstream = slow.upstream;
    slow.upstream = upstream;
    upstream.handTo(slow, slow.info);
    request.upstream.handTo(request, info);
  }

  /** What all slow tries come to: the whole request timed out. */
  forEach(visit: (upstream: UpstreamRequest) => void): void {
    for (let i = 0; i < this.count; i++) visit(this.tries[i].upstream);
  }

  /** Gives all slow tries up. */
  reset(): void {
    const { count } = this;
    this.count = 0;
    for (let i = 0; i < count; i++) {
      const { upstream } = this.tries[i];
      upstream.timers.stop();
      upstream.reset();
    }
  }

  /** The stream is over. */
  release(): void {
    this.reset();
    for (const { upstream } of this.tries) upstream.release();
  }

  // === from the slow tries ===

  on1xxHeaders(slow: SlowTry, headers: HeaderMap): void {
    this.takeOver(slow);
    this.request.onUpstream1xxHeaders(headers);
  }

  onHeaders(slow: SlowTry, headers: HeaderMap, endStream: boolean): void {
    const { request } = this;
    if (request.retries?.wouldRetry(headers) === true && this.hasOthers()) {
      slow.upstream.host?.onRequestError();
      this.forget(slow);
      slow.upstream.reset();
      headers.clear();
      return;
    }
    this.takeOver(slow);
    request.pass(headers, endStream);
  }

  onReset(slow: SlowTry, reason: ResetReason, transportFailure: string): void {
    const { request } = this;
    if (this.hasOthers()) {
      this.forget(slow);
      request.charges.failure(slow.upstream, reason);
      return;
    }
    this.takeOver(slow);
    request.tellFailure(reason, transportFailure);
  }

  onMaxStreamDuration(slow: SlowTry): void {
    this.takeOver(slow);
    this.request.endRetries();
    this.request.onMaxStreamDuration();
  }

  // === private ===

  /** Besides one slow try there is another, under way or to come. */
  private hasOthers(): boolean {
    const { request } = this;
    return this.count > 1 || request.retries?.isWaiting === true || request.upstream.isUnderWay;
  }

  private forget(slow: SlowTry): void {
    const { tries } = this;
    const at = tries.indexOf(slow);
    slow.upstream.timers.stop();
    this.count--;
    tries[at] = tries[this.count];
    tries[this.count] = slow;
  }

  /** The slow try is the router's again; all others are over. */
  private takeOver(slow: SlowTry): void {
    const { request, info } = this;
    this.forget(slow);
    this.reset();
    const { upstream } = request;
    upstream.timers.stop();
    upstream.reset();
    info.copyUpstreamFrom(slow.info);
    request.upstream = slow.upstream;
    slow.upstream = upstream;
    upstream.handTo(slow, slow.info);
    request.upstream.handTo(request, info);
  }
}
