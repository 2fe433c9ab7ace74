import { describe, expect, it } from 'vitest';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { HOST_STAT_WORDS, HostStat } from '../shared_memory/layout.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { headerMap } from '../../test/support/header_map.ts';
import type { Http1ConnPool } from '../http/conn_pool/http1_pool.ts';
import { HostPools } from './host_pools.ts';
import type { HostConfig, OriginalDstConfig } from '../upstream/cluster_config.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import type { Host } from '../upstream/host.ts';
import { type DestinationReport, OriginalDstCluster, parseDestination } from './original_dst_cluster.ts';
import type { ThreadLocalCluster } from './thread_local_cluster.ts';

const CONFIG: OriginalDstConfig = { kind: 'original_dst', headerName: 'x-to', metadataFilter: '', metadataPath: [], portOverride: 0 };

function setUp(config: Partial<OriginalDstConfig> = {}) {
  const names = new HeaderNames();
  const headerId = names.intern('x-to');
  const stats = createLocalStats();
  const reports: DestinationReport[] = [];
  const drained: string[] = [];
  const health = new Int32Array(100);
  const hostStats = new Float64Array(100 * HOST_STAT_WORDS);
  // Of a cluster it needs the pools only, which do not matter here.
  const pools = { info: { config: { name: 'c' } } as ClusterInfo, outliers: null } as ThreadLocalCluster;
  const cluster = new OriginalDstCluster(pools, {
    clusterId: 7, config: { ...CONFIG, ...config }, headerId, invalid: stats.scope.counter('invalid'), report: (report) => reports.push(report),
    words: { health, stats: hostStats, allStats: [hostStats], ownLoads: new Float64Array(0), allLoads: [], since: new Float64Array(100) },
  });
  const choose = (header: string | null, metadata: object | null = null, originalDestination = ''): Host | null => {
    const headers: HeaderMap = headerMap(names, header === null ? [] : [['x-to', header]]);
    return cluster.chooseHost(0, null, null, {
      requestHeaders: () => headers, connection: { originalDestination },
      streamInfo: { dynamicMetadata: metadata === null ? null : new Map([['place', metadata as Record<string, unknown>]]) },
    });
  };
  const watched = (host: Host): Host => {
    const pools = new HostPools();
    pools.set(0, { drain: () => drained.push(host.address) } as unknown as Http1ConnPool);
    host.attachment = pools;
    return host;
  };
  return { cluster, choose, watched, reports, drained, health, hostStats, invalid: () => stats.value('invalid') ?? 0 };
}

function known(id: number, port: number): HostConfig {
  return { id, address: '127.0.0.1', port, hostname: `c127.0.0.1:${port}`, weight: 1, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, canary: false, metadata: {} };
}

describe('where an original-destination request goes', () => {
  it('is the first that says so: metadata, header, connection', () => {
    const { choose } = setUp({ metadataFilter: 'place', metadataPath: ['to'] });
    expect(choose('1.1.1.1:1', { to: '2.2.2.2:2' }, '3.3.3.3:3')?.address).toBe('2.2.2.2:2');
    expect(choose('1.1.1.1:1', { to: 5 }, '3.3.3.3:3')?.address).toBe('1.1.1.1:1');
    expect(choose(null, null, '3.3.3.3:3')?.address).toBe('3.3.3.3:3');
    expect(choose(null)).toBeNull();
  });

  it('counts what is no address, and asks the next', () => {
    const { choose, invalid } = setUp({ metadataFilter: 'place', metadataPath: ['to'] });
    expect(choose('nowhere', { to: '1.2.3.4' }, '3.3.3.3:3')?.address).toBe('3.3.3.3:3');
    expect(invalid()).toBe(2);
  });

  it('has the port of the configuration, if that has one', () => {
    const { choose, reports } = setUp({ portOverride: 99 });
    expect(choose('1.1.1.1:1')?.address).toBe('1.1.1.1:99');
    expect(reports).toEqual([{ clusterId: 7, address: '1.1.1.1', port: 99 }]);
  });
});

describe('a host that a request named', () => {
  it('is used at once, and reported once', () => {
    const { choose, reports } = setUp();
    const host = choose('127.0.0.1:80');
    expect(choose('127.0.0.1:080')).toBe(host);
    expect(reports).toHaveLength(1);
    expect(host?.hostname).toBe('c127.0.0.1:80');
  });

  it('keeps what it counted when main has given it an id', () => {
    const { cluster, choose, hostStats, health } = setUp();
    const host = choose('127.0.0.1:80') as Host;
    host.onRequestStarted();
    cluster.updateHosts({ cluster: 'c', hosts: [known(5, 80)] });
    host.onRequestStarted();
    expect(choose('127.0.0.1:80')).toBe(host);
    expect(hostStats[5 * HOST_STAT_WORDS + HostStat.rqTotal]).toBe(2);
    expect(host.activeRequests()).toBe(2);
    health[5] = 1;
    expect(host.isHealthy()).toBe(false);
  });

  it('stays until main has heard of it, whatever main says of others', () => {
    const { cluster, choose } = setUp();
    const host = choose('127.0.0.1:80');
    cluster.updateHosts({ cluster: 'c', hosts: [known(5, 81)] });
    expect(choose('127.0.0.1:80')).toBe(host);
  });

  it('is let go when main forgets it, and is another one afterwards', () => {
    const { cluster, choose, watched, drained, reports } = setUp();
    const host = watched(choose('127.0.0.1:80') as Host);
    cluster.updateHosts({ cluster: 'c', hosts: [known(5, 80)] });
    cluster.updateHosts({ cluster: 'c', hosts: [] });
    expect(drained).toEqual(['127.0.0.1:80']);
    expect(choose('127.0.0.1:80')).not.toBe(host);
    expect(reports).toHaveLength(2);
  });

  it('is another one when main forgot it and knows it again', () => {
    const { cluster, choose, watched, drained } = setUp();
    const host = watched(choose('127.0.0.1:80') as Host);
    cluster.updateHosts({ cluster: 'c', hosts: [known(5, 80)] });
    cluster.updateHosts({ cluster: 'c', hosts: [known(6, 80)] });
    expect(drained).toEqual(['127.0.0.1:80']);
    expect(choose('127.0.0.1:80')).not.toBe(host);
  });

  it('gives way to newer ones when main takes none', () => {
    const { choose, watched, drained } = setUp();
    watched(choose('127.0.0.1:1') as Host);
    for (let port = 2; port <= 1025; port++) choose(`127.0.0.1:${port}`);
    expect(drained).toEqual(['127.0.0.1:1']);
  });
});

it.each([
  ['1.2.3.4:80', '1.2.3.4', 80], ['[::1]:80', '::1', 80], ['[0:0:0:0:0:0:0:1]:80', '::1', 80], ['[::FFFF:1.2.3.4]:9', '::ffff:1.2.3.4', 9], ['1.2.3.4:0', '1.2.3.4', 0],
  ['1.2.3.4', null, 0], ['1.2.3.4:', null, 0], ['1.2.3.4:65536', null, 0], ['1.2.3.4:x', null, 0], ['::1:80', null, 0], ['[1.2.3.4]:80', null, 0], ['host:80', null, 0], [':80', null, 0], ['', null, 0],
])('reads %j as a destination', (text, address, port) => {
  expect(parseDestination(text)).toEqual(address === null ? null : { address, port });
});
