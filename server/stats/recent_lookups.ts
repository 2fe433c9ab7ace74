import type { RecentLookupsView } from '../../core/stats/stats_view.ts';

/** Names kept while tracking is on; the one that was not looked up for longest goes. */
const CAPACITY = 100;

/** Counts which stat names threads resolve (Envoy: symbol-table lookups). Off: one addition per name. Thread: main. */
export class RecentLookups implements RecentLookupsView {
  /** By recency, oldest first. */
  private readonly counts = new Map<string, number>();
  private tracks = false;
  private lookups = 0;

  get isEnabled(): boolean {
    return this.tracks;
  }

  get total(): number {
    return this.lookups;
  }

  note(name: string): void {
    this.lookups++;
    if (!this.tracks) return;
    const count = this.counts.get(name) ?? 0;
    this.counts.delete(name);
    this.counts.set(name, count + 1);
    if (this.counts.size <= CAPACITY) return;
    for (const oldest of this.counts.keys()) {
      this.counts.delete(oldest);
      break;
    }
  }

  enable(isOn: boolean): void {
    this.tracks = isOn;
    if (!isOn) this.counts.clear();
  }

  clear(): void {
    this.counts.clear();
    this.lookups = 0;
  }

  entries(): readonly (readonly [name: string, count: number])[] {
    return [...this.counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  }
}
