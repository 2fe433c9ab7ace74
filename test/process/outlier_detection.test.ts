/** Outlier detection in a whole process with two workers. */
import { createServer, type Server } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

let proxy: EnvoytsProcess | undefined;
let upstream: Server | undefined;
afterEach(async () => {
  await proxy?.dispose();
  upstream?.close();
});

function configuration(port: number): string {
  return `
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
cluster_manager: { outlier_detection: { event_log_path: "{folder}/events.log" } }
static_resources:
  listeners:
  - name: main
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          http_filters: [{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
          route_config: { virtual_hosts: [{ name: v, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: c } }] }] }
  clusters:
  - name: c
    common_lb_config: { healthy_panic_threshold: { value: 0 } }
    outlier_detection: { consecutive_5xx: 20, max_ejection_percent: 100, interval: 100s, base_ejection_time: 200s }
    load_assignment: { cluster_name: c, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] }
`;
}

describe('outlier detection', () => {
  it('ejects after failures that any worker saw, on all of them, and says so everywhere', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.statusCode = 500;
      response.end();
    });
    upstream = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const envoyts = new EnvoytsProcess('real', configuration(port), ['--concurrency', '2', '--file-flush-interval-msec', '10']);
    proxy = envoyts;
    await envoyts.ready();
    const address = await envoyts.listener('main');
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
});
