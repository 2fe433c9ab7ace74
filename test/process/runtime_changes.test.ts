/** What /runtime_modify changes reaches everything that was built before: routes, clusters, filters, access logs. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bootstrap } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

let proxy: EnvoytsProcess | undefined;
let upstream: Server | undefined;
afterEach(async () => {
  await proxy?.dispose();
  upstream?.close();
});

function configuration(port: number): string {
  const fraction = (key: string) => `{ default_value: { numerator: 0 }, runtime_key: ${key} }`;
  return bootstrap({
    top: 'layered_runtime: { layers: [{ name: base, static_layer: { routing.tried: "0", http_connection_manager.normalize_path: "100" } }, { name: admin, admin_layer: {} }] }',
    manager: `access_log:
- name: file
  filter: { runtime_filter: { runtime_key: log.tried } }
  typed_config: { "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: "{folder}/tried.log", log_format: { text_format_source: { inline_string: "%PATH%\\n" } } }
local_reply_config:
  mappers: [{ filter: { runtime_filter: { runtime_key: reply.tried } }, status_code: 299 }]`,
    filters: '- { name: fault, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, abort: { http_status: 418, percentage: { numerator: 0 } } } }',
    routes: `- { match: { prefix: /route, runtime_fraction: ${fraction('routing.tried')} }, direct_response: { status: 202 } }
- { match: { prefix: /weighted }, route: { weighted_clusters: { runtime_key_prefix: weights, clusters: [{ name: a, weight: 100, response_headers_to_add: [{ header: { key: x-c, value: a } }] }, { name: b, weight: 0 }] } } }
- { match: { prefix: /mirrored }, route: { cluster: a, request_mirror_policies: [{ cluster: b, runtime_fraction: ${fraction('mirror.tried')} }] } }
- { match: { path: /dots }, direct_response: { status: 203 } }
- { match: { prefix: /maintained }, route: { cluster: a } }
- { match: { prefix: / }, direct_response: { status: 200 } }`,
    clusters: `${['a', 'b'].map((name) => `  - { name: ${name}, load_assignment: { cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] } }`).join('\n')}
`,
  });
}

describe('/runtime_modify', () => {
  it('changes what routes, weighted clusters, mirrors, filters, logs and local replies do', async () => {
    const server = createServer((_request, response) => response.end());
    upstream = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const envoyts = new EnvoytsProcess('real', configuration(port), ['--concurrency', '2', '--file-flush-interval-msec', '10']);
    proxy = envoyts;
    await envoyts.ready();
    const address = await envoyts.listener('main');
    const status = async (path: string) => (await ask(address, path)).status;
    const requests = async (cluster: string) => (await envoyts.stat(`cluster.${cluster}.upstream_rq_total`)) ?? 0;
    const change = async (values: string) => expect(await envoyts.admin(`/runtime_modify?${values}`, 'POST')).toEqual({ status: 200, body: 'OK\n' });

    expect(await Promise.all(['/route', '/weighted', '/x/../dots', '/maintained'].map(status))).toEqual([200, 200, 203, 200]);
    expect(await requests('b')).toBe(0);

    await change('routing.tried=100&weights.a=0&weights.b=100');
    await envoyts.until('the route on both workers', async () => (await Promise.all(Array.from({ length: 8 }, () => status('/route')))).every((code) => code === 202));
    expect(await status('/weighted')).toBe(200);
    await envoyts.until('the other cluster', async () => (await requests('b')) > 0);
    // A fraction is one as YAML of the message, too.
    await change(`routing.tried=${encodeURIComponent('{numerator: 0, denominator: MILLION}')}`);
    await envoyts.until('the route gone', async () => (await Promise.all(Array.from({ length: 8 }, () => status('/route')))).every((code) => code === 200));

    const before = await requests('b');
    await change('mirror.tried=100');
    await envoyts.until('a copy', async () => (await status('/mirrored')) === 200 && (await requests('b')) > before);

    await change('log.tried=100');
    await envoyts.until('a log line', async () => (await status('/logged')) === 200 && readFileSync(join(envoyts.folder, 'tried.log'), 'utf8').includes('/logged\n'));

    await change('upstream.maintenance_mode.a=100');
    await envoyts.until('maintenance', async () => (await status('/maintained')) === 503);
    await change('reply.tried=100');
    await envoyts.until('the reply', async () => (await status('/maintained')) === 299);
    await change('reply.tried=');

    await change('fault.http.abort.abort_percent=100&fault.http.abort.http_status=419');
    await envoyts.until('the fault', async () => (await status('/any')) === 419);
    await change('fault.http.abort.abort_percent=');
    await envoyts.until('no fault', async () => (await status('/any')) === 200);
  }, 60_000);
});
