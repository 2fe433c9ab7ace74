/**
 * Finds a cluster's hosts: STATIC once, STRICT_DNS (every address of every name is a host) and LOGICAL_DNS (one host whose
 * address is the first of the latest answer) again and again. ORIGINAL_DST has hosts that workers name (original_dst_discovery.ts). Thread: main.
 *
 *     start -> resolve -+-> completed -> report -> wait (refresh rate, or TTL, + jitter) -> resolve
 *                       +-> failed    -> keep what was -> wait (back-off) -> resolve
 */
import type { ScheduledTimer, Scheduler } from '../../core/event/scheduler.ts';
import type { DnsAnswer, DnsResolver, ResolvedAddress } from '../../core/network/dns_resolver.ts';
import { areSameAddresses } from '../../core/upstream/address_order.ts';
import type { DiscoveryConfig, DnsConfig, EndpointConfig } from '../../core/upstream/cluster_config.ts';
import { type BackOff, FixedBackOff, JitteredBackOff } from './back_off.ts';
import type { Discovery, DiscoveryListener } from './discovery_listener.ts';
import type { DiscoveredHost } from './host_table.ts';
import { OriginalDstDiscovery } from './original_dst_discovery.ts';

export interface DiscoveryContext {
  readonly scheduler: Scheduler;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly createResolver: (dns: DnsConfig) => DnsResolver;
}

/** The discovery a configuration asks for. */
export function createDiscovery(config: DiscoveryConfig, context: DiscoveryContext, listener: DiscoveryListener, clusterName = ''): Discovery {
  if (config.kind === 'original_dst') return new OriginalDstDiscovery(clusterName, config.cleanupIntervalMs, context.scheduler, listener);
  return config.kind === 'static'
    ? new StaticDiscovery(config.endpoints, listener)
    : new DnsDiscovery(config.endpoints, config.dns, config.kind === 'logical_dns', context, listener);
}

class StaticDiscovery implements Discovery {
  private readonly endpoints: readonly EndpointConfig[];
  private readonly listener: DiscoveryListener;

  constructor(endpoints: readonly EndpointConfig[], listener: DiscoveryListener) {
    this.endpoints = endpoints;
    this.listener = listener;
  }

  start(): void {
    this.listener.onHosts(
      this.endpoints.map((endpoint, i) => {
        const host = { key: `${i}`, address: endpoint.address, port: endpoint.port, endpoint };
        return endpoint.additional === undefined ? host : { ...host, addresses: [{ address: endpoint.address, port: endpoint.port }, ...endpoint.additional] };
      }),
    );
    this.listener.onInitialized();
  }

  close(): void {}
}

class DnsDiscovery implements Discovery {
  private readonly listener: DiscoveryListener;
  private readonly targets: readonly ResolveTarget[];
  private readonly resolver: DnsResolver;
  private waiting: number;

  constructor(
    endpoints: readonly EndpointConfig[], dns: DnsConfig, isLogical: boolean, context: DiscoveryContext, listener: DiscoveryListener,
  ) {
    this.listener = listener;
    this.resolver = context.createResolver(dns);
    this.targets = endpoints.map((endpoint, i) => new ResolveTarget(i, endpoint, dns, isLogical, this, this.resolver, context));
    // Nobody waits for the answers of a cluster that starts cold.
    this.waiting = dns.startsCold === true ? 0 : endpoints.length;
  }

  start(): void {
    if (this.waiting === 0) this.listener.onInitialized();
    for (const target of this.targets) target.resolve();
  }

  close(): void {
    for (const target of this.targets) target.close();
    this.resolver.close();
  }

  onAttempt(): void {
    this.listener.onAttempt();
  }

  onAnswer(hasChanged: boolean, isFirst: boolean): void {
    const changed = hasChanged && this.listener.onHosts(this.targets.flatMap((target) => target.hosts));
    this.listener.onSuccess(changed);
    this.settle(isFirst);
  }

  onFailure(name: string, reason: string, isFirst: boolean): void {
    this.listener.onFailure(name, reason);
    this.settle(isFirst);
  }

  private settle(isFirst: boolean): void {
    if (isFirst && this.waiting > 0 && --this.waiting === 0) this.listener.onInitialized();
  }
}

/** One configured name and what it resolved to. */
class ResolveTarget {
  hosts: readonly DiscoveredHost[] = [];
  private readonly index: number;
  private readonly endpoint: EndpointConfig;
  private readonly dns: DnsConfig;
  private readonly isLogical: boolean;
  private readonly owner: DnsDiscovery;
  private readonly resolver: DnsResolver;
  private readonly context: DiscoveryContext;
  private readonly backOff: BackOff;
  private timer: ScheduledTimer | undefined;
  private isFirst = true;
  private isClosed = false;

  constructor(
    index: number, endpoint: EndpointConfig, dns: DnsConfig, isLogical: boolean, owner: DnsDiscovery, resolver: DnsResolver,
    context: DiscoveryContext,
  ) {
    this.index = index;
    this.endpoint = endpoint;
    this.dns = dns;
    this.isLogical = isLogical;
    this.owner = owner;
    this.resolver = resolver;
    this.context = context;
    const isDefault = dns.failureBaseMs === dns.refreshRateMs && dns.failureMaxMs === dns.refreshRateMs;
    this.backOff = isDefault
      ? new FixedBackOff(dns.refreshRateMs)
      : new JitteredBackOff(dns.failureBaseMs, dns.failureMaxMs, context.random);
  }

  resolve(): void {
    this.owner.onAttempt();
    this.resolver.resolve(this.endpoint.address, this.dns.lookupFamily, (answer) => {
      if (!this.isClosed) this.onAnswer(answer);
    });
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
  }

  private onAnswer(answer: DnsAnswer): void {
    const isFirst = this.isFirst;
    this.isFirst = false;
    // A logical host without an address would be no host at all: keep the one it has.
    if (answer.status === 'failed' || (this.isLogical && answer.addresses.length === 0)) {
      this.wait(this.backOff.nextMs());
      this.owner.onFailure(this.endpoint.address, answer.status === 'failed' ? answer.reason : 'no addresses', isFirst);
      return;
    }
    this.backOff.reset();
    this.wait(this.refreshMs(answer.addresses));
    const next = this.isLogical ? this.logicalHost(answer.addresses) : this.strictHosts(answer.addresses);
    const changed = !isSameSet(this.hosts, next);
    if (changed) this.hosts = next;
    this.owner.onAnswer(changed, isFirst);
  }

  /** The refresh rate, or the shortest TTL where that is respected and known. */
  private refreshMs(addresses: readonly ResolvedAddress[]): number {
    let ms = this.dns.refreshRateMs;
    if (this.dns.respectTtl && addresses.length > 0) {
      let ttlSec = Infinity;
      for (const address of addresses) ttlSec = Math.min(ttlSec, address.ttlSec);
      if (ttlSec > 0) ms = ttlSec * 1000;
    }
    return this.dns.jitterMs > 0 ? ms + Math.floor(this.context.random() * this.dns.jitterMs) : ms;
  }

  private wait(ms: number): void {
    this.timer = this.context.scheduler.schedule(ms, () => this.resolve());
  }

  /** One host, whose addresses are tried one after the other. */
  private logicalHost(found: readonly ResolvedAddress[]): readonly DiscoveredHost[] {
    const { port } = this.endpoint;
    const host = { key: `${this.index}`, address: found[0].address, port, endpoint: named(this.endpoint) };
    return [found.length === 1 ? host : { ...host, addresses: found.map(({ address }) => ({ address, port })) }];
  }

  /** Hosts that stay keep their place, new ones follow. */
  private strictHosts(addresses: readonly ResolvedAddress[]): readonly DiscoveredHost[] {
    const wanted = new Set(addresses.map((each) => each.address));
    const stay = this.hosts.filter((host) => wanted.delete(host.address));
    const endpoint = named(this.endpoint);
    const fresh = [...wanted].map((address) => ({ key: `${this.index}|${address}`, address, port: this.endpoint.port, endpoint }));
    return [...stay, ...fresh];
  }
}

/** DNS hosts are known by the name they were resolved from, unless the endpoint has another. */
function named(endpoint: EndpointConfig): EndpointConfig {
  return endpoint.hostname === '' ? { ...endpoint, hostname: endpoint.address } : endpoint;
}

function isSameSet(a: readonly DiscoveredHost[], b: readonly DiscoveredHost[]): boolean {
  return a.length === b.length && a.every((host, i) => host.address === b[i].address && areSameAddresses(host.addresses, b[i].addresses));
}
