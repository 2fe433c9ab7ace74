/** Multiplier whose products spread consecutive keys: 2^32 / golden ratio. */
const SPREAD = 0x9e3779b1;

/** From some integers (≥ 0, all different) to their places in the list, by open addressing: a few ns where a Map takes 15. */
export class IntMap {
  /** Pairs of key + 1 (0: free) and place. */
  private readonly slots: Int32Array;
  private readonly mask: number;
  private readonly shift: number;

  constructor(keys: readonly number[]) {
    const bits = Math.max(1, Math.ceil(Math.log2(keys.length * 2 + 1)));
    this.mask = (1 << bits) - 1;
    this.shift = 32 - bits;
    this.slots = new Int32Array(2 << bits);
    for (let place = 0; place < keys.length; place++) {
      let slot = this.first(keys[place]);
      while (this.slots[2 * slot] !== 0) slot = (slot + 1) & this.mask;
      this.slots[2 * slot] = keys[place] + 1;
      this.slots[2 * slot + 1] = place;
    }
  }

  /** -1: not among them. */
  get(key: number): number {
    const { slots, mask } = this;
    let slot = this.first(key);
    for (;;) {
      const found = slots[2 * slot];
      if (found === key + 1) return slots[2 * slot + 1];
      if (found === 0) return -1;
      slot = (slot + 1) & mask;
    }
  }

  private first(key: number): number {
    return Math.imul(key, SPREAD) >>> this.shift;
  }
}
