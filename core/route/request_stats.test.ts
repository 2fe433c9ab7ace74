import { expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { compileContext, routeConfig, routeEntry, virtualHost } from '../../test/support/route_config.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { RouteTable } from './route_table.ts';

const names = new HeaderNames();
const present = (name: string) => ({ name, invert: false, treatMissingAsEmpty: false, kind: 'present' as const, present: true });
const config = routeConfig({
  virtualHosts: [virtualHost({
    name: 'v:h', virtualClusters: [{ name: 'both', headers: [present('a'), present('b')] }, { name: 'one', headers: [present('a')] }],
    routes: [routeEntry({ statPrefix: 'r.p' }), routeEntry()],
  })],
});

it('finds the first virtual cluster whose headers all match', () => {
  const host = RouteTable.compile(config, compileContext(names)).virtualHosts[0];
  const find = (...present: string[]) => host?.virtualCluster(headerMap(names, present.map((name) => [name, ''] as const)));
  expect([find('a', 'b')?.name, find('a')?.name, find('b')?.name]).toEqual(['both', 'one', '']);
  expect(find('a')?.stats).toBeNull();
});

it('has the counters of Envoy below names that are taken as they are', () => {
  const stats = createLocalStats();
  const host = RouteTable.compile(config, { ...compileContext(names), rootScope: stats.scope }).virtualHosts[0];
  host?.virtualCluster(headerMap(names, [['a', '']]))?.stats?.rqTotal.inc();
  host?.virtualCluster(headerMap(names, []))?.stats?.codes.charge(404);
  host?.routes[0]?.stats?.rqTimeout.inc();
  expect(host?.routes[1]?.stats).toBeNull();
  expect(['vcluster.one.upstream_rq_total', 'vcluster.other.upstream_rq_404', 'route.r.p.upstream_rq_timeout'].map((name) => stats.value(`vhost.v:h.${name}`))).toEqual([1, 1, 1]);
  expect(stats.names().filter((name) => name.startsWith('vhost.v:h.route.'))).toEqual([
    'completed', 'retry', 'retry_limit_exceeded', 'retry_overflow', 'retry_success', 'time', 'timeout', 'total',
  ].map((name) => `vhost.v:h.route.r.p.upstream_rq_${name}`));
});

it('gives virtual hosts without virtual clusters none', () => {
  expect(RouteTable.compile(routeConfig(), compileContext(names)).virtualHosts[0]?.virtualCluster(headerMap(names, []))).toBeNull();
});
