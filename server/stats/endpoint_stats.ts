/**
 * Stats of single hosts, `cluster.<name>.endpoint.<address>.*`, of clusters with per_endpoint_stats. There may be very many, so they
 * are made of the hosts' counts whenever somebody reads stats, and are gone with the host. Thread: main.
 */
import { HostStat } from '../../core/shared_memory/layout.ts';
import type { CounterView, GaugeView, StatTag } from '../../core/stats/stats_view.ts';
import type { HostConfig } from '../../core/upstream/cluster_config.ts';
import { hostAddressText } from '../../core/upstream/host.ts';
import { isHealthyHost } from '../../core/upstream/host_health.ts';
import { SortedList } from './sorted_list.ts';

/** The hosts of one cluster that wants these stats. */
export interface EndpointCluster {
  /** As in the names of its stats. */
  readonly statName: string;
  /** `cluster.<name>` as stats have it. */
  readonly prefix: string;
  readonly hosts: readonly HostConfig[];
}

/** Where the numbers are. */
export interface EndpointWords {
  readonly health: ArrayLike<number>;
  /** One field (HostStat) over all workers. */
  sum(id: number, field: number): number;
}

type CounterName = 'cx_connect_fail' | 'cx_total' | 'rq_error' | 'rq_success' | 'rq_timeout' | 'rq_total';
type GaugeName = 'cx_active' | 'rq_active' | 'healthy';

const COUNTERS: Readonly<Record<CounterName, number>> = {
  cx_connect_fail: HostStat.cxConnectFail, cx_total: HostStat.cxTotal, rq_error: HostStat.rqError, rq_success: HostStat.rqSuccess, rq_timeout: HostStat.rqTimeout,
  rq_total: HostStat.rqTotal,
};
/** In Envoy's order. */
const GAUGES: Readonly<Record<GaugeName, number>> = { cx_active: HostStat.cxActive, rq_active: HostStat.rqActive, healthy: -1 };
const COUNTER_NAMES = Object.keys(COUNTERS) as CounterName[];
const GAUGE_NAMES = Object.keys(GAUGES) as GaugeName[];
/** Families in order. */
const SORTED_GAUGES = GAUGE_NAMES.toSorted();

/** One host as its stats need it. */
interface Endpoint {
  readonly cluster: EndpointCluster;
  readonly host: HostConfig;
  /** What its stats' names begin with. */
  readonly prefix: string;
}

export class EndpointStats {
  private readonly clusters: () => readonly EndpointCluster[];
  private readonly words: EndpointWords;
  private readonly fixedTags: readonly StatTag[];

  /** `fixedTags`: those that all stats have. */
  constructor(clusters: () => readonly EndpointCluster[], words: EndpointWords, fixedTags: readonly StatTag[]) {
    this.clusters = clusters;
    this.words = words;
    this.fixedTags = fixedTags;
  }

  /** Host by host, in the order of the configuration. */
  all(): Iterable<CounterView | GaugeView> {
    const clusters = this.clusters();
    return { [Symbol.iterator]: () => this.hostByHost(clusters) };
  }

  /** By family, then by name. Sorting has its turns. */
  async byFamily(): Promise<{ counters: Iterable<CounterView>; gauges: Iterable<GaugeView> }> {
    const list = new SortedList<Endpoint>((a, b) => (a.prefix < b.prefix ? -1 : a.prefix > b.prefix ? 1 : 0));
    for (const endpoint of endpoints(this.clusters())) list.add(endpoint);
    const sorted = await list.get();
    const { counter, gauge } = this;
    return {
      counters: { [Symbol.iterator]: () => byName(COUNTER_NAMES, sorted, counter) },
      gauges: { [Symbol.iterator]: () => byName(SORTED_GAUGES, sorted, gauge) },
    };
  }

  private *hostByHost(clusters: readonly EndpointCluster[]): Generator<CounterView | GaugeView> {
    for (const endpoint of endpoints(clusters)) {
      for (const name of COUNTER_NAMES) yield this.counter(endpoint, name);
      for (const name of GAUGE_NAMES) yield this.gauge(endpoint, name);
    }
  }

  private readonly counter = (endpoint: Endpoint, name: CounterName): CounterView => {
    return { kind: 'counter', ...this.named(endpoint, name), value: () => this.words.sum(endpoint.host.id, COUNTERS[name]) };
  };

  private readonly gauge = (endpoint: Endpoint, name: GaugeName): GaugeView => {
    const { id } = endpoint.host;
    const value = name === 'healthy' ? () => (isHealthyHost(this.words.health[id]) ? 1 : 0) : () => this.words.sum(id, GAUGES[name]);
    return { kind: 'gauge', ...this.named(endpoint, name), value };
  };

  private named({ cluster, host, prefix }: Endpoint, name: string): Pick<CounterView, 'name' | 'isUsed' | 'tagExtractedName' | 'tags'> {
    return {
      name: `${prefix}${name}`, isUsed: () => true, tagExtractedName: () => `cluster.endpoint.${name}`,
      tags: () => [
        ...this.fixedTags, { name: 'envoy.cluster_name', value: cluster.statName }, { name: 'envoy.endpoint_address', value: hostAddressText(host.address, host.port) },
        ...(host.hostname === '' ? [] : [{ name: 'envoy.endpoint_hostname', value: host.hostname }]),
      ],
    };
  }
}

function* endpoints(clusters: readonly EndpointCluster[]): Generator<Endpoint> {
  for (const cluster of clusters) {
    for (const host of cluster.hosts) yield { cluster, host, prefix: `${cluster.prefix}.endpoint.${sanitize(hostAddressText(host.address, host.port))}.` };
  }
}

function* byName<Name, Stat>(names: readonly Name[], sorted: readonly Endpoint[], make: (endpoint: Endpoint, name: Name) => Stat): Generator<Stat> {
  for (const name of names) for (const endpoint of sorted) yield make(endpoint, name);
}

/** No colons in names of stats. */
function sanitize(address: string): string {
  return address.replaceAll(/:\/\/|:\/|:|\0/g, '_');
}
