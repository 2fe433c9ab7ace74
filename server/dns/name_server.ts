/** One question to name servers: the seam between the resolver's rules and the network. */
import { Resolver } from 'node:dns';
import type { ResolvedAddress } from '../../core/network/dns_resolver.ts';

/** `none`: the server says there is no such name or no address of that family. `failed`: no usable answer. */
export type NameServerAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly ResolvedAddress[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly code: string };

export interface NameServer {
  /** Asks for the A (4) or AAAA (6) records of an absolute name; calls back once, later. */
  query(name: string, family: 4 | 6, callback: (answer: NameServerAnswer) => void): void;
  /** Nobody could answer: forget what is known about servers, read the system's list again. */
  reinitialize(): void;
  close(): void;
}

/** Milliseconds for one try, and tries, as Envoy's resolver has them. */
const QUERY_TIMEOUT_MS = 5000;
const QUERY_TRIES = 4;

/** Asks over UDP (TCP where an answer is cut) with the platform's resolver library. */
export class UdpNameServer implements NameServer {
  private readonly servers: readonly string[];
  private resolver: Resolver;

  /** `servers`: `ip` or `ip:port`; empty = the system's. */
  constructor(servers: readonly string[]) {
    this.servers = servers;
    this.resolver = this.createResolver();
  }

  query(name: string, family: 4 | 6, callback: (answer: NameServerAnswer) => void): void {
    const done = (error: NodeJS.ErrnoException | null, records: { address: string; ttl: number }[]): void => {
      if (error === null) callback({ kind: 'addresses', addresses: records.map((r) => ({ address: r.address, ttlSec: r.ttl })) });
      else if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') callback({ kind: 'none' });
      else if (error.code !== 'ECANCELLED') callback({ kind: 'failed', code: error.code ?? error.message });
    };
    if (family === 4) this.resolver.resolve4(name, { ttl: true }, done);
    else this.resolver.resolve6(name, { ttl: true }, done);
  }

  reinitialize(): void {
    if (this.servers.length === 0) this.resolver = this.createResolver();
  }

  close(): void {
    this.resolver.cancel();
  }

  private createResolver(): Resolver {
    const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
    if (this.servers.length > 0) resolver.setServers(this.servers);
    return resolver;
  }
}
