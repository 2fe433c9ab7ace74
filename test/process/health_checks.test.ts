/** Active health checks of a whole process: upstreams that change state, what clients get and what the admin interface shows. */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../native/index.ts';
import { bootstrap } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

const BACKENDS = [...(nativeAvailable() ? (['ring'] as const) : []), 'portable' as const];
const open: { dispose(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.dispose();
});

function listen(server: Server | TcpServer | Http2Server): Promise<number> {
  open.push({ dispose: () => new Promise((resolve) => {
    server.close(() => resolve());
    if ('closeAllConnections' in server) server.closeAllConnections();
  }) });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

/** Answers checks (/hc) as told and everything else with its name. */
class Upstream {
  status = 200;
  headers: Record<string, string> = {};
  body = '';
  /** Of everything but checks. */
  trafficHeaders: Record<string, string> = {};
  lastCheck: IncomingMessage | undefined;
  checks = 0;
  port = 0;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  async start(): Promise<this> {
    this.port = await listen(createHttpServer((request, response) => {
      if (request.url !== '/hc') {
        response.writeHead(200, this.trafficHeaders);
        response.end(this.name);
        return;
      }
      this.lastCheck = request;
      this.checks++;
      response.writeHead(this.status, this.headers);
      response.end(this.body);
    }));
    return this;
  }
}

const CHECK = 'timeout: 5s, interval: 0.02s, no_traffic_interval: 0.02s, unhealthy_threshold: 2, healthy_threshold: 2';

function cluster(ports: readonly number[], check: string, more = ''): string {
  const endpoints = ports.map((port) => `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }`).join(', ');
  return `  - name: c
    health_checks: [{ ${check} }]
    ${more}
    load_assignment: { cluster_name: c, endpoints: [{ lb_endpoints: [${endpoints}] }] }
`;
}

async function start(backend: string, clusters: string): Promise<{ envoyts: EnvoytsProcess; address: string; flags: () => Promise<string[]> }> {
  const text = bootstrap({ clusters, routes: '- { match: { prefix: / }, route: { cluster: c } }' });
  const envoyts = new EnvoytsProcess('real', text, ['--concurrency', '2', '--io', backend]);
  open.push(envoyts);
  await envoyts.ready();
  const flags = async () => [...(await envoyts.admin('/clusters')).body.matchAll(/::health_flags::(.*)/g)].map((match) => match[1]);
  return { envoyts, address: await envoyts.listener('main'), flags };
}

describe.each(BACKENDS)('health checks on the %s backend', (backend) => {
  it('take hosts out and back in, on every worker', async () => {
    const [a, b] = [await new Upstream('a').start(), await new Upstream('b').start()];
    b.status = 503;
    const { envoyts, address, flags } = await start(backend, cluster([a.port, b.port], `${CHECK}, http_health_check: { path: /hc }`));
    expect(await flags()).toEqual(['healthy', '/failed_active_hc']);
    expect(await envoyts.stat('cluster.c.membership_healthy')).toBe(1);
    for (let i = 0; i < 12; i++) expect((await ask(address, '/')).body).toBe('a');
    expect([a.lastCheck?.headers.host, a.lastCheck?.headers['user-agent']]).toEqual(['c', 'Envoy/HC']);

    b.status = 200;
    await envoyts.until('b to be healthy', async () => (await envoyts.stat('cluster.c.health_check.healthy')) === 2);
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) seen.add((await ask(address, '/')).body);
    expect([...seen].sort()).toEqual(['a', 'b']);

    a.status = 404;
    b.status = 500;
    await envoyts.until('both to fail', async () => (await envoyts.stat('cluster.c.membership_healthy')) === 0);
    const json = JSON.parse((await envoyts.admin('/clusters?format=json')).body) as { cluster_statuses: { host_statuses: { health_status: object }[] }[] };
    expect(json.cluster_statuses[0].host_statuses.map((host) => host.health_status)).toEqual([
      { failed_active_health_check: true, eds_health_status: 'HEALTHY' }, { failed_active_health_check: true, eds_health_status: 'HEALTHY' },
    ]);
    expect(await envoyts.stat('cluster.c.health_check.network_failure')).toBe(0);

    a.status = 200;
    a.headers = { 'x-envoy-degraded': '1' };
    await envoyts.until('a to be degraded', async () => (await flags())[0] === '/degraded_active_hc');
    expect(await envoyts.stat('cluster.c.membership_degraded')).toBe(1);
    b.headers = { 'x-envoy-immediate-health-check-fail': 'true' };
    await envoyts.until('b to be left out', async () => (await flags())[1] === '/failed_active_hc/excluded_via_immediate_hc_fail');
  });

  it('are not waited for when a host says in traffic to leave it out', async () => {
    const [a, b] = [await new Upstream('a').start(), await new Upstream('b').start()];
    // Checks are long after: what happens comes of traffic.
    const check = 'timeout: 5s, interval: 1000s, no_traffic_interval: 1000s, unhealthy_threshold: 2, healthy_threshold: 2, event_log_path: "{folder}/events"';
    const { envoyts, address, flags } = await start(backend, cluster([a.port, b.port], `${check}, http_health_check: { path: /hc }`, 'close_connections_on_host_health_failure: true'));
    b.trafficHeaders = { 'x-envoy-immediate-health-check-fail': 'true' };
    const bodies: string[] = [];
    while (!bodies.includes('b')) bodies.push((await ask(address, '/')).body);
    await envoyts.until('b to be left out', async () => (await flags())[1] === '/failed_active_hc/excluded_via_immediate_hc_fail');
    for (let i = 0; i < 12; i++) expect((await ask(address, '/')).body).toBe('a');
    const stats = await Promise.all(['health_check.passive_failure', 'health_check.failure', 'health_check.network_failure', 'health_check.healthy', 'membership_healthy', 'membership_excluded'].map((name) => envoyts.stat(`cluster.c.${name}`)));
    expect(stats).toEqual([1, 1, 0, 1, 1, 1]);
    envoyts.signal('SIGTERM');
    await envoyts.exit();
    expect(readFileSync(join(envoyts.folder, 'events'), 'utf8')).toContain('"eject_unhealthy_event":{"failure_type":"PASSIVE"');
  });

  it('drain the connections to a host that fails', async () => {
    const a = await new Upstream('a').start();
    const { envoyts, address } = await start(backend, cluster([a.port], `${CHECK}, http_health_check: { path: /hc }`));
    await Promise.all([ask(address, '/'), ask(address, '/')]);
    expect(await envoyts.stat('cluster.c.upstream_cx_active')).toBeGreaterThan(0);
    a.status = 500;
    await envoyts.until('a to fail', async () => (await envoyts.stat('cluster.c.membership_healthy')) === 0);
    await envoyts.until('the idle connections to be closed', async () => (await envoyts.stat('cluster.c.upstream_cx_active')) === 0);
    // Panic sends requests there all the same, on connections that are new.
    expect((await ask(address, '/')).status).toBe(200);
  });
});

describe('a process with health checks', () => {
  it('asks over gRPC and HTTP/2 while traffic stays with HTTP/1', async () => {
    let status = 1;
    const checks = createHttp2Server();
    checks.on('session', (session) => {
      session.on('error', () => {});
      open.push({ dispose: () => Promise.resolve(session.destroy()) });
    });
    checks.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => {});
      if (headers[':path'] === '/hc') {
        stream.respond({ ':status': status === 1 ? 200 : 500 }, { endStream: true });
        return;
      }
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
    });
    const port = await listen(checks);
    const traffic = await new Upstream('traffic').start();
    const both = (name: string, check: string) => `  - name: ${name}
    health_checks: [{ ${CHECK}, ${check} }]
    typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} } } }
    load_assignment: { cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: { health_check_config: { port_value: ${port} }, address: { socket_address: { address: 127.0.0.1, port_value: ${traffic.port} } } } }] }] }
`;
    const { envoyts, address, flags } = await start('portable', both('c', 'grpc_health_check: { service_name: shop }') + both('d', 'http_health_check: { path: /hc, codec_client_type: HTTP2 }'));
    expect([await flags(), (await ask(address, '/')).body]).toEqual([['healthy', 'healthy'], 'traffic']);
    status = 2;
    await envoyts.until('both to fail', async () => (await flags()).every((each) => each === '/failed_active_hc'));
    expect([await envoyts.stat('cluster.c.health_check.network_failure'), await envoyts.stat('cluster.d.health_check.network_failure')]).toEqual([0, 0]);
    status = 1;
    await envoyts.until('both to be back', async () => (await flags()).every((each) => each === 'healthy'));
  });

  it('looks at bodies, service names and statuses', async () => {
    const a = await new Upstream('a').start();
    Object.assign(a, { status: 204, headers: { 'x-envoy-upstream-healthchecked-cluster': 'service-1' } });
    const { envoyts, flags } = await start('portable', cluster([a.port],
      `${CHECK}, http_health_check: { path: /hc, host: own, expected_statuses: [{ start: 200, end: 205 }], service_name_matcher: { prefix: service } }`));
    expect(await flags()).toEqual(['healthy']);
    expect(a.lastCheck?.headers.host).toBe('own');
    expect(await envoyts.stat('cluster.c.health_check.verify_cluster')).toBeGreaterThan(0);
    a.headers = { 'x-envoy-upstream-healthchecked-cluster': 'other' };
    await envoyts.until('the name to be noticed', async () => (await flags())[0] === '/failed_active_hc');
  });

  it('matches bodies in order', async () => {
    const a = await new Upstream('a').start();
    a.body = 'x one y two z';
    const hex = (text: string) => `{ text: "${Buffer.from(text).toString('hex')}" }`;
    const { envoyts, flags } = await start('portable', cluster([a.port], `${CHECK}, http_health_check: { path: /hc, method: POST, send: ${hex('q')}, receive: [${hex('one')}, ${hex('two')}] }`));
    expect(await flags()).toEqual(['healthy']);
    a.body = 'two one';
    await envoyts.until('the body to be noticed', async () => (await flags())[0] === '/failed_active_hc');
  });

  it('asks over TCP, and waits for an answer no longer than the timeout', async () => {
    let answers = 'PONG';
    const port = await listen(createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data: Buffer) => {
        if (answers !== '' && data.toString() === 'PING') socket.write(`.${answers}.`);
      });
    }));
    const { envoyts, flags } = await start('portable', cluster([port],
      'timeout: 0.05s, interval: 0.02s, no_traffic_interval: 0.02s, unhealthy_threshold: 2, healthy_threshold: 2, tcp_health_check: { send: { text: "50494e47" }, receive: [{ binary: UE8= }, { text: "4e47" }] }'));
    expect(await flags()).toEqual(['healthy']);
    answers = '';
    await envoyts.until('timeouts', async () => (await flags())[0] === '/failed_active_hc/active_hc_timeout');
    answers = 'PONG';
    await envoyts.until('recovery', async () => (await flags())[0] === 'healthy');
    expect(await envoyts.stat('cluster.c.health_check.network_failure')).toBeGreaterThan(1);
  });

  it('is live when every host was checked, whatever came of it, and writes events', async () => {
    const a = await new Upstream('a').start();
    const check = `${CHECK}, always_log_health_check_success: true, event_log_path: "{folder}/one", event_logger: [{ name: f, typed_config: { "@type": type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink, event_log_path: "{folder}/two" } }], tcp_health_check: {}`;
    const { envoyts, flags } = await start('portable', cluster([a.port, 1], check));
    expect(await flags()).toEqual(['healthy', '/failed_active_hc']);
    envoyts.signal('SIGTERM');
    await envoyts.exit();
    const lines = readFileSync(join(envoyts.folder, 'one'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find((line) => 'add_healthy_event' in line)).toMatchObject({
      health_checker_type: 'TCP', cluster_name: 'c', add_healthy_event: { first_check: true }, host: { socket_address: { protocol: 'TCP', address: '127.0.0.1', port_value: a.port } },
    });
    expect(lines.find((line) => 'health_check_failure_event' in line)).toMatchObject({ health_check_failure_event: { failure_type: 'NETWORK', first_check: true } });
    expect(readFileSync(join(envoyts.folder, 'two'), 'utf8')).toBe(readFileSync(join(envoyts.folder, 'one'), 'utf8'));
  });
});

describe('the health_check filter of a process with two workers', () => {
  const FILTER = '{ name: health_check, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck, ';

  /** A process whose filter answers /hc. */
  async function behind(upstream: Upstream, filter: string, check: string): Promise<{ envoyts: EnvoytsProcess; address: string }> {
    const text = bootstrap({
      routes: '- { match: { prefix: / }, route: { cluster: c } }',
      filters: `- ${FILTER}${filter}, headers: [{ name: ":path", string_match: { exact: /hc } }] } }`,
      clusters: cluster([upstream.port], check),
    });
    const envoyts = new EnvoytsProcess('real', text, ['--concurrency', '2']);
    open.push(envoyts);
    await envoyts.ready();
    return { envoyts, address: await envoyts.listener('main') };
  }

  it('has one cache for both', async () => {
    const a = await new Upstream('a').start();
    // Checks of its own only at the start; the cache holds for weeks.
    const { envoyts, address } = await behind(a, 'pass_through_mode: true, cache_time: 1000000s', 'timeout: 5s, interval: 1000s, no_traffic_interval: 1000s, unhealthy_threshold: 2, healthy_threshold: 2, tcp_health_check: {}');
    // One connection each: the system spreads them over both workers.
    for (let i = 0; i < 20; i++) expect((await ask(address, '/hc')).status).toBe(200);
    expect(a.checks).toBe(1);
    await envoyts.until('all to be counted', async () => (await envoyts.stat('http.main.health_check.cached_response')) === 19);
  });

  it('follows the health of clusters', async () => {
    const a = await new Upstream('a').start();
    const { envoyts, address } = await behind(a, 'pass_through_mode: false, cluster_min_healthy_percentages: { c: { value: 100 } }', `${CHECK}, http_health_check: { path: /hc }`);
    for (let i = 0; i < 6; i++) expect((await ask(address, '/hc')).status).toBe(200);
    a.status = 500;
    await envoyts.until('a to fail', async () => (await envoyts.stat('cluster.c.membership_healthy')) === 0);
    for (let i = 0; i < 6; i++) expect((await ask(address, '/hc')).status).toBe(503);
    expect(await envoyts.stat('http.main.health_check.failed_cluster_unhealthy')).toBe(6);
    a.status = 200;
    await envoyts.until('a to be back', async () => (await envoyts.stat('cluster.c.membership_healthy')) === 1);
    expect((await ask(address, '/hc')).status).toBe(200);
  });
});
