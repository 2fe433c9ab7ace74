/** Outlier detection in a whole process with two workers. */
import { Agent, createServer, request, type RequestListener, type Server } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bootstrap, loadAssignment } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

let proxy: EnvoytsProcess | undefined;
const upstreams: Server[] = [];
const agents: Agent[] = [];
afterEach(async () => {
  await proxy?.dispose();
  for (const agent of agents.splice(0)) agent.destroy();
  for (const upstream of upstreams.splice(0)) {
    upstream.close();
    upstream.closeAllConnections();
  }
});

/** An upstream on a port of the system's choice. */
async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  upstreams.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

async function start(configured: string): Promise<{ envoyts: EnvoytsProcess; address: string }> {
  const envoyts = new EnvoytsProcess('real', configured, ['--concurrency', '2', '--file-flush-interval-msec', '10']);
  proxy = envoyts;
  await envoyts.ready();
  return { envoyts, address: await envoyts.listener('main') };
}

/** One after another on one connection, so that one worker sees them all: their statuses. */
async function askOnOneConnection(address: string, count: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  const [host, port] = address.split(':');
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) {
    statuses.push(await new Promise<number>((resolve, reject) => {
      const asked = request({ agent, host, port: Number(port), path: '/' }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      asked.on('error', reject);
      asked.end();
    }));
  }
  return statuses;
}

const LONG = 'consecutive_5xx: 20, max_ejection_percent: 100, interval: 100s, base_ejection_time: 200s';

function configuration(ports: readonly number[], outliers = LONG, more = ''): string {
  return bootstrap({
    top: `layered_runtime: { layers: [{ name: admin, admin_layer: {} }] }
cluster_manager: { outlier_detection: { event_log_path: "{folder}/events.log" } }`,
    routes: '- { match: { prefix: / }, route: { cluster: c } }',
    clusters: `  - name: c
    common_lb_config: { healthy_panic_threshold: { value: 0 } }
    outlier_detection: { ${outliers} }
    ${more}
    ${loadAssignment('c', ports)}
`,
  });
}

describe('outlier detection', () => {
  it('ejects after failures that any worker saw, on all of them, and says so everywhere', async () => {
    let asked = 0;
    const port = await listen((_request, response) => {
      asked++;
      response.statusCode = 500;
      response.end();
    });
    const { envoyts, address } = await start(configuration([port]));
    // One connection each: the system spreads them over both workers.
    for (let i = 0; i < 20; i++) expect((await ask(address, '/')).status).toBe(500);
    await envoyts.until('the ejection', async () => (await envoyts.stat('cluster.c.outlier_detection.ejections_active')) === 1);
    for (let i = 0; i < 20; i++) expect(await ask(address, '/')).toEqual({ status: 503, body: 'no healthy upstream' });
    expect(asked).toBe(20);
    expect((await envoyts.admin('/clusters')).body).toContain(`c::127.0.0.1:${port}::health_flags::/failed_outlier_check\n`);
    const status = JSON.parse((await envoyts.admin('/clusters?format=json')).body) as { cluster_statuses: { host_statuses: { health_status: object }[] }[] };
    expect(status.cluster_statuses[0].host_statuses[0].health_status).toEqual({ failed_outlier_check: true, eds_health_status: 'HEALTHY' });
    await envoyts.until('the event', () => readFileSync(join(envoyts.folder, 'events.log'), 'utf8') !== '');
    expect(JSON.parse(readFileSync(join(envoyts.folder, 'events.log'), 'utf8'))).toMatchObject({
      type: 'CONSECUTIVE_5XX', cluster_name: 'c', upstream_url: `127.0.0.1:${port}`, action: 'EJECT', num_ejections: 1, enforced: true,
    });
  });

  /** A good upstream and one that can be sick. */
  async function pair(): Promise<{ ports: number[]; sick: { status: number } }> {
    const sick = { status: 500 };
    const good = await listen((_request, response) => response.end('good'));
    const bad = await listen((_request, response) => {
      response.statusCode = sick.status;
      response.end('sick');
    });
    return { ports: [good, bad], sick };
  }

  it('ejects on both workers what one of them sees', async () => {
    const { ports } = await pair();
    const { envoyts, address } = await start(configuration(ports, 'consecutive_5xx: 3, max_ejection_percent: 50, interval: 100s, base_ejection_time: 200s'));
    // Every other one goes to the sick host.
    await askOnOneConnection(address, 6);
    await envoyts.until('the ejection', async () => (await envoyts.stat('cluster.c.outlier_detection.ejections_active')) === 1);
    for (let i = 0; i < 20; i++) expect(await ask(address, '/')).toEqual({ status: 200, body: 'good' });
  });

  it('lets a host back in after its time', async () => {
    const { ports, sick } = await pair();
    const { envoyts, address } = await start(configuration(ports, 'consecutive_5xx: 3, max_ejection_percent: 50, interval: 0.05s, base_ejection_time: 0.3s'));
    await askOnOneConnection(address, 6);
    await envoyts.until('the ejection', async () => (await envoyts.stat('cluster.c.outlier_detection.ejections_enforced_total')) === 1);
    sick.status = 200;
    await envoyts.until('its return', async () => (await envoyts.stat('cluster.c.outlier_detection.ejections_active')) === 0);
    const bodies = new Set<string>();
    while (bodies.size < 2) bodies.add((await ask(address, '/')).body);
    await envoyts.until('both events', () => readFileSync(join(envoyts.folder, 'events.log'), 'utf8').includes('"UNEJECT"'));
  });

  it('takes for errors what the cluster says are errors, and limits that runtime changes', async () => {
    const port = await listen((_request, response) => {
      response.setHeader('x-broken', '1');
      response.end('fine?');
    });
    const options = `typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions,
      explicit_http_config: { http_protocol_options: {} }, outlier_detection: { error_matcher: { http_response_headers_match: { headers: [{ name: x-broken, present_match: true }] } } } } }`;
    const { envoyts, address } = await start(configuration([port], LONG, options));
    for (let i = 0; i < 6; i++) expect((await ask(address, '/')).status).toBe(200);
    expect(await envoyts.stat('cluster.c.outlier_detection.ejections_active')).toBe(0);
    await envoyts.admin('/runtime_modify?outlier_detection.consecutive_5xx=7', 'POST');
    expect((await ask(address, '/')).status).toBe(200);
    await envoyts.until('the ejection', async () => (await envoyts.stat('cluster.c.outlier_detection.ejections_active')) === 1);
    expect(await ask(address, '/')).toEqual({ status: 503, body: 'no healthy upstream' });
  });

  it.each([[true, 0], [false, 1]])('lets a host back in when its health check passes, where that is wanted: %s', async (wanted, left) => {
    const port = await listen((asked, response) => {
      response.statusCode = asked.url === '/hc' ? 200 : 500;
      response.end();
    });
    const check = 'health_checks: [{ timeout: 5s, interval: 0.02s, no_traffic_interval: 0.02s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: { path: /hc } }]';
    const { envoyts, address } = await start(configuration([port], `${LONG}, successful_active_health_check_uneject_host: ${wanted}`.replace('consecutive_5xx: 20', 'consecutive_5xx: 2'), check));
    for (let i = 0; i < 2; i++) expect((await ask(address, '/')).status).toBe(500);
    await envoyts.until('the ejection', async () => (await envoyts.stat('cluster.c.outlier_detection.ejections_enforced_total')) === 1);
    const checks = (await envoyts.stat('cluster.c.health_check.success')) ?? 0;
    await envoyts.until('two further checks', async () => ((await envoyts.stat('cluster.c.health_check.success')) ?? 0) >= checks + 2);
    expect(await envoyts.stat('cluster.c.outlier_detection.ejections_active')).toBe(left);
  });

  it('finds the host whose success rate is unlike the others', async () => {
    const good = await Promise.all(Array.from({ length: 4 }, () => listen((_request, response) => response.end())));
    let count = 0;
    const sick = await listen((_request, response) => {
      // Never twice in a row.
      response.statusCode = count++ % 2 === 0 ? 500 : 200;
      response.end();
    });
    const { envoyts, address } = await start(configuration([...good, sick], 'consecutive_5xx: 0, interval: 2s, base_ejection_time: 200s, max_ejection_percent: 50, success_rate_request_volume: 10, success_rate_stdev_factor: 1500'));
    await envoyts.until('the ejection', async () => {
      await askOnOneConnection(address, 50);
      return (await envoyts.stat('cluster.c.outlier_detection.ejections_enforced_success_rate')) === 1;
    });
    const lines = (await envoyts.admin('/clusters')).body.split('\n').filter((line) => line.includes('failed_outlier_check'));
    expect(lines).toEqual([`c::127.0.0.1:${sick}::health_flags::/failed_outlier_check`]);
  });
});
