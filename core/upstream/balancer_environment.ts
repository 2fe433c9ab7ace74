import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { TableQueue } from './consistent_hash/table_queue.ts';
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
  /** Makes the tables of hashes that are not main's. */
  readonly tableQueue: TableQueue;
  /** A timer that does this when it is due. */
  createTimer(work: () => void): BalancerTimer;
}

/** Rings once after `enable`. */
export interface BalancerTimer {
  /** `ms`: 0 = in the next turn. */
  enable(ms: number): void;
  disable(): void;
}

const SILENT: BalancerTimer = { enable: () => {}, disable: () => {} };

/** Without runtime values and local cluster, at time 0; tables are made at once, timers never ring. */
export function emptyEnvironment(): BalancerEnvironment {
  return { runtime: new RuntimeSnapshot({}), zone: '', local: null, nowMs: () => 0, tableQueue: new TableQueue((work) => work()), createTimer: () => SILENT };
}
