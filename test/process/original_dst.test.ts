/** Hosts that requests name, in a whole process with two workers. */
import { createServer, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { bootstrap } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

let proxy: EnvoytsProcess | undefined;
let upstream: Server | undefined;
afterEach(async () => {
  await proxy?.dispose();
  upstream?.close();
});

const CONFIGURATION = bootstrap({
  routes: '- { match: { prefix: / }, route: { cluster: c } }',
  clusters: `  - name: c
    type: ORIGINAL_DST
    lb_policy: CLUSTER_PROVIDED
    cleanup_interval: 0.2s
    original_dst_lb_config: { use_http_header: true }
    common_http_protocol_options: { idle_timeout: 0.1s }
`,
});

it('takes requests where they say, shows the hosts to everybody, and forgets them when nobody uses them', async () => {
  const server = createServer((_request, response) => response.end('here'));
  upstream = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const envoyts = new EnvoytsProcess('real', CONFIGURATION, ['--concurrency', '2']);
  proxy = envoyts;
  await envoyts.ready();
  const address = await envoyts.listener('main');
  expect(await ask(address, '/')).toEqual({ status: 503, body: 'no healthy upstream' });
  // One connection each: the system spreads them over both workers.
  for (let i = 0; i < 20; i++) expect(await ask(address, '/', 'GET', { 'x-envoy-original-dst-host': `127.0.0.1:${port}` })).toEqual({ status: 200, body: 'here' });
  await envoyts.until('the host', async () => (await envoyts.admin('/clusters')).body.includes(`c::127.0.0.1:${port}::rq_total::20\n`));
  expect((await envoyts.admin('/clusters')).body).toContain(`c::127.0.0.1:${port}::hostname::c127.0.0.1:${port}\n`);
  expect(await envoyts.stat('cluster.c.upstream_rq_200')).toBe(20);
  await envoyts.until('its end', async () => (await envoyts.stat('cluster.c.membership_total')) === 0);
  expect((await ask(address, '/', 'GET', { 'x-envoy-original-dst-host': `127.0.0.1:${port}` })).status).toBe(200);
});
