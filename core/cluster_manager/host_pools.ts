import type { TransportSocketOptions } from '../network/transport_socket.ts';
import type { Http1ConnPool } from '../http/conn_pool/http1_pool.ts';

/** Where the TCP pools begin. */
const TCP_POOLS = 2;
const KINDS = 4;

interface ApartPool {
  readonly kind: number;
  readonly pool: Http1ConnPool;
}

/**
 * A host's pools on this worker, by kind: HTTP, then plain TCP, each by priority; kept in `Host.attachment`. Clusters with
 * connection_pool_per_downstream_connection have those of each downstream connection apart, and those whose requests say by what name
 * their host is known (auto_sni) those of each name, for as long as they are in use.
 */
export class HostPools {
  /** By kind. */
  private readonly shared: (Http1ConnPool | null)[];
  /** Those that only some requests share, by key; null until there is one. */
  private apart: Map<number | string, ApartPool> | null;

  constructor() {
    this.shared = [null, null, null, null];
    this.apart = null;
  }

  static kindOf(priority: number, isTcp: boolean): number {
    return isTcp ? TCP_POOLS + priority : priority;
  }

  /** The pool that all requests share; null = not made yet. */
  get(kind: number): Http1ConnPool | null {
    return this.shared[kind];
  }

  set(kind: number, pool: Http1ConnPool): void {
    this.shared[kind] = pool;
  }

  /** Of requests of one downstream connection (NO_DOWNSTREAM: of all) that ask for the same of their connection. */
  static keyOf(kind: number, downstream: number, options: TransportSocketOptions | null): number | string {
    const key = (downstream + 1) * KINDS + kind;
    return options === null ? key : `${key} ${options.serverName} ${options.subjectAltNames.join(' ')}`;
  }

  /** null = not made yet. */
  getApart(key: number | string): Http1ConnPool | null {
    return this.apart?.get(key)?.pool ?? null;
  }

  /** It is forgotten as soon as it has neither connections nor requests. */
  setApart(key: number | string, kind: number, pool: Http1ConnPool): void {
    const apart = (this.apart ??= new Map());
    apart.set(key, { kind, pool });
    pool.onUnused = () => {
      if (apart.get(key)?.pool === pool) apart.delete(key);
    };
  }

  /** Makes room: closes a pool of the kind that no request uses; false when there is none. */
  closeUnused(kind: number): boolean {
    if (this.apart === null) return false;
    for (const other of this.apart.values()) {
      if (other.kind !== kind || other.pool.hasRequests) continue;
      other.pool.drain();
      return true;
    }
    return false;
  }

  forEach(visit: (pool: Http1ConnPool, isTcp: boolean) => void): void {
    for (const [kind, pool] of this.shared.entries()) if (pool !== null) visit(pool, kind >= TCP_POOLS);
    if (this.apart !== null) for (const { kind, pool } of [...this.apart.values()]) visit(pool, kind >= TCP_POOLS);
  }
}
