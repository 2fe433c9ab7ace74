import { describe, expect, it } from 'vitest';
import { hostConfig } from '../../../test/support/in_process_worker.ts';
import { XxHash64 } from '../../base/xxhash64.ts';
import { HOST_STAT_WORDS } from '../../shared_memory/layout.ts';
import type { ConsistentHashConfig, RingHashConfig } from './config.ts';
import { hashKey, weightShares } from './entries.ts';
import { orderByKey } from './key_order.ts';
import { Host } from '../host.ts';
import { LoadBalancerContext } from '../load_balancer.ts';
import { buildAtOnce, type HashTable, type HashTableBuild } from './hash_table.ts';
import { HashTableBalancer } from './hash_table_balancer.ts';
import { buildMaglevTable, type MaglevTable, maglevTables } from './maglev_table.ts';
import { MersenneTwister } from './mersenne_twister.ts';
import { buildRing, type HashRing } from './ring.ts';

const COMMON: ConsistentHashConfig = { usesHostname: false, balanceFactor: 0, isLocalityWeighted: false };
const RING: RingHashConfig = { isMurmur: false, minimumRingSize: 1024, maximumRingSize: 8_388_608, ...COMMON };
const WEIGHTS = [1, 2, 3, 5, 1, 9, 4];

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `127.0.0.${i + 1}:18999`);
}

/** Which host each of the texts goes to, one digit each. */
function places(table: HashTable, prefix: string, count = 40): string {
  const hash = new XxHash64();
  return Array.from({ length: count }, (_, i) => {
    hash.hashText(`${prefix}${i}`);
    return table.find(hash.high, hash.low);
  }).join('');
}

const ring = (config: Partial<RingHashConfig>, weights = WEIGHTS.map(() => 1)): HashTable => buildAtOnce(buildRing({ ...RING, ...config }, addresses(7), weightShares(weights)));
const maglev = (size: number, weights = WEIGHTS.map(() => 1)): HashTable => buildAtOnce(buildMaglevTable(addresses(7), weightShares(weights), size));

describe('placement', () => {
  // Each of these agreed with Envoy 1.37.0 in where 1,000 requests with these headers went; here are the first forty.
  it.each<[string, HashTable, string]>([
    ['a ring', ring({}), '6156630326235632330063202045050355462616'],
    ['a ring of MurmurHash2', ring({ isMurmur: true }), '6403010614066051332500454653355264043040'],
    ['a ring with weights', ring({}, WEIGHTS), '6556655526265652335063252065055355552615'],
    ['a ring that is cut short', ring({ minimumRingSize: 1, maximumRingSize: 17 }, WEIGHTS), '2031254323433334132353403034333433353244'],
    ['a Maglev table', maglev(65_537), '6156221330516106022556641452051065404346'],
    ['a Maglev table with weights', maglev(65_537, WEIGHTS), '6156521332515136322556621455051555553356'],
    ['a small Maglev table', maglev(251), '0613032460661302240653435502244044654502'],
  ])('of %s is that of Envoy', (_name, table, expected) => {
    expect(places(table, 'key-')).toBe(expected);
  });

  it('hosts have the entries their weights give', () => {
    const { owners } = maglev(65_537, WEIGHTS) as MaglevTable;
    const counts = WEIGHTS.map((_, host) => owners.filter((owner) => owner === host).length);
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([2622, 23_592]);
    expect((ring({}, WEIGHTS) as HashRing).size).toBe(1025);
    expect((ring({}) as HashRing).size).toBe(1029);
  });

  it.each<[string, (keys: readonly string[], shares: Float64Array) => HashTableBuild, number]>([
    ['ring_hash', (keys, shares) => buildRing({ ...RING, minimumRingSize: 1000 * keys.length }, keys, shares), 0],
    ['maglev', (keys, shares) => buildMaglevTable(keys, shares, 65_537), 0.02],
  ])('%s: without one host of twenty, its keys move and hardly any other', (_name, build, tolerance) => {
    const keys = addresses(20);
    const whole = buildAtOnce(build(keys, weightShares(keys.map(() => 1))));
    const less = buildAtOnce(build(keys.slice(0, -1), weightShares(keys.slice(1).map(() => 1))));
    const hash = new XxHash64();
    let lost = 0;
    let moved = 0;
    for (let i = 0; i < 20_000; i++) {
      hash.hashText(`user-${i}`);
      const before = whole.find(hash.high, hash.low);
      const after = less.find(hash.high, hash.low);
      if (before === 19) lost++;
      else if (before !== after) moved++;
    }
    expect(lost / 20_000).toBeCloseTo(1 / 20, 2);
    expect(moved / 20_000).toBeLessThanOrEqual(tolerance);
  });

  it('maglev spreads evenly by chi-square', () => {
    const keys = addresses(50);
    const table = buildAtOnce(buildMaglevTable(keys, weightShares(keys.map(() => 1)), 65_537));
    const counts = new Float64Array(50);
    const hash = new XxHash64();
    for (let i = 0; i < 50_000; i++) {
      hash.hashText(`u${i}`);
      counts[table.find(hash.high, hash.low)]++;
    }
    // 49 degrees of freedom: above 85.4 once in a thousand.
    expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(85.4);
  });

  it('keys come from metadata, name or address, and sort by their bytes', () => {
    const config = hostConfig(0, 80, { hostname: 'a.example.com' });
    expect(hashKey(config, '127.0.0.1:80', false)).toBe('127.0.0.1:80');
    expect(hashKey(config, '127.0.0.1:80', true)).toBe('a.example.com');
    expect(hashKey({ ...config, metadata: { 'envoy.lb': { hash_key: 'k' } } }, '127.0.0.1:80', true)).toBe('k');
    expect(hashKey({ ...config, metadata: { 'envoy.lb': { hash_key: 7 } } }, '127.0.0.1:80', false)).toBe('127.0.0.1:80');
    expect([...orderByKey(['b', '\u{1f600}', '\uff01', 'a', 'b'])]).toEqual([3, 0, 4, 2, 1]);
  });
});

describe('HashTableBalancer', () => {
  function balancer(config: Partial<ConsistentHashConfig>, count: number): { lb: HashTableBalancer; hosts: Host[] } {
    const health = new Int32Array(count);
    const stats = new Float64Array(count * HOST_STAT_WORDS);
    const hosts = Array.from({ length: count }, (_, id) => new Host(hostConfig(id, 80 + id), health, stats));
    const load = { activeRequests: (): number => hosts.reduce((sum, host) => sum + host.activeRequests(), 0) };
    let state = 5;
    const random = (): number => (state = Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const lb = new HashTableBalancer({ ...COMMON, ...config }, maglevTables({ ...COMMON, tableSize: 1009 }), random, load, null);
    lb.setHosts(hosts, hosts);
    return { lb, hosts };
  }

  function contextOf(text: string): LoadBalancerContext {
    const context = new LoadBalancerContext();
    const hash = new XxHash64();
    hash.hashText(text);
    context.hasHash = true;
    context.hashHigh = hash.high;
    context.hashLow = hash.low;
    return context;
  }

  it('has none without hosts, the same for the same hash, any without a hash', () => {
    expect(balancer({}, 0).lb.chooseHost(contextOf('a'))).toBeNull();
    const { lb } = balancer({}, 4);
    expect(new Set(Array.from({ length: 20 }, () => lb.chooseHost(contextOf('a')))).size).toBe(1);
    expect(new Set(Array.from({ length: 99 }, () => lb.chooseHost(new LoadBalancerContext()))).size).toBe(4);
  });

  it('passes over a host with more than its share, always to the same one, and comes back', () => {
    const { lb, hosts } = balancer({ balanceFactor: 125 }, 5);
    const first = lb.chooseHost(contextOf('a')) as Host;
    for (let i = 0; i < 2; i++) first.onRequestStarted();
    const second = lb.chooseHost(contextOf('a')) as Host;
    expect(second).not.toBe(first);
    expect(lb.chooseHost(contextOf('a'))).toBe(second);
    first.onRequestEnded();
    expect(lb.chooseHost(contextOf('a'))).toBe(first);
    expect(hosts).toContain(second);
  });

  it('takes the least busy when all have too much', () => {
    const { lb, hosts } = balancer({ balanceFactor: 100 }, 3);
    // Three slots are too few for what each has, as 100 % leaves no room.
    hosts.forEach((host, i) => {
      for (let n = 0; n < 40 + i * 40; n++) host.onRequestStarted();
    });
    for (const text of ['a', 'b', 'c', 'd', 'e', 'f']) expect((lb.chooseHost(contextOf(text)) as Host).activeRequests()).toBeLessThanOrEqual(80);
  });
});

describe('MersenneTwister', () => {
  it('gives the numbers of the standard: the ten thousandth of seed 5489 is 4123659995', () => {
    const random = new MersenneTwister();
    random.seed(5489);
    for (let i = 1; i < 10_000; i++) random.next();
    expect(random.next()).toBe(4_123_659_995);
  });
});
