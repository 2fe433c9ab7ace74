/** An upstream process is killed in the middle of the load: where the policy retries, no client notices. */
import { Agent, request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../native/index.ts';
import { until } from '../support/io_driver.ts';
import { bootstrap, loadAssignment } from './support/bootstraps.ts';
import { EnvoytsProcess } from './support/envoyts_process.ts';
import { UpstreamProcess } from './support/upstream_process.ts';

const BACKENDS = [...(nativeAvailable() ? (['ring'] as const) : []), 'portable' as const];
const TYPES = 'type.googleapis.com/envoy.extensions';
const CLIENTS = 20;
const REQUESTS_BEFORE_AND_AFTER = 400;

function configuration(ports: readonly number[]): string {
  return bootstrap({
    routes: `- match: { prefix: / }
  route:
    cluster: c
    retry_policy: { retry_on: "reset,connect-failure", num_retries: 3, host_selection_retry_max_attempts: 5, retry_back_off: { base_interval: 0.001s },
      retry_host_predicate: [{ name: envoy.retry_host_predicates.previous_hosts, typed_config: { "@type": ${TYPES}.retry.host.previous_hosts.v3.PreviousHostsPredicate } }] }`,
    clusters: `  - name: c
    circuit_breakers: { thresholds: [{ max_retries: 1000 }] }
    ${loadAssignment('c', ports)}
`,
  });
}

/** One request on a kept connection: what is wrong with its answer; '' = nothing. */
function ask(agent: Agent, address: string, id: string): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const asked = request({ agent, host, port: Number(port), path: '/', headers: { 'x-id': id } }, (response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => {
        body += bytes.toString();
      });
      response.on('error', (error) => resolve(error.message));
      response.on('end', () => resolve(response.statusCode === 200 && body === id ? '' : `${response.statusCode} ${body}`));
    });
    asked.on('error', (error) => resolve(error.message));
    asked.end();
  });
}

describe.each(BACKENDS)('a killed upstream on the %s backend', (backend) => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it('costs no request where the policy retries', async () => {
    const upstreams = await Promise.all(Array.from({ length: 3 }, () => UpstreamProcess.start()));
    cleanups.push(() => Promise.all(upstreams.map((upstream) => upstream.kill())));
    const envoyts = new EnvoytsProcess('real', configuration(upstreams.map(({ port }) => port)), ['--concurrency', '2', '--io', backend]);
    cleanups.push(() => envoyts.dispose());
    await envoyts.ready();
    const address = await envoyts.listener('main');
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    cleanups.push(() => agent.destroy());

    const failures: string[] = [];
    let answered = 0;
    let isOver = false;
    const load = Array.from({ length: CLIENTS }, async (_, c) => {
      for (let i = 0; !isOver; i++) {
        const failure = await ask(agent, address, `${c}-${i}`);
        if (failure !== '') failures.push(failure);
        answered++;
      }
    });
    await until(() => answered >= REQUESTS_BEFORE_AND_AFTER, 'the load is on');
    await upstreams[0].kill();
    const then = answered;
    await until(() => answered >= then + REQUESTS_BEFORE_AND_AFTER, 'the load goes on');
    isOver = true;
    await Promise.all(load);

    expect(failures).toEqual([]);
    // It was in use: requests were sent again.
    expect(await envoyts.stat('cluster.c.upstream_rq_retry')).toBeGreaterThan(0);
    expect(await envoyts.stat('cluster.c.upstream_cx_connect_fail')).toBeGreaterThan(0);
    agent.destroy();
    await envoyts.until('nothing to be under way', async () => (await envoyts.stat('cluster.c.upstream_rq_active')) === 0 && (await envoyts.stat('cluster.c.upstream_rq_pending_active')) === 0);
  });
});
