/** What main makes of the counts that all workers share, in a whole process with two workers. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { bootstrap } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

let proxy: EnvoytsProcess | undefined;
let upstream: Server | undefined;
afterEach(async () => {
  await proxy?.dispose();
  upstream?.closeAllConnections();
  upstream?.close();
});

const configuration = (port: number): string => bootstrap({
  routes: '- { match: { prefix: / }, route: { cluster: c } }',
  clusters: `  - name: c
    type: STATIC
    track_cluster_stats: { per_endpoint_stats: true }
    circuit_breakers: { thresholds: [{ max_requests: 6, max_connections: 9, track_remaining: true }] }
    load_assignment: { cluster_name: c, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] }
`,
});

it('shows hosts and limits as all workers together use them', async () => {
  const held: ServerResponse[] = [];
  const server = createServer((_request, response) => held.push(response));
  upstream = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const envoyts = new EnvoytsProcess('real', configuration(port), ['--concurrency', '2']);
  proxy = envoyts;
  await envoyts.ready();
  const address = await envoyts.listener('main');
  const has = async (...stats: string[]): Promise<boolean> => {
    const { body } = await envoyts.admin('/stats');
    return stats.every((stat) => body.includes(`cluster.c.${stat}\n`));
  };
  const breaker = 'circuit_breakers.default';
  const endpoint = `endpoint.127.0.0.1_${port}`;
  expect(await has(`${breaker}.rq_open: 0`, `${breaker}.remaining_cx: 9`, `${breaker}.remaining_cx_pools: 18446744073709551615`, `${endpoint}.rq_total: 0`, `${endpoint}.healthy: 1`)).toBe(true);
  // One connection each: the system spreads them over both workers.
  const asked = Array.from({ length: 6 }, () => ask(address, '/'));
  await envoyts.until('all places are taken', () => has(`${breaker}.rq_open: 1`, `${breaker}.remaining_rq: 0`, `${breaker}.remaining_cx: 3`, `${endpoint}.rq_active: 6`, `${endpoint}.cx_active: 6`));
  await envoyts.until('all are with the host', async () => held.length === 6);
  held[0].end();
  await Promise.race(asked);
  await envoyts.until('one place is free, whichever worker had it', () => has(`${breaker}.rq_open: 0`, `${breaker}.remaining_rq: 1`, `${endpoint}.rq_active: 5`, `${endpoint}.rq_success: 1`));
  for (const response of held.slice(1)) response.end();
  await Promise.all(asked);
  await envoyts.until('all places are free', () => has(`${breaker}.remaining_rq: 6`, `${endpoint}.rq_active: 0`, `${endpoint}.rq_total: 6`));
});
