/** A table of hashes that main makes for two workers, in a whole process. */
import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { XxHash64 } from '../../core/base/xxhash64.ts';
import { weightShares } from '../../core/upstream/consistent_hash/entries.ts';
import { buildAtOnce } from '../../core/upstream/consistent_hash/hash_table.ts';
import { buildMaglevTable } from '../../core/upstream/consistent_hash/maglev_table.ts';
import { bootstrap } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

const SERVERS = 6;
/** More than those of a table that workers make themselves. */
const HOSTS = 300;

let proxy: EnvoytsProcess | undefined;
const upstreams: Server[] = [];
afterEach(async () => {
  await proxy?.dispose();
  for (const upstream of upstreams) upstream.close();
  upstreams.length = 0;
});

function configuration(ports: readonly number[]): string {
  const endpoints = Array.from({ length: HOSTS }, (_, i) =>
    `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${ports[i % SERVERS]} } } }, metadata: { filter_metadata: { envoy.lb: { hash_key: host-${i} } } } }`);
  return bootstrap({
    routes: '- { match: { prefix: / }, route: { cluster: c, hash_policy: [{ query_parameter: { name: k } }] } }',
    clusters: `  - name: c
    lb_policy: MAGLEV
    load_assignment: { cluster_name: c, endpoints: [{ lb_endpoints: [${endpoints.join(', ')}] }] }
`,
  });
}

describe('a table of hashes for many hosts', () => {
  it('is there with the first request, the same on all workers', async () => {
    const ports: number[] = [];
    for (let i = 0; i < SERVERS; i++) {
      const server = createServer((_request, response) => response.end(String(i)));
      upstreams.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      ports.push((server.address() as { port: number }).port);
    }
    const envoyts = new EnvoytsProcess('real', configuration(ports), ['--concurrency', '2']);
    proxy = envoyts;
    await envoyts.ready();
    const address = await envoyts.listener('main');
    const keys = Array.from({ length: HOSTS }, (_, i) => `host-${i}`);
    const table = buildAtOnce(buildMaglevTable(keys, weightShares(keys.map(() => 1)), 65_537));
    const hash = new XxHash64();
    // One connection each: the system spreads them over both workers.
    for (let i = 0; i < 60; i++) {
      hash.hashText(`key-${i}`);
      expect(await ask(address, `/?k=key-${i}`)).toEqual({ status: 200, body: String(table.find(hash.high, hash.low) % SERVERS) });
    }
    expect(await envoyts.stat('cluster.c.maglev_lb.min_entries_per_host')).toBe(Math.floor(65_537 / HOSTS));
    expect(await envoyts.stat('cluster.c.maglev_lb.max_entries_per_host')).toBe(Math.ceil(65_537 / HOSTS));
  });
});
