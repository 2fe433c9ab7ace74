/**
 * What choosing one of 1,000 hosts costs by load-balancing policy, through the cluster's balancer as the router does it. CPU time of
 * this process, least of five rounds. Budget: 200 ns. Run: node bench/micro/pick_host.ts
 */
import { HOST_STAT_WORDS } from '../../core/shared_memory/layout.ts';
import { emptyEnvironment } from '../../core/upstream/balancer_environment.ts';
import { ClusterBalancer } from '../../core/upstream/cluster_balancer.ts';
import type { ClusterInfo } from '../../core/upstream/cluster_info.ts';
import { HashTableBalancer } from '../../core/upstream/consistent_hash/hash_table_balancer.ts';
import { maglevTables } from '../../core/upstream/consistent_hash/maglev_table.ts';
import { ringTables } from '../../core/upstream/consistent_hash/ring.ts';
import { Host } from '../../core/upstream/host.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from '../../core/upstream/load_balancer.ts';
import { LeastRequestLoadBalancer } from '../../extensions/load_balancing_policies/least_request/least_request.ts';
import { RandomLoadBalancer } from '../../extensions/load_balancing_policies/random/random.ts';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { balancerSource } from '../../test/support/balancer_source.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';

const HOSTS = 1000;
const PICKS = 2_000_000;
const ROUNDS = 5;
const COMMON = { usesHostname: false, balanceFactor: 0, isLocalityWeighted: false };
const RING = { isMurmur: false, minimumRingSize: 1024, maximumRingSize: 8_388_608, ...COMMON };
const LEAST = { choiceCount: 2, activeRequestBias: 1, biasKey: '', isFullScan: false };

let state = 1;
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state;
}

/** Name → policy and the weights of the hosts by index. */
const POLICIES: Record<string, [LoadBalancerFactory, (i: number) => number]> = {
  'round_robin, equal weights': [{ create: (next) => new RoundRobinLoadBalancer(next) }, () => 1],
  'round_robin, 1 to 10': [{ create: (next) => new RoundRobinLoadBalancer(next) }, (i) => 1 + (i % 10)],
  'least_request, equal weights': [{ create: (next) => new LeastRequestLoadBalancer(LEAST, next, emptyEnvironment()) }, () => 1],
  'least_request, 1 to 10': [{ create: (next) => new LeastRequestLoadBalancer(LEAST, next, emptyEnvironment()) }, (i) => 1 + (i % 10)],
  random: [{ create: (next) => new RandomLoadBalancer(next) }, () => 1],
  ring_hash: [{ create: (next, { load }) => new HashTableBalancer(RING, ringTables(RING), next, load, null), usesHash: true }, () => 1],
  maglev: [{ create: (next, { load }) => new HashTableBalancer(COMMON, maglevTables({ ...COMMON, tableSize: 65_537 }), next, load, null), usesHash: true }, () => 1],
};

function nsPerPick(balancer: ClusterBalancer): number {
  const context = new LoadBalancerContext();
  context.hasHash = true;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < PICKS; i++) {
      context.hashHigh = random() | 0;
      context.hashLow = random() | 0;
      if (balancer.choose(context) === null) throw new Error('no host');
    }
    const spent = process.cpuUsage(before);
    best = Math.min(best, ((spent.user + spent.system) * 1000) / PICKS);
  }
  return best;
}

console.log(`${'policy'.padEnd(32)}${'one priority'.padStart(14)}${'two priorities'.padStart(16)}${'first pick'.padStart(14)}`);
for (const [name, [factory, weightOf]] of Object.entries(POLICIES)) {
  const info = { config: clusterConfig(), stats: {} } as ClusterInfo;
  const health = new Int32Array(HOSTS);
  const stats = new Float64Array(HOSTS * HOST_STAT_WORDS);
  const hosts = Array.from({ length: HOSTS }, (_, id) => new Host(hostConfig(id, 1024 + id, { weight: weightOf(id) }), health, stats));
  const balancer = new ClusterBalancer(info, balancerSource(factory, random));
  const started = performance.now();
  balancer.setHosts([hosts]);
  balancer.choose(new LoadBalancerContext());
  const first = performance.now() - started;
  const one = nsPerPick(balancer);
  // Half of the first priority's hosts are gone: 70 % there, 30 % at the second.
  for (let i = 0; i < HOSTS / 4; i++) health[i] = 1;
  balancer.setHosts([hosts.slice(0, HOSTS / 2), hosts.slice(HOSTS / 2)]);
  const two = nsPerPick(balancer);
  console.log(`${name.padEnd(32)}${`${one.toFixed(0)} ns`.padStart(14)}${`${two.toFixed(0)} ns`.padStart(16)}${`${first.toFixed(1)} ms`.padStart(14)}`);
}
