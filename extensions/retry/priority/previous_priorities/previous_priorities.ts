import type { PriorityLoad } from '../../../../core/upstream/priority_load.ts';
import type { RetryPriority } from '../../../../core/upstream/retry_priority.ts';

/**
 * Keeps away from the priorities that earlier tries went to, as long as others have something available; then begins anew.
 * Looks again after every `updateFrequency` tries.
 */
export class PreviousPriorities implements RetryPriority {
  private readonly updateFrequency: number;
  private readonly attempted: number[];
  private readonly excluded: Set<number>;
  private load: PriorityLoad | null;

  constructor(updateFrequency: number) {
    this.updateFrequency = updateFrequency;
    this.attempted = [];
    this.excluded = new Set();
    this.load = null;
  }

  onHostAttempted(priority: number): void {
    this.attempted.push(priority);
  }

  loadForRetry(load: PriorityLoad): PriorityLoad {
    const { attempted, updateFrequency } = this;
    if (attempted.length < updateFrequency) return load;
    if (attempted.length % updateFrequency === 0) {
      for (const priority of attempted) this.excluded.add(priority);
      this.load = this.adjust(load);
    }
    return this.load ?? load;
  }

  /** null: nothing is available anywhere. */
  private adjust(load: PriorityLoad): PriorityLoad | null {
    let healthy = this.remaining(load.healthyPercent);
    let degraded = this.remaining(load.degradedPercent);
    let total = totalOf(healthy, degraded);
    if (total === 0) {
      this.excluded.clear();
      this.attempted.length = 0;
      healthy = this.remaining(load.healthyPercent);
      degraded = this.remaining(load.degradedPercent);
      total = totalOf(healthy, degraded);
    }
    return total === 0 ? null : { ...load, ...share(healthy, degraded, total) };
  }

  private remaining(percents: readonly number[]): number[] {
    return percents.map((percent, priority) => (this.excluded.has(priority) ? 0 : percent));
  }
}

function totalOf(healthy: readonly number[], degraded: readonly number[]): number {
  return Math.min(100, [...healthy, ...degraded].reduce((sum, percent) => sum + percent, 0));
}

/** Gives 100 percent out in order, again and again until rounding leaves nothing. */
function share(healthy: readonly number[], degraded: readonly number[], total: number): Pick<PriorityLoad, 'healthy' | 'degraded'> {
  const result = { healthy: new Int32Array(healthy.length), degraded: new Int32Array(degraded.length) };
  let left = 100;
  const give = (into: Int32Array, percents: readonly number[]): void => {
    for (let i = 0; i < percents.length; i++) {
      const part = Math.min(left, Math.floor((percents[i] * 100) / total));
      into[i] += part;
      left -= part;
    }
  };
  while (left > 0) {
    give(result.healthy, healthy);
    give(result.degraded, degraded);
  }
  return result;
}
