/** What Prometheus makes of our text: by the rules of its format, and by its own tool where that is installed. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { askAdmin } from '../support/admin_request.ts';
import { FakeInstance } from '../support/fake_instance.ts';
import { hostConfig } from '../support/in_process_worker.ts';
import { EndpointStats } from '../../server/stats/endpoint_stats.ts';

async function createInstance(): Promise<FakeInstance> {
  const instance = new FakeInstance();
  const { scope, registry, store } = instance.main;
  for (const cluster of ['a', 'b.c', 'we"ird\\one', 'c d']) {
    const clusterScope = scope.scope('cluster').scope(cluster);
    for (const code of ['200', '404', '503', '2xx', '5xx', 'total', 'completed']) clusterScope.counter(`upstream_rq_${code}`).add(3);
    clusterScope.gauge('membership_total').set(1);
    const histogram = clusterScope.histogram('upstream_rq_time', 'ms');
    for (let i = 0; i < 500; i++) histogram.record(i * i);
  }
  scope.counter('http.ingress.downstream_rq_2xx').inc();
  scope.counter('http.9-odd name.downstream_rq_total').inc();
  scope.gauge('server.live').set(1);
  const hosts = [hostConfig(0, 80), hostConfig(1, 81, { hostname: 'say "h"' })];
  const words = { health: [0, 0], sum: () => 4 };
  registry.endpoints = new EndpointStats(() => ['a', 'b.c'].map((statName) => ({ statName, prefix: `cluster.${statName}`, hosts })), words, []);
  registry.textReadout('control_plane.identifier').set('line\nbreak "quoted"');
  store.announce();
  await registry.mergeHistograms();
  return instance;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,|(?=\})))*)\} (\S+)$/;
const TARGETS = ['/stats/prometheus', '/stats/prometheus?text_readouts', '/stats/prometheus?histogram_buckets=summary'];

describe('Prometheus output', () => {
  test('has the stats of single hosts last', async () => {
    const { body } = await askAdmin(await createInstance(), '/stats/prometheus');
    expect(body).toContain('# TYPE envoy_cluster_endpoint_cx_total counter\nenvoy_cluster_endpoint_cx_total{envoy_cluster_name="a",envoy_endpoint_address="127.0.0.1:80"} 4\n');
    expect(body.trimEnd().split('\n').at(-1)).toBe('envoy_cluster_endpoint_rq_active{envoy_cluster_name="b.c",envoy_endpoint_address="127.0.0.1:81",envoy_endpoint_hostname="say \\"h\\""} 4');
    const { body: text } = await askAdmin(await createInstance(), '/stats?usedonly&filter=endpoint.*healthy');
    expect(text).toBe(['a', 'b.c'].flatMap((cluster) => [80, 81].map((port) => `cluster.${cluster}.endpoint.127.0.0.1_${port}.healthy: 1\n`)).join(''));
  });

  test.each(TARGETS)('%s: one TYPE line per family, every sample below its own, no sample twice', async (target) => {
    const { body } = await askAdmin(await createInstance(), target);
    const families = new Set<string>();
    const samples = new Set<string>();
    let family = '';
    for (const line of body.trimEnd().split('\n')) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line);
      if (type !== null) {
        family = type[1];
        expect(families.has(family), `family ${family} appears twice`).toBe(false);
        families.add(family);
        continue;
      }
      const sample = SAMPLE.exec(line);
      expect(sample, `not a sample: ${line}`).not.toBeNull();
      const [, name = '', labels = ''] = sample ?? [];
      expect([family, `${family}_bucket`, `${family}_sum`, `${family}_count`]).toContain(name);
      expect(samples.has(`${name}{${labels}}`), `sample twice: ${line}`).toBe(false);
      samples.add(`${name}{${labels}}`);
    }
    expect(families.size).toBeGreaterThan(6);
  });

  test('buckets never fall, and the last is the count', async () => {
    const { body } = await askAdmin(await createInstance(), '/stats/prometheus?filter=rq_time');
    const bySeries = new Map<string, number[]>();
    for (const [, labels, value] of body.matchAll(/_bucket\{(.*),le="[^"]+"\} (\d+)/g)) {
      bySeries.set(labels, [...(bySeries.get(labels) ?? []), Number(value)]);
    }
    expect(bySeries.size).toBe(4);
    for (const values of bySeries.values()) {
      expect(values).toEqual([...values].sort((a, b) => a - b));
      expect(values.at(-1)).toBe(500);
    }
  });

  const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;
  if (!hasPromtool) process.stderr.write('SKIPPED: promtool (Debian package prometheus) is not installed; its check of our output did not run\n');

  test.skipIf(!hasPromtool).each(TARGETS)('promtool can parse %s', async (target) => {
    const { body } = await askAdmin(await createInstance(), target);
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8', timeout: 20_000 });
    // 3 = parsed, but its style advice (HELP texts, names ending in _total) was not followed; the names are the ones users know.
    expect([0, 3], stderr).toContain(status);
  });
});
