/** What a discovery is to its cluster, and the other way round. Thread: main. */
import type { DiscoveredHost } from './host_table.ts';

/** Who is told what discovery finds. */
export interface DiscoveryListener {
  /** A resolution begins (DNS only). */
  onAttempt(): void;
  /** Everything known now. Returns whether that changed anything. */
  onHosts(hosts: readonly DiscoveredHost[]): boolean;
  /** An answer arrived; `changed` as `onHosts` said. */
  onSuccess(changed: boolean): void;
  onFailure(name: string, reason: string): void;
  /** Every name has had its first answer or failure. Called once. */
  onInitialized(): void;
  /** How a host that was found is used. */
  useOf(key: string): HostUse;
}

/** How workers use a host. */
export interface HostUse {
  /** Connections. */
  readonly active: number;
  /** Grows with every connection and request. */
  readonly total: number;
}

export interface Discovery {
  start(): void;
  close(): void;
  /** A worker sends requests there; absent where hosts are not found so. */
  add?(address: string, port: number): void;
}
