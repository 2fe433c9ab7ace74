/** Weights by load: what hosts report in responses decides how many requests they get, through the pools and timers of a real worker. */
import { afterEach, describe, expect, it } from 'vitest';
import { register as registerClientSide } from '../../extensions/load_balancing_policies/client_side_weighted_round_robin/config.ts';
import { register as registerRoundRobin } from '../../extensions/load_balancing_policies/round_robin/config.ts';
import { HOST_LOAD_WORDS, HostLoad } from '../../core/shared_memory/layout.ts';
import { CLIENT_SIDE_TYPE } from '../../core/upstream/load_reports/load_weights_config.ts';
import { ask } from '../process/support/envoyts_process.ts';
import { NO_RETRIES, RetryOn } from '../../core/route/retry_policy.ts';
import { clusterConfig, hostConfig, type InProcessOptions, InProcessWorker } from '../support/in_process_worker.ts';
import { backendsUnderTest, until } from '../support/io_driver.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../support/route_config.ts';
import { answerEach, TestUpstream } from '../support/test_upstream.ts';

const LOADS = { metrics: [], errorPenalty: 0, blackoutMs: 0, expirationMs: 60_000, updateMs: 10 };
const REPORT = { header: 'endpoint-load-metrics: TEXT rps_fractional=1000,cpu_utilization=', binary: 'endpoint-load-metrics-bin: ' };

describe.each(backendsUnderTest())('weights by load on the %s backend', (backend) => {
  let worker: InProcessWorker | undefined;
  const upstreams: TestUpstream[] = [];
  afterEach(() => {
    worker?.close();
    for (const upstream of upstreams.splice(0)) upstream.close();
  });

  /** Hosts that answer so. */
  async function start(answers: readonly (string | (() => string))[], manager: InProcessOptions['manager'] = {}): Promise<{ ask: (count: number) => Promise<number[]>; weights: () => number[] }> {
    const requests = answers.map(() => 0);
    for (const [i, answer] of answers.entries()) {
      upstreams.push(await TestUpstream.start(answerEach(() => {
        requests[i]++;
        return typeof answer === 'string' ? answer : answer();
      })));
    }
    const started = await InProcessWorker.start({
      backend, upstreamPorts: upstreams.map(({ port }) => port), manager,
      register: (registry) => {
        registerRoundRobin(registry);
        registerClientSide(registry);
      },
      cluster: {
        lbPolicy: { name: 'cs', typeName: CLIENT_SIDE_TYPE, config: { loads: LOADS } }, loadWeights: LOADS,
        http1: { ...clusterConfig().http1, enableTrailers: true },
      },
    });
    worker = started;
    const words = new Float64Array(started.slabs.hostLoads[0]);
    return {
      weights: () => Array.from(words.subarray(0, (answers.length + 1) * HOST_LOAD_WORDS)).filter((_, i) => i % HOST_LOAD_WORDS === HostLoad.applied),
      ask: async (count) => {
        requests.fill(0);
        for (let i = 0; i < count; i++) await ask(`127.0.0.1:${started.port}`, '/');
        return [...requests];
      },
    };
  }

  const answer = (lines: string): string => `HTTP/1.1 200 OK\r\n${lines}content-length: 2\r\n\r\nok`;
  const busy = (utilization: number): string => answer(`${REPORT.header}${utilization}\r\n`);

  it('sends requests where there is room', async () => {
    const { ask, weights } = await start([busy(1), busy(0.1)]);
    await until(() => weights().join() === '1,1,0', 'weights are calculated before anybody reports');
    expect(await ask(2)).toEqual([1, 1]);
    await until(() => weights().join() === '1000,10000,0', 'weights follow the reports');
    const [few, many] = await ask(110);
    expect(few).toBeGreaterThanOrEqual(9);
    expect(few).toBeLessThanOrEqual(11);
    expect(many).toBe(110 - few);
  });

  it('gives hosts that do not report, or nonsense, the median of the others; a new host too', async () => {
    const { ask, weights } = await start([busy(1), answer('endpoint-load-metrics: nonsense\r\n'), answer('')]);
    await ask(3);
    await until(() => weights().join() === '1000,1000,1000,0', 'all have the weight of the only one');
    worker?.worker.updateHosts(0, { cluster: 'c', hosts: [...upstreams, upstreams[0]].map(({ port }, id) => hostConfig(id, port)) });
    expect(weights()).toEqual([1000, 1000, 1000, 1000]);
  });

  it('reads reports in trailers', async () => {
    const { ask, weights } = await start([`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${REPORT.header}0.5\r\n\r\n`]);
    await ask(1);
    await until(() => weights()[0] === 2000, 'the weight follows the report');
  });

  it('one report of a request counts, however often it is tried', async () => {
    let tries = 0;
    const failsOnce = (): string => (tries++ === 0 ? busy(0.5).replace('200 OK', '503 Service Unavailable') : busy(0.1));
    const route = routeEntry({ action: routeAction({ retries: { ...NO_RETRIES, retryOn: RetryOn.fiveXx, numRetries: 1, backOffBaseMs: 1 } }) });
    const { ask, weights } = await start([failsOnce], { routeConfig: routeConfig({ virtualHosts: [virtualHost({ routes: [route] })] }) });
    expect(await ask(1)).toEqual([2]);
    await until(() => weights()[0] === 2000, 'the weight follows the first report');
    await ask(1);
    await until(() => weights()[0] === 10_000, 'the next request has its own');
  });

  it('ends with its cluster', async () => {
    const { ask, weights } = await start([busy(0.5)]);
    await ask(1);
    await until(() => weights()[0] === 2000, 'the weight follows the report');
    worker?.apply(1, { cluster: { name: 'c' } });
    expect((await ask(1))[0]).toBe(1);
  });
});
