/**
 * The immutable, versioned configuration that main posts to every worker: plain frozen data that survives a structured clone.
 * A worker builds its runtime objects from it and swaps one reference between two turns; running streams keep the old one.
 */
import type { ClusterConfig, HostSetConfig } from '../upstream/cluster_config.ts';
import type { ListenerConfig } from '../network/listener/listener_config.ts';
import type { RuntimeValues } from '../runtime/runtime_snapshot.ts';
import type { ListenSource } from '../io/io.ts';

export interface ListenerSnapshot {
  /** Dense id of this listener instance (a changed listener is a new instance). */
  readonly id: number;
  readonly config: ListenerConfig;
  /** Listen sockets of *each* worker: `sockets[address index]`; filled per worker by the broadcaster. Empty with bind_to_port false. */
  readonly sockets: readonly ListenSource[];
  /** The address each socket is really bound to (port 0 resolved), same order. */
  readonly boundAddresses: readonly { readonly address: string; readonly port: number }[];
}

export interface ClusterSnapshot {
  /** Dense id in the process: index of its circuit-breaker words. */
  readonly id: number;
  readonly config: ClusterConfig;
  readonly hosts: HostSetConfig;
}

export interface Snapshot {
  readonly version: number;
  readonly listeners: readonly ListenerSnapshot[];
  readonly clusters: readonly ClusterSnapshot[];
  readonly runtime: RuntimeValues;
  readonly node: { readonly id: string; readonly cluster: string; readonly zone: string };
  /** The cluster that this process is a host of, and where it runs; absent: none is named. */
  readonly localCluster?: { readonly name: string; readonly region: string; readonly zone: string; readonly subZone: string } | undefined;
}
