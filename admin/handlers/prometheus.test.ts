import { describe, expect, test } from 'vitest';
import { DEFAULT_STATS_CONFIG } from '../../core/stats/stats_config.ts';
import { askAdmin } from '../../test/support/admin_request.ts';
import { FakeInstance } from '../../test/support/fake_instance.ts';

async function createInstance(): Promise<FakeInstance> {
  const instance = new FakeInstance({
    ...DEFAULT_STATS_CONFIG,
    buckets: [{ match: { kind: 'suffix', value: 'rq_time', ignoreCase: false }, bounds: [25, 50, 100, 250, 5000, 10000] }],
  });
  const { scope, registry, store } = instance.main;
  scope.counter('http.ingress.downstream_rq_2xx').add(3);
  scope.counter('http.admin.downstream_rq_4xx').add(2);
  scope.counter('http.admin.downstream_rq_2xx').add(1);
  scope.counter('cluster.up.upstream_rq_200').add(42);
  scope.counter('cluster_manager.cluster_added').add(1);
  scope.gauge('server.live').set(1);
  scope.gauge('cluster.we"ird\\one.membership_total').set(2);
  registry.textReadout('cluster.up.version_text').set('a"b');
  const histogram = scope.histogram('cluster.up.upstream_rq_time', 'ms');
  for (const value of [50, 20, 30, 70, 100, 5000, 200]) histogram.record(value);
  scope.histogram('unused_h', 'ms');
  store.announce();
  await registry.mergeHistograms();
  return instance;
}

const COUNTERS_AND_GAUGES = `# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="up"} 42
# TYPE envoy_cluster_manager_cluster_added counter
envoy_cluster_manager_cluster_added{} 1
# TYPE envoy_http_downstream_rq_xx counter
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="admin"} 1
envoy_http_downstream_rq_xx{envoy_response_code_class="4",envoy_http_conn_manager_prefix="admin"} 2
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="ingress"} 3
# TYPE envoy_cluster_membership_total gauge
envoy_cluster_membership_total{envoy_cluster_name="we\\"ird\\\\one"} 2
# TYPE envoy_server_live gauge
envoy_server_live{} 1
`;

const HISTOGRAM = `# TYPE envoy_cluster_upstream_rq_time histogram
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="up",le="25"} 1
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="up",le="50"} 2
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="up",le="100"} 4
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="up",le="250"} 6
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="up",le="5000"} 6
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="up",le="10000"} 7
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="up",le="+Inf"} 7
envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="up"} 5532
envoy_cluster_upstream_rq_time_count{envoy_cluster_name="up"} 7
`;

describe('/stats/prometheus', () => {
  test.each(['/stats/prometheus?usedonly', '/stats?format=prometheus&usedonly'])('%s', async (target) => {
    const { body, contentType } = await askAdmin(await createInstance(), target);
    expect(contentType).toBe('text/plain; charset=UTF-8');
    expect(body).toBe(COUNTERS_AND_GAUGES + HISTOGRAM);
  });

  test('text readouts only where asked for', async () => {
    const { body } = await askAdmin(await createInstance(), '/stats/prometheus?text_readouts&filter=version');
    expect(body).toBe('# TYPE envoy_cluster_version_text gauge\n'
      + 'envoy_cluster_version_text{envoy_cluster_name="up",text_value="a\\"b"} 0\n');
  });

  test('as summaries: the last interval', async () => {
    const instance = await createInstance();
    await instance.main.registry.mergeHistograms();
    instance.main.scope.histogram('cluster.up.upstream_rq_time', 'ms').record(7);
    await instance.main.registry.mergeHistograms();
    const { body } = await askAdmin(instance, '/stats/prometheus?histogram_buckets=summary&filter=rq_time');
    const lines = body.split('\n');
    expect(lines.slice(0, 4)).toEqual([
      '# TYPE envoy_cluster_upstream_rq_time summary',
      'envoy_cluster_upstream_rq_time{envoy_cluster_name="up",quantile="0"} 7',
      'envoy_cluster_upstream_rq_time{envoy_cluster_name="up",quantile="0.25"} 7.0250000000000003552713678800501',
      'envoy_cluster_upstream_rq_time{envoy_cluster_name="up",quantile="0.5"} 7.049999999999999822364316059975',
    ]);
    expect(lines.slice(-3)).toEqual([
      'envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="up"} 7.049999999999999822364316059975',
      'envoy_cluster_upstream_rq_time_count{envoy_cluster_name="up"} 1', '',
    ]);
  });

  test('a filter works on full names', async () => {
    const { body } = await askAdmin(await createInstance(), '/stats/prometheus?filter=http.ingress');
    expect(body.split('\n')).toHaveLength(3);
  });
});
