/**
 * How a cluster's priorities share its load, by Envoy's rules: a priority serves as much as its healthy hosts can, with a reserve
 * (the overprovisioning factor); what is left goes on to the next, then to degraded hosts in the same order.
 */

/** The hosts of one priority by availability. */
export interface PriorityCounts {
  readonly hosts: number;
  readonly healthy: number;
  readonly degraded: number;
  /** Hosts that do not count for availability. */
  readonly excluded: number;
  /** The same by weight, where availability is to count weights. */
  readonly weights?: Omit<PriorityCounts, 'weights' | 'overprovisioning'> | undefined;
  /** Percent, where priorities of several clusters come together; absent: as all others. */
  readonly overprovisioning?: number;
}

/** Percents per priority; all healthy and degraded ones sum up to 100. */
export interface PriorityLoad {
  readonly healthy: Int32Array;
  readonly degraded: Int32Array;
  /** So few hosts are available that all are used. */
  readonly isPanic: readonly boolean[];
  /** What each priority could take, up to 100. */
  readonly healthyPercent: readonly number[];
  readonly degradedPercent: readonly number[];
}

/** `overprovisioning` in percent (140), `panicThreshold` in percent (50; 0 = never). `levels` has at least one. */
export function computePriorityLoad(levels: readonly PriorityCounts[], overprovisioning: number, panicThreshold: number): PriorityLoad {
  const healthy = new Int32Array(levels.length);
  const degraded = new Int32Array(levels.length);
  const health = levels.map(({ weights, ...counts }) => availability((weights ?? counts).healthy, weights ?? counts, counts.overprovisioning ?? overprovisioning));
  const degradedHealth = levels.map(({ weights, ...counts }) => availability((weights ?? counts).degraded, weights ?? counts, counts.overprovisioning ?? overprovisioning));
  const total = Math.min(100, sum(health) + sum(degradedHealth));
  if (total > 0) {
    const [firstHealthy, left] = distribute(healthy, health, 100, total);
    const [firstDegraded, rest] = distribute(degraded, degradedHealth, left, total);
    // Rounding leaves a few percent.
    if (firstHealthy >= 0) healthy[firstHealthy] += rest;
    else degraded[firstDegraded] += rest;
  }
  const threshold = Math.min(100, Math.round(panicThreshold));
  if (threshold === 0 && total === 0) healthy[0] = 100;
  const isPanic = levels.map((level) => total !== 100 && isInPanic(level, threshold));
  if (isPanic.every(Boolean)) spreadByHosts(levels, healthy, degraded);
  return { healthy, degraded, isPanic, healthyPercent: health, degradedPercent: degradedHealth };
}

/** Percent, capped at 100. */
function availability(available: number, { hosts, excluded }: PriorityCounts, overprovisioning: number): number {
  const counted = hosts - excluded;
  return counted <= 0 ? 0 : Math.min(100, Math.floor((overprovisioning * available) / counted));
}

/** Gives out `load` in order; returns the first priority that can take some, and what is left. */
function distribute(into: Int32Array, available: readonly number[], load: number, total: number): [number, number] {
  let left = load;
  for (let i = 0; i < into.length; i++) {
    into[i] = Math.min(left, Math.floor((available[i] * 100) / total));
    left -= into[i];
  }
  return [available.findIndex((percent) => percent > 0), left];
}

function isInPanic({ hosts, healthy, degraded, excluded }: PriorityCounts, threshold: number): boolean {
  const counted = hosts - excluded;
  return (counted <= 0 ? 0 : (100 * (healthy + degraded)) / counted) < threshold;
}

/** All priorities are in panic: load goes by the number of hosts, whatever their health. */
function spreadByHosts(levels: readonly PriorityCounts[], healthy: Int32Array, degraded: Int32Array): void {
  const total = sum(levels.map((level) => level.hosts));
  healthy.fill(0);
  degraded.fill(0);
  if (total === 0) {
    healthy[0] = 100;
    return;
  }
  levels.forEach((level, i) => {
    healthy[i] = Math.floor((100 * level.hosts) / total);
  });
  healthy[levels.findIndex((level) => level.hosts > 0)] += 100 - sum(healthy);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
