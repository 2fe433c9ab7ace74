const SIZE = 624;
const SHIFT = 397;

/** The generator MT19937 (Matsumoto and Nishimura, 1998) with its usual constants; the same numbers for the same seed everywhere. */
export class MersenneTwister {
  private readonly state = new Uint32Array(SIZE);
  private index = SIZE;

  seed(seed: number): void {
    const { state } = this;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) state[i] = Math.imul(1_812_433_253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    this.index = SIZE;
  }

  /** An integer in [0, 2^32). */
  next(): number {
    if (this.index === SIZE) this.refill();
    let value = this.state[this.index++];
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c5680;
    value ^= (value << 15) & 0xefc60000;
    return (value ^ (value >>> 18)) >>> 0;
  }

  private refill(): void {
    const { state } = this;
    for (let i = 0; i < SIZE; i++) {
      const mixed = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      state[i] = state[(i + SHIFT) % SIZE] ^ (mixed >>> 1) ^ ((mixed & 1) === 0 ? 0 : 0x9908b0df);
    }
    this.index = 0;
  }
}
