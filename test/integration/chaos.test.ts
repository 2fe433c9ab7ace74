/**
 * Mixed traffic over twenty upstreams of which a third misbehaves, each in a way that changes all the time. CHAOS_SECONDS says for
 * how long (default 5).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { CIRCUIT_WORDS, HOST_STAT_WORDS, HostStat, OUTLIER_WORDS, OutlierWord } from '../../core/shared_memory/layout.ts';
import { ChaosClient, type ChaosOutcome } from '../support/chaos_client.ts';
import { ChaosUpstream, MISBEHAVIOURS } from '../support/chaos_upstream.ts';
import { NO_RETRIES, RetryOn } from '../../core/route/retry_policy.ts';
import { DEFAULT_THRESHOLDS } from '../../core/upstream/cluster_config.ts';
import { backendsUnderTest, until } from '../support/io_driver.ts';
import { InProcessWorker } from '../support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../support/route_config.ts';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 5);
const UPSTREAMS = 20;
const BAD_ONES = 7;
const CLIENTS = 40;
/** How many answers come before the upstreams misbehave in other ways. */
const ANSWERS_PER_TROUBLE = 60;
/** Of garbage collected heap, between the middle and the end of the run. */
const GROWTH_LIMIT_BYTES = 8 << 20;

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

  it.each<[string, Parameters<typeof routeAction>[0], readonly number[]]>([
    ['without retries', {}, [0, 200, 500, 502, 503, 504]],
    // Most requests are answered well then: which of the others there are is a matter of chance.
    ['with retries and hedging', { perTryTimeoutMs: 50, hedgesOnPerTryTimeout: true, retries: { ...NO_RETRIES, retryOn: RetryOn.fiveXx, numRetries: 3, backOffBaseMs: 5 } }, [200]],
  ])('answers every request once, and nothing stays: %s', { timeout: SECONDS * 1000 + 30_000 }, async (_, action, seen) => {
    const isHedged = action?.hedgesOnPerTryTimeout === true;
    const random = seeded(7);
    const upstreams = await Promise.all(Array.from({ length: UPSTREAMS }, () => ChaosUpstream.start()));
    cleanups.push(async () => void (await Promise.all(upstreams.map((upstream) => upstream.stop()))));
    const worker = await InProcessWorker.start({
      backend, upstreamPorts: upstreams.map((upstream) => upstream.port), cluster: { outliers: { splitsLocalOrigin: true }, idleTimeoutMs: 200, connectTimeoutMs: 500, defaultThresholds: { ...DEFAULT_THRESHOLDS, maxRetries: 100 } },
      manager: { routeConfig: routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ action: routeAction({ timeoutMs: 400, ...action }) })] })] }) },
    });
    cleanups.push(() => worker.close());
    const clients = Array.from({ length: CLIENTS }, () => new ChaosClient(worker.port, random));
    cleanups.push(() => clients.forEach((client) => client.close()));

    let isOver = false;
    let answered = 0;
    const outcomes = new Map<number, number>();
    const wrong: ChaosOutcome[] = [];
    const judge = (outcome: ChaosOutcome) => {
      answered++;
      outcomes.set(outcome.status, (outcomes.get(outcome.status) ?? 0) + 1);
      const isWrong = outcome.excess !== '' || ![0, 200, 500, 502, 503, 504].includes(outcome.status)
        || (outcome.status === 200 && outcome.body !== '' && outcome.body !== outcome.id);
      if (isWrong) wrong.push(outcome);
    };
    const traffic = clients.map(async (client, c) => {
      for (let i = 0; !isOver; i++) {
        const outcome = await client.request(`${c}-${i}`);
        if (outcome !== null) judge(outcome);
      }
    });
    const trouble = (async () => {
      for (let i = 0; !isOver; i++) {
        for (let bad = 0; bad < BAD_ONES; bad++) await upstreams[bad].behave(MISBEHAVIOURS[(i + bad * 3) % MISBEHAVIOURS.length]);
        const enough = answered + ANSWERS_PER_TROUBLE;
        await until(() => isOver || answered >= enough, 'answers go on');
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
    expect(wrong.slice(0, 5)).toEqual([]);
    // Every kind of outcome has been there.
    expect(seen.filter((status) => (outcomes.get(status) ?? 0) === 0)).toEqual([]);

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
      // A try that is slow once counts, hedged or not: on a busy machine any host's may be.
      if (isHedged) continue;
      // Hosts that behave are told apart from those that do not.
      const failed = outliers[id * OUTLIER_WORDS + OutlierWord.total] - outliers[id * OUTLIER_WORDS + OutlierWord.success];
      expect(failed > 0).toBe(id < BAD_ONES);
    }
    if (isHedged) expect(worker.stat('cluster.c.upstream_rq_retry')).toBeGreaterThan(0);
    expect(worker.errors).toEqual([]);
  });
});
