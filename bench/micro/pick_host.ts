/**
 * What choosing one of 1,000 hosts costs by load-balancing policy, through the cluster's balancer as the router does it. CPU time of
 * this process, least of five rounds. Budget: 200 ns. Run: node bench/micro/pick_host.ts
 */
import { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { HEALTH_GENERATION, HOST_STAT_WORDS, HostStat } from '../../core/shared_memory/layout.ts';
import { ActiveJournal } from '../../core/upstream/active_journal.ts';
import { type BalancerEnvironment, emptyEnvironment } from '../../core/upstream/balancer_environment.ts';
import { ClusterBalancer } from '../../core/upstream/cluster_balancer.ts';
import type { HostConfig } from '../../core/upstream/cluster_config.ts';
import { type ClusterInfo, createClusterStats } from '../../core/upstream/cluster_info.ts';
import type { ConsistentHashConfig } from '../../core/upstream/consistent_hash/config.ts';
import { HashTableBalancer } from '../../core/upstream/consistent_hash/hash_table_balancer.ts';
import { maglevTables } from '../../core/upstream/consistent_hash/maglev_table.ts';
import { ringTables } from '../../core/upstream/consistent_hash/ring.ts';
import { Host } from '../../core/upstream/host.ts';
import type { HostChooser } from '../../core/upstream/host_chooser.ts';
import type { LeastRequestConfig } from '../../core/upstream/least_request_config.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from '../../core/upstream/load_balancer.ts';
import { NO_LOCALITY } from '../../core/upstream/locality_config.ts';
import { MetadataCriteria } from '../../core/upstream/metadata_criteria.ts';
import { SlowStart } from '../../core/upstream/slow_start.ts';
import { SubsetBalancer } from '../../core/upstream/subset/subset_balancer.ts';
import type { SubsetConfig } from '../../core/upstream/subset/subset_config.ts';
import { LocalCluster } from '../../core/upstream/zone_aware/local_cluster.ts';
import { LeastRequestLoadBalancer } from '../../extensions/load_balancing_policies/least_request/least_request.ts';
import { RandomLoadBalancer } from '../../extensions/load_balancing_policies/random/random.ts';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { balancerSource, seededRandom } from '../../test/support/balancer_source.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';

const HOSTS = 1000;
const PICKS = 2_000_000;
/** Requests that run while requests come and go, where that matters. */
const RUNNING = 2000;
const ROUNDS = 5;
/** A worker with 50,000 requests a second that picks 16 hosts a turn. */
const TURN_MS = 0.32;
const clock = { ms: 1000 };
const COMMON: ConsistentHashConfig = { usesHostname: false, balanceFactor: 0, isLocalityWeighted: false };
const RING = { isMurmur: false, minimumRingSize: 1024, maximumRingSize: 8_388_608, ...COMMON };
const MAGLEV = maglevTables({ ...COMMON, tableSize: 65_537 });
const BOUNDED = { ...COMMON, balanceFactor: 150 };
const LEAST: LeastRequestConfig = { choiceCount: 2, activeRequestBias: 1, biasKey: '', isFullScan: false };
const SLOW = { windowMs: 60_000, aggression: { defaultValue: 1, runtimeKey: '' }, minWeight: 0.1 };
const SUBSETS: SubsetConfig = {
  fallback: 'any_endpoint', defaultSubset: {}, selectors: [{ keys: ['stage', 'version'], fallback: 'not_defined', fallbackKeys: [], isSingleHost: false }], isLocalityWeightAware: false,
  scalesLocalityWeight: false, panicModeAny: false, listAsAny: false, allowsRedundantKeys: false, hasFallbackList: false,
};

const random = seededRandom(1);
const ZONES = ['a', 'b', 'c'];

/** One policy: its factory, how hosts differ by index, and what else there is. */
interface Policy {
  readonly factory: LoadBalancerFactory;
  readonly host?: (i: number) => Partial<HostConfig>;
  readonly environment?: BalancerEnvironment;
  readonly subsets?: SubsetConfig;
  /** Each pick is a request that begins while another one ends, of which the work is not counted. */
  readonly isBusy?: boolean;
  /** Each of the others begins or ends a request at each pick, of which the work is not counted either. */
  readonly workers?: number;
}

const roundRobin: LoadBalancerFactory = { create: (next) => new RoundRobinLoadBalancer(next) };
const least = (more: Partial<LeastRequestConfig> = {}): LoadBalancerFactory => ({
  create: (next, { environment, journal }) => new LeastRequestLoadBalancer({ ...LEAST, ...more }, next, environment, journal), readsJournal: more.isFullScan === true,
});
const weighted = (i: number): Partial<HostConfig> => ({ weight: 1 + (i % 10) });
const zoned = (i: number): Partial<HostConfig> => ({ zone: ZONES[i % 3], localityWeight: 1 + (i % 3) });

/** A process in zone a, which has half of the requests and a third of the hosts. */
function localEnvironment(): BalancerEnvironment {
  const local = new LocalCluster('local', { region: '', zone: 'a', subZone: '' }, new Int32Array(HEALTH_GENERATION + 1));
  local.setHosts(['a', 'a', 'b', 'c'].map((zone, i) => hostConfig(2000 + i, 80, { zone })));
  return { ...emptyEnvironment(), runtime: new RuntimeSnapshot({}), local };
}

const POLICIES: Record<string, Policy> = {
  'round_robin, equal weights': { factory: roundRobin },
  'round_robin, 1 to 10': { factory: roundRobin, host: weighted },
  'round_robin, slow start': { factory: { create: (next, { environment }) => new RoundRobinLoadBalancer(next, new SlowStart(SLOW, environment)) } },
  'round_robin, locality weights': { factory: { ...roundRobin, locality: { ...NO_LOCALITY, isWeighted: true } }, host: zoned },
  'round_robin, zone-aware': { factory: roundRobin, host: zoned, environment: localEnvironment() },
  'least_request, equal weights': { factory: least() },
  'least_request, 1 to 10': { factory: least(), host: weighted },
  'least_request, bias 1.5': { factory: least({ activeRequestBias: 1.5 }), host: weighted },
  'least_request, slow start': { factory: least({ slowStart: SLOW }) },
  'least_request, full scan, idle': { factory: least({ isFullScan: true }) },
  'least_request, full scan': { factory: least({ isFullScan: true }), isBusy: true },
  'least_request, full scan, 1 to 10': { factory: least({ isFullScan: true }), host: weighted, isBusy: true },
  'least_request, full scan, 4 workers': { factory: least({ isFullScan: true }), isBusy: true, workers: 4 },
  'least_request, full scan, 8 workers': { factory: least({ isFullScan: true }), isBusy: true, workers: 8 },
  'least_request, 2 choices, busy': { factory: least(), isBusy: true },
  random: { factory: { create: (next) => new RandomLoadBalancer(next) } },
  ring_hash: { factory: { create: (next, { load }) => new HashTableBalancer(RING, ringTables(RING), next, load, null), usesHash: true } },
  'ring_hash, bounded load': { factory: { create: (next, { load }) => new HashTableBalancer(BOUNDED, ringTables(RING), next, load, null), usesHash: true } },
  maglev: { factory: { create: (next, { load }) => new HashTableBalancer(COMMON, MAGLEV, next, load, null), usesHash: true } },
  'maglev, bounded load': { factory: { create: (next, { load }) => new HashTableBalancer(BOUNDED, MAGLEV, next, load, null), usesHash: true } },
  'subset of two keys': {
    factory: roundRobin, subsets: SUBSETS, host: (i) => ({ metadata: { 'envoy.lb': { stage: i % 2 === 0 ? 'prod' : 'dev', version: `${i % 5}` } } }),
  },
};

/** Requests that come and go: some of this worker for real, those of others as their words would show them. */
class Traffic {
  private readonly running: (Host | null)[] = new Array<Host | null>(RUNNING).fill(null);
  private readonly others: readonly Float64Array[];
  private readonly hosts: readonly Host[];
  private at = 0;

  constructor(others: readonly Float64Array[], hosts: readonly Host[]) {
    this.others = others;
    this.hosts = hosts;
  }

  /** The work of all this without a pick. */
  alone(): void {
    for (let i = 0; i < PICKS; i++) this.begin(this.hosts[random() % HOSTS]);
  }

  begin(host: Host): void {
    const { running, at } = this;
    running[at]?.onRequestEnded();
    running[at] = host;
    this.at = at + 1 === RUNNING ? 0 : at + 1;
    host.onRequestStarted();
    // Each of the others begins or ends one.
    for (const slab of this.others) {
      const word = (random() % HOSTS) * HOST_STAT_WORDS + HostStat.rqActive;
      slab[word] = slab[word] === 0 ? 1 : 0;
    }
  }
}

function nsPerPick(balancer: HostChooser, criteria: MetadataCriteria | null, traffic: Traffic | null): number {
  const context = new LoadBalancerContext();
  context.hasHash = true;
  context.criteria = criteria;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const alone = traffic === null ? 0 : cpuNs(() => traffic.alone());
    const spent = cpuNs(() => {
      for (let i = 0; i < PICKS; i++) {
        context.hashHigh = random() | 0;
        context.hashLow = random() | 0;
        if ((i & 15) === 0) clock.ms += TURN_MS;
        const host = balancer.choose(context);
        if (host === null) throw new Error('no host');
        if (traffic !== null) traffic.begin(host);
      }
    });
    best = Math.min(best, (spent - alone) / PICKS);
  }
  return best;
}

function cpuNs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const spent = process.cpuUsage(before);
  return (spent.user + spent.system) * 1000;
}

console.log(`${'policy'.padEnd(36)}${'one priority'.padStart(14)}${'two priorities'.padStart(16)}${'first pick'.padStart(14)}`);
for (const [name, { factory, host, environment, subsets, isBusy, workers }] of Object.entries(POLICIES)) {
  const { stats: clusterStats } = createClusterStats(createLocalStats().scope);
  const info = { config: clusterConfig(), stats: clusterStats } as ClusterInfo;
  const health = new Int32Array(HOSTS);
  const words = new Float64Array(HOSTS * HOST_STAT_WORDS);
  const others = Array.from({ length: (workers ?? 1) - 1 }, () => new Float64Array(words.length));
  const since = new Float64Array(HOSTS).fill(-30_000);
  const hosts = Array.from({ length: HOSTS }, (_, id) => new Host(hostConfig(id, 1024 + id, host?.(id)), health, words, [words, ...others], since));
  const journal = factory.readsJournal === true ? new ActiveJournal() : null;
  for (const each of hosts) each.journal = journal;
  const traffic = isBusy === true ? new Traffic(others, hosts) : null;
  // Time passes where something is done as it passes; in slow start it stands still.
  const passing = isBusy === true ? { environment: { ...emptyEnvironment(), nowMs: () => clock.ms } } : {};
  const source = balancerSource(factory, random, { journal, ...(environment === undefined ? passing : { environment }) });
  const balancer = subsets === undefined ? new ClusterBalancer(info, source) : new SubsetBalancer(info, source, subsets, clusterStats.subsets());
  const criteria = subsets === undefined ? null : new MetadataCriteria({ stage: 'prod', version: '2' });
  const context = new LoadBalancerContext();
  context.criteria = criteria;
  const started = performance.now();
  balancer.setHosts([hosts]);
  balancer.choose(context);
  const first = performance.now() - started;
  const one = nsPerPick(balancer, criteria, traffic);
  // Half of the first priority's hosts are gone: 70 % there, 30 % at the second.
  for (let i = 0; i < HOSTS / 4; i++) health[i] = 1;
  balancer.setHosts([hosts.slice(0, HOSTS / 2), hosts.slice(HOSTS / 2)]);
  const two = nsPerPick(balancer, criteria, traffic);
  console.log(`${name.padEnd(36)}${`${one.toFixed(0)} ns`.padStart(14)}${`${two.toFixed(0)} ns`.padStart(16)}${`${first.toFixed(1)} ms`.padStart(14)}`);
}
