/**
 * A whole process with two workers under mixed traffic: twenty upstreams of which a third misbehaves, active health checks, outlier
 * detection and retries at work, DNS answers, runtime values and the server's own health changing in between. CHAOS_SECONDS says for
 * how long (default 5; `npm run chaos`: 60).
 */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../native/index.ts';
import { ChaosClient } from '../support/chaos_client.ts';
import { CHAOS_POLICIES, ChaosTally } from '../support/chaos_policies.ts';
import { ChaosUpstream, MISBEHAVIOURS } from '../support/chaos_upstream.ts';
import { until } from '../support/io_driver.ts';
import { TestNameServer } from '../support/test_name_server.ts';
import { bootstrap } from './support/bootstraps.ts';
import { EnvoytsProcess } from './support/envoyts_process.ts';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 5);
const UPSTREAMS = 20;
const BAD_ONES = 7;
const CLIENTS = 30;
const ANSWERS_PER_TROUBLE = 60;
/** A run of so many seconds meets with every trouble, even on a busy machine. */
const LONG_SECONDS = 30;
/** Of the process's resident memory, between the middle and the end of the run: heaps of several threads breathe. */
const GROWTH_LIMIT_KIB = 64 << 10;
const TYPES = 'type.googleapis.com/envoy.extensions';

function configuration(upstreams: readonly ChaosUpstream[], addresses: readonly string[], nameServer: TestNameServer): string {
  const [{ port }] = upstreams;
  const endpoint = (address: string) => `{ endpoint: { address: { socket_address: { address: ${address}, port_value: ${port} } } } }`;
  const more = `connect_timeout: 0.3s
    circuit_breakers: { thresholds: [{ max_retries: 1000 }] }
    outlier_detection: { consecutive_5xx: 5, interval: 0.5s, base_ejection_time: 0.3s, max_ejection_percent: 40 }`;
  return bootstrap({
    top: 'layered_runtime: { layers: [{ name: admin, admin_layer: {} }] }',
    routes: `- { match: { prefix: /plain/ }, route: { cluster: fixed, timeout: 0.4s, request_mirror_policies: [{ cluster: named, runtime_fraction: { default_value: { numerator: 10 } } }] } }
- match: { prefix: /retry/ }
  route:
    cluster: named
    timeout: 1s
    retry_policy: { retry_on: "5xx,reset,connect-failure", num_retries: 4, per_try_timeout: 0.15s, host_selection_retry_max_attempts: 5,
      retry_back_off: { base_interval: 0.001s, max_interval: 0.005s },
      retry_host_predicate: [{ name: envoy.retry_host_predicates.previous_hosts, typed_config: { "@type": ${TYPES}.retry.host.previous_hosts.v3.PreviousHostsPredicate } }] }
- match: { prefix: /hedged/ }
  route: { cluster: named, timeout: 1s, hedge_policy: { hedge_on_per_try_timeout: true }, retry_policy: { retry_on: "5xx,reset", num_retries: 3, per_try_timeout: 0.15s } }
- { match: { prefix: /short/ }, route: { cluster: named, timeout: 0.02s } }
- { match: { prefix: /direct/ }, direct_response: { status: 200, body: { inline_string: direct } } }
- { match: { prefix: /redirect/ }, redirect: { path_redirect: /plain/x } }
- { match: { prefix: /gone/ }, route: { cluster: gone } }`,
    clusters: `  - name: fixed
    lb_policy: LEAST_REQUEST
    ${more}
    load_assignment: { cluster_name: fixed, endpoints: [{ lb_endpoints: [${addresses.map(endpoint).join(', ')}] }] }
  - name: named
    type: STRICT_DNS
    dns_refresh_rate: 0.1s
    dns_lookup_family: V4_ONLY
    typed_dns_resolver_config: { name: cares, typed_config: { "@type": ${TYPES}.network.dns_resolver.cares.v3.CaresDnsResolverConfig, resolvers: [{ socket_address: { address: 127.0.0.1, port_value: ${nameServer.port} } }] } }
    ${more}
    typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": ${TYPES}.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http_protocol_options: {} }, http_filters: [
      { name: mutate, typed_config: { "@type": ${TYPES}.filters.http.header_mutation.v3.HeaderMutation, mutations: { response_mutations: [{ append: { header: { key: x-try, value: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%" } } }] } } },
      { name: keep, typed_config: { "@type": ${TYPES}.filters.http.buffer.v3.Buffer, max_request_bytes: 1048576 } },
      { name: codec, typed_config: { "@type": ${TYPES}.filters.http.upstream_codec.v3.UpstreamCodec } }] } }
    health_checks: [{ timeout: 0.1s, interval: 0.1s, no_traffic_interval: 0.1s, unhealthy_threshold: 2, healthy_threshold: 1, http_health_check: { path: /hc } }]
    load_assignment: { cluster_name: named, endpoints: [{ lb_endpoints: [${endpoint('hosts.test')}] }] }
`,
  });
}

/** Twenty addresses of the loopback with one port: that is how a name has many hosts. */
async function startUpstreams(addresses: readonly string[]): Promise<ChaosUpstream[]> {
  for (;;) {
    const upstreams = [await ChaosUpstream.start(addresses[0])];
    try {
      for (const address of addresses.slice(1)) upstreams.push(await ChaosUpstream.start(address, upstreams[0].port));
      return upstreams;
    } catch {
      // Somebody has this port on another address.
      await Promise.all(upstreams.map((upstream) => upstream.stop()));
    }
  }
}

function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

describe('a process in chaos', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it('gives every request one answer that its policy allows, and nothing stays', { timeout: SECONDS * 1000 + 60_000 }, async () => {
    const addresses = Array.from({ length: UPSTREAMS }, (_, i) => `127.0.0.${i + 1}`);
    const upstreams = await startUpstreams(addresses);
    cleanups.push(() => Promise.all(upstreams.map((upstream) => upstream.stop())));
    const names = await TestNameServer.start();
    cleanups.push(() => names.close());
    names.addresses = addresses;
    const envoyts = new EnvoytsProcess('real', configuration(upstreams, addresses, names), ['--concurrency', '2', '--io', nativeAvailable() ? 'ring' : 'portable']);
    cleanups.push(() => envoyts.dispose());
    await envoyts.ready();
    const port = Number((await envoyts.listener('main')).split(':')[1]);
    const clients = Array.from({ length: CLIENTS }, () => new ChaosClient(port, Math.random));
    cleanups.push(() => clients.forEach((client) => client.close()));

    /** In turn, while traffic goes on. */
    const changes: ((round: number) => unknown)[] = [
      (round) => {
        names.addresses = addresses.filter((_, i) => (i + round) % 5 !== 0);
      },
      (round) => envoyts.admin(`/runtime_modify?outlier_detection.consecutive_5xx=${3 + (round % 5)}&upstream.healthy_panic_threshold=${round % 100}`, 'POST'),
      (round) => envoyts.admin(round % 2 === 0 ? '/healthcheck/fail' : '/healthcheck/ok', 'POST'),
      (round) => envoyts.admin(`/runtime_modify?health_check.min_interval=${50 + (round % 100)}&outlier_detection.max_ejection_percent=${round % 60}`, 'POST'),
    ];
    let isOver = false;
    const tally = new ChaosTally();
    const traffic = clients.map(async (client, c) => {
      for (let i = 0; !isOver; i++) {
        const policy = CHAOS_POLICIES[Math.floor(Math.random() ** 2 * CHAOS_POLICIES.length)];
        const outcome = await client.request(`${c}-${i}`, `/${policy.name}/`);
        if (outcome !== null) tally.judge(policy, outcome);
      }
    });
    const trouble = (async () => {
      for (let i = 0; !isOver; i++) {
        for (let bad = 0; bad < BAD_ONES; bad++) await upstreams[bad].behave(MISBEHAVIOURS[(i + bad * 3) % MISBEHAVIOURS.length]);
        await changes[i % changes.length](i);
        const enough = tally.answered + ANSWERS_PER_TROUBLE;
        await until(() => isOver || tally.answered >= enough, 'answers go on', 20_000);
      }
    })();

    const begin = performance.now();
    await until(() => performance.now() - begin >= SECONDS * 500, 'half of the time is over', SECONDS * 1000);
    const memory = residentKib(envoyts.pid);
    await until(() => performance.now() - begin >= SECONDS * 1000, 'the time is over', SECONDS * 1000);
    isOver = true;
    await Promise.all([...traffic, trouble]);
    expect(residentKib(envoyts.pid) - memory).toBeLessThan(GROWTH_LIMIT_KIB);
    expect(tally.wrong.slice(0, 5)).toEqual([]);
    expect([200, 503].filter((status) => tally.count('plain', status) === 0), tally.toString()).toEqual([]);
    expect(tally.successShare('retry'), tally.toString()).toBeGreaterThan(tally.successShare('plain'));
    const happened = ['cluster.named.upstream_rq_retry', 'cluster.named.health_check.failure', 'cluster.named.membership_change', 'runtime.load_success', ...(SECONDS >= LONG_SECONDS ? ['cluster.fixed.outlier_detection.ejections_enforced_total'] : [])];
    for (const name of happened) expect(await envoyts.stat(name), name).toBeGreaterThan(0);

    for (const client of clients) client.close();
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
    let left = '';
    await envoyts.until('all gauges to be 0', async () => {
      const { body } = await envoyts.admin(`/stats?filter=${encodeURIComponent('^(http\\.main|cluster|listener\\.127).*_(cx|rq|rq_pending|rq_retry|cx_upgrades)_(active|open)$')}`);
      left = body.split('\n').filter((line) => line !== '' && !line.endsWith(': 0')).join(', ');
      return left === '' && body !== '';
    }).catch((error: unknown) => {
      throw new Error(`${left}: ${String(error)}`);
    });
    expect(await envoyts.stat('workers.callback_exceptions')).toBe(0);
    expect(envoyts.stderr).not.toMatch(/\[(error|critical)\]/);
  });
});
