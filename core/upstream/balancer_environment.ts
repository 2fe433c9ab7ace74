import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import type { LocalCluster } from './zone_aware/local_cluster.ts';

/** What all balancers of a worker look at. One per worker; `runtime` and `local` are others after a new snapshot. */
export interface BalancerEnvironment {
  runtime: RuntimeSnapshot;
  /** Of this process; '' = none. */
  zone: string;
  /** The cluster that this process is one host of; null: none is named. */
  local: LocalCluster | null;
  /** Wall clock of the turn, milliseconds. */
  nowMs(): number;
  /** Calls once, between two turns, some milliseconds from now. */
  later(work: () => void): void;
}

/** Without runtime values and local cluster, at time 0; what is to be done later is done at once. */
export function emptyEnvironment(): BalancerEnvironment {
  return { runtime: new RuntimeSnapshot({}), zone: '', local: null, nowMs: () => 0, later: (work) => work() };
}
