import type { Http1ConnPool } from '../http/conn_pool/http1_pool.ts';

/** Where the TCP pools begin. */
const TCP_POOLS = 2;
const KINDS = 4;

/**
 * A host's pools on this worker, by kind: HTTP, then plain TCP, each by priority; kept in `Host.attachment`. Clusters with
 * connection_pool_per_downstream_connection have those of each downstream connection apart, for as long as they are in use.
 */
export class HostPools {
  /** By kind; unused where downstream connections have their own. */
  private readonly shared: (Http1ConnPool | null)[];
  /** By downstream connection and kind; null until one has its own. */
  private own: Map<number, Http1ConnPool> | null;

  constructor() {
    this.shared = [null, null, null, null];
    this.own = null;
  }

  static kindOf(priority: number, isTcp: boolean): number {
    return isTcp ? TCP_POOLS + priority : priority;
  }

  /** The pool that all downstream connections share; null = not made yet. */
  get(kind: number): Http1ConnPool | null {
    return this.shared[kind];
  }

  set(kind: number, pool: Http1ConnPool): void {
    this.shared[kind] = pool;
  }

  /** The pool of one downstream connection; null = not made yet. */
  ofDownstream(connection: number, kind: number): Http1ConnPool | null {
    return this.own?.get(connection * KINDS + kind) ?? null;
  }

  /** It is forgotten as soon as it has neither connections nor requests. */
  setOfDownstream(connection: number, kind: number, pool: Http1ConnPool): void {
    const own = (this.own ??= new Map());
    const key = connection * KINDS + kind;
    own.set(key, pool);
    pool.onUnused = () => {
      if (own.get(key) === pool) own.delete(key);
    };
  }

  /** Makes room: closes a pool of the kind that no request uses; false when there is none. */
  closeUnused(kind: number): boolean {
    if (this.own === null) return false;
    for (const [key, pool] of this.own) {
      if (key % KINDS !== kind || pool.hasRequests) continue;
      pool.drain();
      return true;
    }
    return false;
  }

  forEach(visit: (pool: Http1ConnPool, isTcp: boolean) => void): void {
    for (const [kind, pool] of this.shared.entries()) if (pool !== null) visit(pool, kind >= TCP_POOLS);
    if (this.own !== null) for (const [key, pool] of [...this.own]) visit(pool, key % KINDS >= TCP_POOLS);
  }
}
