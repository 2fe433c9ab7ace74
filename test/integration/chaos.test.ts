/**
 * Mixed traffic over twenty upstreams of which a third misbehaves, each in a way that changes all the time, while hosts come and go,
 * fail and recover, and configurations are applied. CHAOS_SECONDS says for how long (default 5; `npm run chaos`: 60). What a whole
 * process does meanwhile is test/process/chaos.test.ts.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { CIRCUIT_WORDS, HEALTH_GENERATION, HOST_STAT_WORDS, HostHealthFlag, HostStat, OUTLIER_WORDS, OutlierWord } from '../../core/shared_memory/layout.ts';
import { ChaosClient } from '../support/chaos_client.ts';
import { CHAOS_POLICIES, ChaosTally } from '../support/chaos_policies.ts';
import { ChaosUpstream, MISBEHAVIOURS } from '../support/chaos_upstream.ts';
import { backendsUnderTest, until } from '../support/io_driver.ts';
import { NO_RETRIES, RetryOn } from '../../core/route/retry_policy.ts';
import { hostConfig, InProcessWorker } from '../support/in_process_worker.ts';
import { prefix, redirect, routeAction, routeConfig, routeEntry, routeMatch, virtualHost } from '../support/route_config.ts';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 5);
const UPSTREAMS = 20;
const BAD_ONES = 7;
const CLIENTS = 40;
/** A run of so many seconds meets with every trouble, even on a busy machine. */
const LONG_SECONDS = 30;
/** How many answers come before the upstreams misbehave in other ways. */
const ANSWERS_PER_TROUBLE = 60;
/** Of garbage collected heap, between the middle and the end of the run. */
const GROWTH_LIMIT_BYTES = 8 << 20;

const RETRIES = { ...NO_RETRIES, retryOn: RetryOn.fiveXx | RetryOn.reset | RetryOn.connectFailure, numRetries: 3, backOffBaseMs: 1, backOffMaxMs: 5 };
/** One route per policy (test/support/chaos_policies.ts). */
const ROUTES = [
  { name: 'plain', action: routeAction({ timeoutMs: 400 }) },
  { name: 'retry', action: routeAction({ timeoutMs: 1000, perTryTimeoutMs: 100, retries: RETRIES }) },
  { name: 'hedged', action: routeAction({ timeoutMs: 1000, perTryTimeoutMs: 100, hedgesOnPerTryTimeout: true, retries: RETRIES }) },
  { name: 'short', action: routeAction({ timeoutMs: 20 }) },
  { name: 'direct', action: { kind: 'direct_response' as const, status: 200, body: new Uint8Array(Buffer.from('direct')), bodyFormat: null } },
  { name: 'redirect', action: redirect({ path: '/plain/x' }) },
  { name: 'gone', action: routeAction({ cluster: { kind: 'cluster', name: 'gone' } }) },
].map(({ name, action }) => routeEntry({ match: routeMatch({ path: prefix(`/${name}/`) }), action }));

const THRESHOLDS = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 1024, trackRemaining: false };

/** Numbers in [0, 1), the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** What changes between two troubles, in turn: hosts go and come, fail and recover, the whole configuration is applied again. */
function changeConfig(worker: InProcessWorker, upstreams: readonly ChaosUpstream[], round: number): void {
  const hosts = upstreams.map(({ port }, id) => hostConfig(id, port));
  const one = round % UPSTREAMS;
  switch (round % 4) {
    case 0:
      worker.worker.updateHosts(0, { cluster: 'c', hosts: hosts.filter((_, id) => id !== one && id !== BAD_ONES) });
      break;
    case 1:
      worker.apply(1);
      break;
    default: {
      const health = new Int32Array(worker.slabs.hostHealth);
      health[(BAD_ONES + round) % UPSTREAMS] ^= HostHealthFlag.failedActiveHc;
      health[HEALTH_GENERATION]++;
      worker.worker.onHealthChanged(0);
    }
  }
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe.each(backendsUnderTest())('chaos on the %s backend', (backend) => {
  const cleanups: (() => void | Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it('answers every request once, and nothing stays', { timeout: SECONDS * 1000 + 30_000 }, async () => {
    const random = seeded(7);
    const upstreams = await Promise.all(Array.from({ length: UPSTREAMS }, () => ChaosUpstream.start()));
    cleanups.push(async () => void (await Promise.all(upstreams.map((upstream) => upstream.stop()))));
    const worker = await InProcessWorker.start({
      backend, upstreamPorts: upstreams.map((upstream) => upstream.port), cluster: { outliers: { splitsLocalOrigin: true, errors: null }, idleTimeoutMs: 200, connectTimeoutMs: 500, defaultThresholds: THRESHOLDS },
      manager: { routeConfig: routeConfig({ virtualHosts: [virtualHost({ routes: ROUTES })] }) },
    });
    cleanups.push(() => worker.close());
    const clients = Array.from({ length: CLIENTS }, () => new ChaosClient(worker.port, random));
    cleanups.push(() => clients.forEach((client) => client.close()));

    let isOver = false;
    const tally = new ChaosTally();
    const traffic = clients.map(async (client, c) => {
      for (let i = 0; !isOver; i++) {
        const policy = CHAOS_POLICIES[Math.floor(random() ** 2 * CHAOS_POLICIES.length)];
        const outcome = await client.request(`${c}-${i}`, `/${policy.name}/`);
        if (outcome !== null) tally.judge(policy, outcome);
      }
    });
    const trouble = (async () => {
      for (let i = 0; !isOver; i++) {
        for (let bad = 0; bad < BAD_ONES; bad++) await upstreams[bad].behave(MISBEHAVIOURS[(i + bad * 3) % MISBEHAVIOURS.length]);
        changeConfig(worker, upstreams, i);
        const enough = tally.answered + ANSWERS_PER_TROUBLE;
        await until(() => isOver || tally.answered >= enough, 'answers go on');
      }
    })();

    const begin = performance.now();
    await until(() => performance.now() - begin >= SECONDS * 500, 'half of the time is over', SECONDS * 1000);
    const heapBefore = heapAfterCollection();
    await until(() => performance.now() - begin >= SECONDS * 1000, 'the time is over', SECONDS * 1000);
    isOver = true;
    // Whoever still waits is answered within the route's timeout: no request is forgotten.
    await Promise.all([...traffic, trouble]);
    expect(heapAfterCollection() - heapBefore).toBeLessThan(GROWTH_LIMIT_BYTES);
    expect(tally.wrong.slice(0, 5)).toEqual([]);
    // Every kind of outcome has been there if there was time for all troubles, and retries are of use.
    const expected = SECONDS >= LONG_SECONDS ? [0, 200, 500, 502, 503, 504] : [200, 503];
    expect(expected.filter((status) => tally.count('plain', status) === 0), tally.toString()).toEqual([]);
    expect(tally.successShare('retry'), tally.toString()).toBeGreaterThan(tally.successShare('plain'));

    for (const client of clients) client.close();
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
    const gauges = [
      'http.ingress.downstream_cx_active', 'http.ingress.downstream_rq_active', 'cluster.c.upstream_cx_active', 'cluster.c.upstream_rq_active',
      'cluster.c.upstream_rq_pending_active',
    ];
    await until(() => gauges.every((gauge) => worker.stat(gauge) === 0), `all gauges are 0: ${gauges.map((gauge) => worker.stat(gauge)).join(' ')}`);
    expect([...new Int32Array(worker.slabs.circuits[0], 0, 2 * CIRCUIT_WORDS)]).toEqual(new Array(2 * CIRCUIT_WORDS).fill(0));
    const hosts = new Float64Array(worker.slabs.hostStats[0]);
    const outliers = new Float64Array(worker.slabs.outliers.counts[0]);
    for (let id = 0; id < UPSTREAMS; id++) {
      expect([hosts[id * HOST_STAT_WORDS + HostStat.cxActive], hosts[id * HOST_STAT_WORDS + HostStat.rqActive]]).toEqual([0, 0]);
    }
    // Hosts that behave are told apart from those that do not.
    const failed = upstreams.map((_, id) => outliers[id * OUTLIER_WORDS + OutlierWord.total] - outliers[id * OUTLIER_WORDS + OutlierWord.success]);
    expect(failed.slice(BAD_ONES)).toEqual(new Array(UPSTREAMS - BAD_ONES).fill(0));
    expect(Math.max(...failed)).toBeGreaterThan(0);
    expect(worker.errors).toEqual([]);
  });
});
