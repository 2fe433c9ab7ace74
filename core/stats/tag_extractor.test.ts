import { describe, expect, test } from 'vitest';
import { TagExtractor, type TagSpecifier } from './tag_extractor.ts';

const byDefault = new TagExtractor({ useAllDefaultTags: true, tags: [] });

/** `family{tag=value,...}` with the common part of tag names left out. */
function tagged(name: string, extractor = byDefault): string {
  const { name: family, tags } = extractor.extract(name);
  return `${family}{${tags.map((tag) => `${tag.name.replace('envoy.', '')}=${tag.value}`).join(',')}}`;
}

describe('default tags', () => {
  test.each([
    ['cluster.up.upstream_rq_200', 'cluster.upstream_rq{response_code=200,cluster_name=up}'],
    ['cluster.up.external.upstream_rq_5xx', 'cluster.external.upstream_rq_xx{response_code_class=5,cluster_name=up}'],
    ['cluster.up.upstream_rq_time', 'cluster.upstream_rq_time{cluster_name=up}'],
    ['cluster.a.b.upstream_cx_total', 'cluster.b.upstream_cx_total{cluster_name=a}'],
    ['cluster_manager.active_clusters', 'cluster_manager.active_clusters{}'],
    ['http.ingress.downstream_rq_2xx', 'http.downstream_rq_xx{response_code_class=2,http_conn_manager_prefix=ingress}'],
    ['http.ingress.user_agent.ios.downstream_rq_total', 'http.user_agent.downstream_rq_total{http_user_agent=ios,http_conn_manager_prefix=ingress}'],
    ['http.ingress.fault.down.aborts_injected', 'http.fault.aborts_injected{fault_downstream_cluster=down,http_conn_manager_prefix=ingress}'],
    ['http.ingress.rds.route.a.update_success', 'http.rds.update_success{http_conn_manager_prefix=ingress,rds_route_config=route.a}'],
    ['http.ingress.rbac.policy.p1.denied', 'http.rbac.policy.denied{rbac_policy_name=p1,http_conn_manager_prefix=ingress}'],
    ['http.ingress.ext_authz.pre.ok', 'http.ext_authz.ok{http_conn_manager_prefix=ingress,ext_authz_prefix=pre}'],
    ['http.ingress.ext_authz.ok', 'http.ext_authz.ok{http_conn_manager_prefix=ingress}'],
    ['listener.127.0.0.1_80.downstream_cx_total', 'listener.downstream_cx_total{listener_address=127.0.0.1_80}'],
    ['listener.[__1]_80.worker_3.downstream_cx_active', 'listener.worker_downstream_cx_active{worker_id=3,listener_address=[__1]_80}'],
    ['listener.named.http.p.downstream_rq_4xx', 'listener.http.downstream_rq_xx{response_code_class=4,http_conn_manager_prefix=p,listener_address=named}'],
    ['listener.admin.http.admin.downstream_rq_2xx', 'listener.admin.http.downstream_rq_xx{response_code_class=2,http_conn_manager_prefix=admin}'],
    ['listener.10.0.0.1_443.ssl.ciphers.ECDHE-RSA-AES128-GCM-SHA256', 'listener.ssl.ciphers{ssl_cipher=ECDHE-RSA-AES128-GCM-SHA256,listener_address=10.0.0.1_443}'],
    ['listener.10.0.0.1_443.ssl.versions.TLSv1.3', 'listener.ssl.versions{ssl_version=TLSv1.3,listener_address=10.0.0.1_443}'],
    ['vhost.v.vcluster.c.upstream_rq_200', 'vhost.vcluster.upstream_rq{response_code=200,virtual_cluster=c,virtual_host=v}'],
    ['vhost.v.route.r.upstream_rq_total', 'vhost.route.upstream_rq_total{route=r,virtual_host=v}'],
    ['tcp.t.downstream_cx_total', 'tcp.downstream_cx_total{tcp_prefix=t}'],
    ['mongo.m.collection.c.callsite.s.query.total', 'mongo.collection.callsite.query.total{mongo_callsite=s,mongo_collection=c,mongo_prefix=m}'],
    ['mongo.m.collection.c.query.total', 'mongo.collection.query.total{mongo_collection=c,mongo_prefix=m}'],
    ['server.worker_1.watchdog_miss', 'server.worker_watchdog_miss{worker_id=1}'],
    ['thread_local_cluster_manager.worker_0.clusters_inflated', 'thread_local_cluster_manager.worker_clusters_inflated{worker_id=0}'],
    ['p.http_local_rate_limit.ok', 'http_local_rate_limit.ok{local_http_ratelimit_prefix=p}'],
    ['server.uptime', 'server.uptime{}'],
  ])('%s', (name, expected) => {
    expect(tagged(name)).toBe(expected);
  });
});

describe('tags of the user', () => {
  const extractor = (tags: readonly TagSpecifier[], useAllDefaultTags = true) => new TagExtractor({ useAllDefaultTags, tags });

  test('group 1 is cut out, group 2 is the value; without a second group the first is both', () => {
    const custom = extractor([
      { tagName: 'team', kind: 'regex', regex: '^http\\.((\\w+?)_)' }, { tagName: 'rest', kind: 'regex', regex: '(downstream)' },
    ], false);
    expect(tagged('http.red_ingress.downstream_rq_total', custom)).toBe('http.ingress._rq_total{rest=downstream,team=red}');
  });

  test('fixed tags come first and cut nothing', () => {
    const custom = extractor([{ tagName: 'zone', kind: 'fixed', value: 'z1' }]);
    expect(tagged('cluster.up.upstream_cx_total', custom)).toBe('cluster.upstream_cx_total{zone=z1,cluster_name=up}');
  });

  test('where a default extractor found a tag, one of the same name finds nothing more', () => {
    const custom = extractor([{ tagName: 'envoy.cluster_name', kind: 'regex', regex: '^cluster\\.((u)p\\.)' }]);
    expect(tagged('cluster.up.upstream_cx_total', custom)).toBe('cluster.upstream_cx_total{cluster_name=up}');
  });

  test('without the default tags, single ones can be asked for by name', () => {
    const custom = extractor([{ tagName: 'envoy.cluster_name', kind: 'default' }], false);
    expect(tagged('cluster.up.upstream_rq_200', custom)).toBe('cluster.upstream_rq_200{cluster_name=up}');
  });
});
