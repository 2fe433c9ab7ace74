import type { Host } from './host.ts';
import type { LoadBalancerContext } from './load_balancer.ts';
import type { PriorityCounts } from './priority_load.ts';

/** Chooses among all hosts of a cluster, or of a part of it. Per worker; changed only between turns. */
export interface HostChooser {
  /** New hosts by priority; at least one priority. */
  setHosts(byPriority: readonly (readonly Host[])[]): void;
  /** Looks at every host's health again. */
  refresh(): void;
  /** There are other tables of hashes, or hosts have other weights. */
  rebuild(): void;
  /** Null when there is none. Under 200 ns, and without allocating. */
  choose(context: LoadBalancerContext): Host | null;
}

/** Chooses among all hosts of a cluster, which may be a part of another one (an aggregate). */
export interface LevelChooser extends HostChooser {
  /** The priorities as they are. */
  levelCounts(): readonly PriorityCounts[];
  /** A host of this priority, whatever its load; among its degraded ones if so chosen. */
  chooseAt(level: number, isDegraded: boolean, context: LoadBalancerContext): Host | null;
}
