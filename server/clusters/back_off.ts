/** Delays between tries after failures. */
export interface BackOff {
  /** Milliseconds to wait before the next try. */
  nextMs(): number;
  /** A success: the next delay is the first again. */
  reset(): void;
}

/** The same delay every time. */
export class FixedBackOff implements BackOff {
  private readonly delayMs: number;

  constructor(delayMs: number) {
    this.delayMs = delayMs;
  }

  nextMs(): number {
    return this.delayMs;
  }

  reset(): void {}
}

/** A random delay below a bound that doubles with every failure, up to a maximum ("full jitter"). */
export class JitteredBackOff implements BackOff {
  private readonly baseMs: number;
  private readonly maxMs: number;
  private readonly random: () => number;
  private boundMs: number;

  /** `random` gives numbers in [0, 1). */
  constructor(baseMs: number, maxMs: number, random: () => number) {
    this.baseMs = baseMs;
    this.maxMs = Math.max(baseMs, maxMs);
    this.random = random;
    this.boundMs = baseMs;
  }

  nextMs(): number {
    const bound = this.boundMs;
    this.boundMs = Math.min(this.maxMs, bound * 2);
    return Math.floor(this.random() * bound);
  }

  reset(): void {
    this.boundMs = this.baseMs;
  }
}
