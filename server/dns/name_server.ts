/** One question to name servers: the seam between the resolver's rules and the network. */
import { getServers, Resolver } from 'node:dns';
import type { ResolvedAddress } from '../../core/network/dns_resolver.ts';
import { DNS_QUERY_DEFAULTS, type DnsQueryOptions } from '../../core/upstream/cluster_config.ts';

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

/** A channel of the platform's resolver library, and how it is used. */
interface Channel {
  readonly resolver: Resolver;
  asked: number;
  pending: number;
}

/** Asks over UDP (TCP where an answer is cut) with the platform's resolver library. */
export class UdpNameServer implements NameServer {
  private readonly servers: readonly string[];
  private readonly options: DnsQueryOptions;
  /** One, or one per server, each beginning with another of them (`rotates`). */
  private channels: Channel[];
  /** Those that are not asked any more and still wait for answers. */
  private readonly retired = new Set<Channel>();
  private next = 0;

  /** `servers`: `ip` or `ip:port`; empty = the system's. */
  constructor(servers: readonly string[], options: DnsQueryOptions = DNS_QUERY_DEFAULTS) {
    this.servers = servers;
    this.options = options;
    this.channels = this.openAll();
  }

  query(name: string, family: 4 | 6, callback: (answer: NameServerAnswer) => void): void {
    const channel = this.takeChannel();
    const done = (error: NodeJS.ErrnoException | null, records: { address: string; ttl: number }[]): void => {
      channel.pending--;
      if (channel.pending === 0) this.retired.delete(channel);
      if (error === null) callback({ kind: 'addresses', addresses: records.map((r) => ({ address: r.address, ttlSec: r.ttl })) });
      else if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') callback({ kind: 'none' });
      else if (error.code !== 'ECANCELLED') callback({ kind: 'failed', code: error.code ?? error.message });
    };
    if (family === 4) channel.resolver.resolve4(name, { ttl: true }, done);
    else channel.resolver.resolve6(name, { ttl: true }, done);
  }

  reinitialize(): void {
    if (this.servers.length > 0) return;
    for (const channel of this.channels) this.retire(channel);
    this.channels = this.openAll();
  }

  close(): void {
    for (const { resolver } of [...this.channels, ...this.retired]) resolver.cancel();
  }

  /** The one whose turn it is; another instead of it when its socket has been used often enough. */
  private takeChannel(): Channel {
    const at = this.next;
    this.next = (at + 1) % this.channels.length;
    const { udpMaxQueries } = this.options;
    if (udpMaxQueries > 0 && this.channels[at].asked >= udpMaxQueries) {
      this.retire(this.channels[at]);
      this.channels[at] = this.open(at);
    }
    const channel = this.channels[at];
    channel.asked++;
    channel.pending++;
    return channel;
  }

  private retire(channel: Channel): void {
    if (channel.pending > 0) this.retired.add(channel);
  }

  private openAll(): Channel[] {
    const count = this.options.rotates ? Math.max(1, this.serverList().length) : 1;
    return Array.from({ length: count }, (_, first) => this.open(first));
  }

  /** Begins with the server of this index. */
  private open(first: number): Channel {
    const { timeoutMs, tries, rotates } = this.options;
    const resolver = new Resolver({ timeout: timeoutMs, tries });
    if (rotates || this.servers.length > 0) {
      const list = this.serverList();
      resolver.setServers([...list.slice(first), ...list.slice(0, first)]);
    }
    return { resolver, asked: 0, pending: 0 };
  }

  private serverList(): readonly string[] {
    return this.servers.length > 0 ? this.servers : getServers();
  }
}
