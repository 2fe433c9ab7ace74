/** Weights by load in a whole process: what one worker hears, all go by, and the admin interface shows. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { bootstrap } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

let proxy: EnvoytsProcess | undefined;
const servers: Server[] = [];
afterEach(async () => {
  await proxy?.dispose();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const configuration = (ports: readonly number[]): string => bootstrap({
  routes: '- { match: { prefix: / }, route: { cluster: c } }',
  clusters: `  - name: c
    type: STATIC
    load_balancing_policy:
      policies:
      - typed_extension_config:
          name: loads
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin
            blackout_period: 0s
            weight_update_period: 0.05s
    load_assignment:
      cluster_name: c
      endpoints:
      - lb_endpoints: [${ports.map((port) => `{ load_balancing_weight: 3, endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }`).join(', ')}]
`,
});

it('follow reports on all workers', async () => {
  const requests = [0, 0];
  const ports: number[] = [];
  for (const [i, utilization] of ['1', '0.0000001'].entries()) {
    const server = createServer((_request, response) => {
      requests[i]++;
      response.setHeader('endpoint-load-metrics', `TEXT rps_fractional=100,cpu_utilization=${utilization}`);
      response.end('ok');
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  const envoyts = new EnvoytsProcess('real', configuration(ports), ['--concurrency', '3']);
  proxy = envoyts;
  await envoyts.ready();
  const address = await envoyts.listener('main');
  const weights = async (): Promise<string> => {
    const { body } = await envoyts.admin('/clusters');
    return ports.map((port) => new RegExp(`^c::127\\.0\\.0\\.1:${port}::weight::(\\d+)$`, 'm').exec(body)?.[1]).join();
  };
  await envoyts.until('weights do not come from the configuration', async () => (await weights()) === '1,1');
  // Each request has a connection of its own, which any worker may get, and workers take turns of their own.
  for (let i = 0; requests[0] === 0 || requests[1] === 0; i++) {
    expect(i).toBeLessThan(200);
    await ask(address, '/');
  }
  await envoyts.until('weights follow the reports', async () => (await weights()) === '100,1000000000');
  await envoyts.until('all workers go by them', async () => {
    requests.fill(0);
    for (let i = 0; i < 30; i++) await ask(address, '/');
    return requests.join() === '0,30';
  });
});
