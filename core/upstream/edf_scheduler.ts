/**
 * Earliest-deadline-first picks over weighted items: item i comes up in proportion to its weight, evenly spread, ties in order
 * of insertion. A binary heap of (deadline, sequence); pick and re-insert cost O(log n) and allocate nothing.
 */
export class EdfScheduler {
  private readonly deadlines: Float64Array;
  private readonly sequences: Float64Array;
  private readonly heap: Int32Array;
  private size: number;
  private now: number;
  private sequence: number;

  constructor(capacity: number) {
    this.deadlines = new Float64Array(capacity);
    this.sequences = new Float64Array(capacity);
    this.heap = new Int32Array(capacity);
    this.size = 0;
    this.now = 0;
    this.sequence = 0;
  }

  /** Adds item `index` with a weight > 0. */
  add(index: number, weight: number): void {
    this.deadlines[index] = this.now + 1 / weight;
    this.sequences[index] = this.sequence++;
    let child = this.size++;
    this.heap[child] = index;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.isBefore(this.heap[child], this.heap[parent])) break;
      this.swap(child, parent);
      child = parent;
    }
  }

  /** The item whose turn it is, or -1 when empty. */
  peek(): number {
    return this.size === 0 ? -1 : this.heap[0];
  }

  /** Takes the item whose turn it is and puts it back behind; -1 when empty. */
  pickAndReinsert(weightOf: Float64Array): number {
    if (this.size === 0) return -1;
    const index = this.heap[0];
    this.now = this.deadlines[index];
    this.deadlines[index] = this.now + 1 / weightOf[index];
    this.sequences[index] = this.sequence++;
    this.siftDown();
    return index;
  }

  private siftDown(): void {
    let parent = 0;
    for (;;) {
      let child = parent * 2 + 1;
      if (child >= this.size) return;
      if (child + 1 < this.size && this.isBefore(this.heap[child + 1], this.heap[child])) child++;
      if (!this.isBefore(this.heap[child], this.heap[parent])) return;
      this.swap(child, parent);
      parent = child;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const da = this.deadlines[a];
    const db = this.deadlines[b];
    return da < db || (da === db && this.sequences[a] < this.sequences[b]);
  }

  private swap(i: number, j: number): void {
    const held = this.heap[i];
    this.heap[i] = this.heap[j];
    this.heap[j] = held;
  }
}
