import { describe, expect, it } from 'vitest';
import { HOST_STAT_WORDS, HostHealthFlag, HostStat } from '../../core/shared_memory/layout.ts';
import type { CounterView, GaugeView } from '../../core/stats/stats_view.ts';
import { hostConfig } from '../../test/support/in_process_worker.ts';
import { type EndpointCluster, EndpointStats } from './endpoint_stats.ts';

describe('stats of single hosts', () => {
  const words = new Float64Array(HOST_STAT_WORDS * 4);
  const health = new Int32Array(4);
  health[1] = HostHealthFlag.failedActiveHc;
  words[HostStat.rqTotal] = 7;
  words[HostStat.cxActive] = 2;
  let clusters: EndpointCluster[] = [
    { statName: 'a:b', prefix: 'cluster.a_b', hosts: [hostConfig(0, 80, { hostname: 'h' }), hostConfig(1, 81, { address: '::1' })] },
    { statName: 'z', prefix: 'cluster.z', hosts: [hostConfig(2, 0, { address: '/tmp/s' })] },
  ];
  const stats = new EndpointStats(() => clusters, { health, sum: (id, field) => words[id * HOST_STAT_WORDS + field] }, [{ name: 'where', value: 'here' }]);
  const texts = (views: Iterable<CounterView | GaugeView>): string[] => Array.from(views, (view) => `${view.name} ${view.value()}`);

  it('are named by cluster and address, host by host', () => {
    const all = texts(stats.all());
    expect(all).toHaveLength(27);
    expect(all.slice(0, 9)).toEqual([
      'cx_connect_fail 0', 'cx_total 0', 'rq_error 0', 'rq_success 0', 'rq_timeout 0', 'rq_total 7', 'cx_active 2', 'rq_active 0', 'healthy 1',
    ].map((rest) => `cluster.a_b.endpoint.127.0.0.1_80.${rest}`));
    expect([all[17], all[26]]).toEqual(['cluster.a_b.endpoint.[__1]_81.healthy 0', 'cluster.z.endpoint./tmp/s.healthy 1']);
  });

  it('are families with the address as a tag', async () => {
    const { counters, gauges } = await stats.byFamily();
    const [first] = counters;
    expect([first.tagExtractedName(), first.isUsed()]).toEqual(['cluster.endpoint.cx_connect_fail', true]);
    expect(first.tags()).toEqual([
      { name: 'where', value: 'here' }, { name: 'envoy.cluster_name', value: 'a:b' }, { name: 'envoy.endpoint_address', value: '127.0.0.1:80' }, { name: 'envoy.endpoint_hostname', value: 'h' },
    ]);
    expect([...gauges].map((gauge) => gauge.tagExtractedName())).toEqual(['cx_active', 'healthy', 'rq_active'].flatMap((name) => Array(3).fill(`cluster.endpoint.${name}`)));
    expect([...counters].map((counter) => counter.tags()[2].value).slice(0, 3)).toEqual(['127.0.0.1:80', '[::1]:81', '/tmp/s']);
  });

  it('go with the host', () => {
    clusters = [{ statName: 'z', prefix: 'cluster.z', hosts: [] }];
    expect(texts(stats.all())).toEqual([]);
  });
});
