import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../test/support/balancer_source.ts';
import { hostConfig } from '../../../test/support/in_process_worker.ts';
import { XxHash64 } from '../../base/xxhash64.ts';
import { HOST_STAT_WORDS, HostStat } from '../../shared_memory/layout.ts';
import { Host } from '../host.ts';
import { LoadBalancerContext } from '../load_balancer.ts';
import { weightShares } from './entries.ts';
import { orderByKey } from './key_order.ts';
import { buildAtOnce, findTable, type HashTableKind, type SharedHashTable } from './hash_table.ts';
import { HashTableBalancer } from './hash_table_balancer.ts';
import { maglevTables } from './maglev_table.ts';
import { ringTables } from './ring.ts';
import { TableQueue } from './table_queue.ts';

const COMMON = { usesHostname: false, balanceFactor: 0, isLocalityWeighted: false };
const KINDS: [string, HashTableKind][] = [
  ['maglev', maglevTables({ ...COMMON, tableSize: 65_537 })],
  ['ring_hash', ringTables({ ...COMMON, isMurmur: false, minimumRingSize: 20_000, maximumRingSize: 8_388_608 })],
];
const COUNT = 600;

function makeHosts(count: number, workers = 1): { hosts: Host[]; slabs: Float64Array[] } {
  const health = new Int32Array(count);
  const slabs = Array.from({ length: workers }, () => new Float64Array(count * HOST_STAT_WORDS));
  return { hosts: Array.from({ length: count }, (_, id) => new Host(hostConfig(id, 1000 + id), health, slabs[0], slabs)), slabs };
}

/** The table over these hosts as main makes it. */
function tableOf(kind: HashTableKind, hosts: readonly Host[]): SharedHashTable {
  const table = buildAtOnce(kind.begin(hosts.map((host) => host.address), weightShares(hosts.map((host) => host.weight)), true));
  return { hostIds: Uint32Array.from(hosts, (host) => host.config.id), memory: table.memory as SharedArrayBuffer[], counts: table.counts };
}

function places(lb: HashTableBalancer, count = 500): (number | undefined)[] {
  const hash = new XxHash64();
  const context = new LoadBalancerContext();
  context.hasHash = true;
  return Array.from({ length: count }, (_, i) => {
    hash.hashText(`key-${i}`);
    context.hashHigh = hash.high;
    context.hashLow = hash.low;
    return lb.chooseHost(context)?.config.id;
  });
}

describe.each(KINDS)('a table of %s that main makes', (_name, kind) => {
  function setUp(balanceFactor = 0) {
    const shared: SharedHashTable[] = [];
    const load = { activeRequests: (): number => 0 };
    const lb = new HashTableBalancer({ ...COMMON, balanceFactor }, kind, () => 0, load, { find: (hosts) => findTable(shared, hosts) });
    const own = new HashTableBalancer(COMMON, kind, () => 0, load, null);
    return { shared, lb, own };
  }

  it('is not small, and places keys as one that a worker makes itself', () => {
    const { hosts } = makeHosts(COUNT);
    expect(kind.cost(weightShares(hosts.map(() => 1)))).toBeGreaterThan(1);
    const { shared, lb, own } = setUp();
    shared.push(tableOf(kind, hosts));
    expect(shared[0].memory.every((memory) => memory instanceof SharedArrayBuffer)).toBe(true);
    lb.setHosts(hosts, hosts);
    own.setHosts(hosts, hosts);
    expect(places(lb)).toEqual(places(own));
  });

  it('is made in pieces', () => {
    const { hosts } = makeHosts(COUNT);
    const build = kind.begin(hosts.map((host) => host.address), weightShares(hosts.map(() => 1)), true);
    let pieces = 1;
    while (build.next().done !== true) pieces++;
    expect(pieces).toBeGreaterThan(2);
  });

  it('until it is there the old one serves, without the hosts that are gone', () => {
    const { hosts } = makeHosts(COUNT);
    const { shared, lb, own } = setUp();
    shared.push(tableOf(kind, hosts));
    lb.setHosts(hosts, hosts);
    const before = places(lb);
    const left = hosts.filter((host) => host.config.id % 3 !== 0);
    lb.setHosts(left, hosts);
    const meanwhile = places(lb);
    before.forEach((id, i) => {
      if (id !== undefined && id % 3 !== 0) expect(meanwhile[i]).toBe(id);
      else expect(left.map((host) => host.config.id)).toContain(meanwhile[i]);
    });
    expect(places(lb)).toEqual(meanwhile);
    shared[0] = tableOf(kind, left);
    lb.setHosts(left, hosts);
    own.setHosts(left, hosts);
    expect(places(lb)).toEqual(places(own));
  });

  it('before the first one is there a hash goes to the same host each time', () => {
    const { hosts } = makeHosts(COUNT);
    const { lb } = setUp();
    expect(places(lb, 3)).toEqual([undefined, undefined, undefined]);
    lb.setHosts(hosts, hosts);
    const first = places(lb);
    expect(places(lb)).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(200);
    lb.setHosts([], hosts);
    expect(places(lb, 1)).toEqual([undefined]);
  });
});

describe.each(KINDS)('a table of %s that a worker makes for a subset', (_name, kind) => {
  function setUp() {
    const work: (() => void)[] = [];
    const load = { activeRequests: (): number => 0 };
    const lb = new HashTableBalancer(COMMON, kind, () => 0, load, null, undefined, new TableQueue((part) => work.push(part)));
    const own = new HashTableBalancer(COMMON, kind, () => 0, load, null);
    /** Turn by turn; more of them than any table takes. */
    const runTurns = (): void => {
      for (let part = work.shift(); part !== undefined; part = work.shift()) part();
    };
    return { lb, own, work, runTurns };
  }

  it('is made between turns; meanwhile a hash goes to the same host each time', () => {
    const { hosts } = makeHosts(COUNT);
    const { lb, own, work, runTurns } = setUp();
    lb.setHosts(hosts, hosts);
    expect(work).toHaveLength(1);
    const meanwhile = places(lb);
    expect(meanwhile).not.toContain(undefined);
    expect(places(lb)).toEqual(meanwhile);
    runTurns();
    own.setHosts(hosts, hosts);
    expect(places(lb)).toEqual(places(own));
  });

  it('is given up when the hosts change again', () => {
    const { hosts } = makeHosts(COUNT);
    const { lb, own, runTurns } = setUp();
    const left = hosts.slice(1);
    lb.setHosts(hosts, hosts);
    lb.setHosts(left, left);
    runTurns();
    own.setHosts(left, left);
    expect(places(lb)).toEqual(places(own));
    lb.setHosts(hosts, hosts);
    lb.setHosts([], []);
    runTurns();
    expect(places(lb, 1)).toEqual([undefined]);
  });

  it('is made at once when it is small', () => {
    const { hosts } = makeHosts(5);
    const small = maglevTables({ ...COMMON, tableSize: 1009 });
    const lb = new HashTableBalancer(COMMON, small, () => 0, { activeRequests: () => 0 }, null, undefined, new TableQueue(() => undefined));
    lb.setHosts(hosts, hosts);
    expect(places(lb)).not.toContain(undefined);
  });
});

describe('small tables of a turn', () => {
  it('are made at once up to the work of one; the others later, one after the other, and meanwhile a hash goes to the same host each time', () => {
    const { hosts } = makeHosts(256);
    const kind = maglevTables({ ...COMMON, tableSize: 65_537 });
    const turns: (() => void)[] = [];
    const queue = new TableQueue((work) => turns.push(work));
    const load = { activeRequests: () => 0 };
    const balancers = [0, 1, 2].map(() => new HashTableBalancer(COMMON, kind, () => 0, load, null, undefined, queue));
    for (const lb of balancers) lb.setHosts(hosts, hosts);
    const [first, second, third] = balancers.map((lb) => places(lb));
    expect(second).not.toEqual(first);
    expect(third).toEqual(second);
    expect(places(balancers[1])).toEqual(second);
    expect(turns).toHaveLength(1);
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
    expect(balancers.map((lb) => places(lb))).toEqual([first, first, first]);
    // The next turn has its own.
    const next = new HashTableBalancer(COMMON, kind, () => 0, load, null, undefined, queue);
    next.setHosts(hosts, hosts);
    expect(places(next)).toEqual(first);
  });

  it('are several if they are much smaller than what may be made', () => {
    const { hosts } = makeHosts(5);
    const queue = new TableQueue(() => undefined);
    const kind = ringTables({ ...COMMON, isMurmur: false, minimumRingSize: 1024, maximumRingSize: 8_388_608 });
    const place = (lb: HashTableBalancer): unknown => {
      lb.setHosts(hosts, hosts);
      return places(lb);
    };
    const own = place(new HashTableBalancer(COMMON, kind, () => 0, { activeRequests: () => 0 }, null));
    const made = Array.from({ length: 9 }, () => place(new HashTableBalancer(COMMON, kind, () => 0, { activeRequests: () => 0 }, null, undefined, queue)));
    expect(made.slice(0, 7)).toEqual(Array(7).fill(own));
    expect(made[8]).not.toEqual(own);
  });
});

describe('the order of keys', () => {
  it.each(['', '\u{1f600}'])('of many hosts is that of their bytes, equal ones in order of appearance (%j)', (more) => {
    const random = seededRandom(3);
    const keys = Array.from({ length: 5000 }, () => `${random() % 2500}${random() % 9 === 0 ? `${more}\uff01` : ''}`);
    const expected = keys.map((_, i) => i).sort((a, b) => Buffer.compare(Buffer.from(keys[a]), Buffer.from(keys[b])) || a - b);
    expect([...orderByKey(keys)]).toEqual(expected);
  });
});

describe('bounded load', () => {
  it('counts the requests of every worker', () => {
    const { hosts, slabs } = makeHosts(5, 3);
    let active = 0;
    const kind = maglevTables({ ...COMMON, tableSize: 1009 });
    const lb = new HashTableBalancer({ ...COMMON, balanceFactor: 125 }, kind, () => 0, { activeRequests: () => active }, null);
    lb.setHosts(hosts, hosts);
    const [first] = places(lb, 1);
    slabs[2][(first as number) * HOST_STAT_WORDS + HostStat.rqActive] = 2;
    active = 2;
    expect(places(lb, 1)[0]).not.toBe(first);
    slabs[2][(first as number) * HOST_STAT_WORDS + HostStat.rqActive] = 0;
    expect(places(lb, 1)[0]).toBe(first);
  });
});
