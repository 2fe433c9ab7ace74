import { ClusterBalancer } from '../cluster_balancer.ts';
import type { ClusterInfo, SubsetStats } from '../cluster_info.ts';
import type { Host } from '../host.ts';
import type { HostChooser, LevelChooser } from '../host_chooser.ts';
import type { BalancerSource, LoadBalancerContext } from '../load_balancer.ts';
import type { MetadataCriteria } from '../metadata_criteria.ts';
import type { PriorityCounts, PriorityLoad } from '../priority_load.ts';
import type { RetryPriority } from '../retry_priority.ts';
import { criteriaPlan, type CriteriaPlan } from './criteria_plan.ts';
import { scaledLocalityWeights } from './locality_scale.ts';
import type { SubsetConfig, SubsetFallback } from './subset_config.ts';
import { hasMetadata, subsetValues } from './subset_keys.ts';

/** The one host of a selector with `single_host_per_subset`: of the first priority that has one, whatever its health. */
class SingleHost implements HostChooser {
  private host: Host | null = null;

  setHosts(byPriority: readonly (readonly Host[])[]): void {
    this.host = byPriority.find((hosts) => hosts.length > 0)?.[0] ?? null;
  }

  refresh(): void {}

  rebuild(): void {}

  choose(): Host | null {
    return this.host;
  }
}

/** All load goes to one priority: an aggregate has chosen it. */
class GivenLevel implements RetryPriority {
  private readonly level: number;
  private readonly isDegraded: boolean;

  constructor(level: number, isDegraded: boolean) {
    this.level = level;
    this.isDegraded = isDegraded;
  }

  onHostAttempted(): void {}

  loadForRetry(load: PriorityLoad): PriorityLoad {
    const whole = new Int32Array(load.healthy.length);
    const none = new Int32Array(load.healthy.length);
    whole[this.level] = 100;
    return { ...load, healthy: this.isDegraded ? none : whole, degraded: this.isDegraded ? whole : none };
  }
}

/** A set of values, key by key in ascending order of the keys: a path from the root is a subset, if hosts are here. */
class SubsetNode {
  readonly children = new Map<string, Map<string, SubsetNode>>();
  chooser: HostChooser | null = null;
  /** Its hosts by priority while they are put together. */
  hosts: Host[][] = [];

  child(key: string, value: string): SubsetNode {
    let values = this.children.get(key);
    if (values === undefined) {
      values = new Map();
      this.children.set(key, values);
    }
    let node = values.get(value);
    if (node === undefined) {
      node = new SubsetNode();
      values.set(value, node);
    }
    return node;
  }
}

/**
 * Chooses a subset of the cluster's hosts by the request's metadata criteria, then a host of it by another policy. Each subset has its
 * priorities, health and panic for itself. All subsets are there before the first request: a pick walks down two maps per criterion.
 */
export class SubsetBalancer implements LevelChooser {
  private readonly info: ClusterInfo;
  private readonly source: BalancerSource;
  private readonly config: SubsetConfig;
  private readonly stats: SubsetStats;
  private root: SubsetNode;
  private choosers: HostChooser[];
  private readonly any: ClusterBalancer | null;
  private readonly byDefault: ClusterBalancer | null;
  private readonly fallback: ClusterBalancer | null;
  private readonly panic: ClusterBalancer | null;
  /** All hosts, for aggregates; made when one asks. */
  private whole: ClusterBalancer | null;
  private hosts: readonly (readonly Host[])[];
  /** Criteria of routes live as long as routes do. */
  private readonly plans: WeakMap<MetadataCriteria, CriteriaPlan>;
  private lastCriteria: MetadataCriteria | null;
  private lastPlan: CriteriaPlan | null;

  constructor(info: ClusterInfo, source: BalancerSource, config: SubsetConfig, stats: SubsetStats) {
    this.info = info;
    this.source = source;
    this.config = config;
    this.stats = stats;
    this.root = new SubsetNode();
    this.choosers = [];
    const wants = (fallback: SubsetFallback): boolean => config.fallback === fallback || config.selectors.some((selector) => selector.fallback === fallback);
    this.any = config.panicModeAny || wants('any_endpoint') ? new ClusterBalancer(info, source) : null;
    this.byDefault = wants('default_subset') ? new ClusterBalancer(info, source) : null;
    this.fallback = config.fallback === 'any_endpoint' ? this.any : config.fallback === 'default_subset' ? this.byDefault : null;
    this.panic = config.panicModeAny ? this.any : null;
    this.whole = null;
    this.hosts = [[]];
    this.plans = new WeakMap();
    this.lastCriteria = null;
    this.lastPlan = null;
  }

  setHosts(byPriority: readonly (readonly Host[])[]): void {
    const { config } = this;
    this.root = new SubsetNode();
    this.choosers = [];
    this.hosts = byPriority;
    this.whole = null;
    const nodes = new Set<SubsetNode>();
    byPriority.forEach((hosts, priority) => {
      for (const host of hosts) for (const selector of config.selectors) this.putInto(nodes, host, priority, byPriority.length, selector.keys, selector.isSingleHost);
    });
    for (const node of nodes) {
      const chooser = node.chooser ?? this.balancerOf(node.hosts, byPriority);
      chooser.setHosts(node.hosts);
      node.chooser = chooser;
      node.hosts = [];
      this.choosers.push(chooser);
    }
    if (this.any !== null) {
      this.any.setHosts(byPriority);
      this.choosers.push(this.any);
    }
    if (this.byDefault !== null) {
      this.byDefault.setHosts(byPriority.map((hosts) => hosts.filter((host) => hasMetadata(host.config.metadata, config.defaultSubset, config.listAsAny))));
      this.choosers.push(this.byDefault);
    }
  }

  refresh(): void {
    for (let i = 0; i < this.choosers.length; i++) this.choosers[i].refresh();
  }

  rebuild(): void {}

  choose(context: LoadBalancerContext): Host | null {
    const { criteria } = context;
    if (criteria === null) return this.fallBack(context);
    if (criteria !== this.lastCriteria) {
      this.lastPlan = this.planOf(criteria);
      this.lastCriteria = criteria;
    }
    let plan = this.lastPlan;
    // Of a list of further criteria, the first that finds a host.
    while (plan !== null) {
      const host = this.chooseBy(plan, context);
      if (host !== null) return host;
      plan = plan.next;
    }
    return null;
  }

  levelCounts(): readonly PriorityCounts[] {
    return this.everyone().levelCounts();
  }

  chooseAt(level: number, isDegraded: boolean, context: LoadBalancerContext): Host | null {
    context.retryPriority = new GivenLevel(level, isDegraded);
    const host = this.choose(context);
    context.retryPriority = null;
    return host;
  }

  private everyone(): ClusterBalancer {
    if (this.any !== null) return this.any;
    if (this.whole === null) {
      this.whole = new ClusterBalancer(this.info, this.source);
      this.whole.setHosts(this.hosts);
      this.choosers.push(this.whole);
    }
    return this.whole;
  }

  private chooseBy(plan: CriteriaPlan, context: LoadBalancerContext): Host | null {
    const node = this.find(plan.criteria);
    if (node !== null && node.chooser !== null) {
      this.stats.selected.inc();
      return node.chooser.choose(context);
    }
    switch (plan.fallback) {
      case 'not_defined':
        return this.fallBack(context);
      case 'any_endpoint':
        return this.any === null ? null : this.any.choose(context);
      case 'default_subset':
        return this.byDefault === null ? null : this.byDefault.choose(context);
      case 'keys_subset':
        return plan.reduced === null ? null : this.chooseBy(plan.reduced, context);
      default:
        return null;
    }
  }

  private find({ names, values }: MetadataCriteria): SubsetNode | null {
    if (names.length === 0) return null;
    let node = this.root;
    for (let i = 0; i < names.length; i++) {
      const next = node.children.get(names[i])?.get(values[i]);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  /** As the cluster says for requests that no subset fits. */
  private fallBack(context: LoadBalancerContext): Host | null {
    if (this.fallback === null) return null;
    const host = this.fallback.choose(context);
    if (host !== null) {
      this.stats.fallback.inc();
      return host;
    }
    if (this.panic === null) return null;
    const any = this.panic.choose(context);
    if (any !== null) this.stats.fallbackPanic.inc();
    return any;
  }

  private planOf(criteria: MetadataCriteria): CriteriaPlan {
    let plan = this.plans.get(criteria);
    if (plan === undefined) {
      plan = criteriaPlan(this.config, criteria);
      this.plans.set(criteria, plan);
    }
    return plan;
  }

  private putInto(nodes: Set<SubsetNode>, host: Host, priority: number, priorities: number, keys: readonly string[], isSingleHost: boolean): void {
    for (const values of subsetValues(host.config.metadata, keys, this.config.listAsAny)) {
      let node = this.root;
      for (let i = 0; i < keys.length; i++) node = node.child(keys[i], values[i]);
      if (node.hosts.length === 0) node.hosts = Array.from({ length: priorities }, () => []);
      // The first selector that leads here says what it is.
      if (!nodes.has(node) && isSingleHost) node.chooser = new SingleHost();
      nodes.add(node);
      // A host is here once, whatever leads to it.
      if (!node.hosts[priority].includes(host)) node.hosts[priority].push(host);
    }
  }

  private balancerOf(hosts: readonly (readonly Host[])[], byPriority: readonly (readonly Host[])[]): HostChooser {
    const { config, source } = this;
    if (!config.isLocalityWeightAware || !config.scalesLocalityWeight) return new ClusterBalancer(this.info, source);
    return new ClusterBalancer(this.info, { ...source, localityWeightOf: scaledLocalityWeights(hosts, byPriority) });
  }
}
