/** Connections made in advance to the hosts that the next requests go to (predictive_preconnect_ratio). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClusterConfig, DEFAULT_THRESHOLDS } from '../../core/upstream/cluster_config.ts';
import { hostConfig } from '../support/in_process_worker.ts';
import { backendsUnderTest, until } from '../support/io_driver.ts';
import { UpstreamScene } from '../support/upstream_scene.ts';

describe.each(backendsUnderTest())('predictive preconnecting on the %s backend', (backend) => {
  let scene: UpstreamScene;
  beforeEach(() => {
    scene = new UpstreamScene(backend);
  });
  afterEach(() => scene.close());

  /** As many hosts, each with the number of connections that it has. */
  async function start(count: number, cluster: Partial<ClusterConfig>): Promise<{ get: () => Promise<string>; connections: number[] }> {
    const connections: number[] = [];
    const hosts = [];
    for (let i = 0; i < count; i++) {
      const port = await scene.serve((_request, response) => response.end(`${i}`));
      connections.push(0);
      scene.servers[i].on('connection', () => connections[i]++);
      hosts.push(hostConfig(i, port));
    }
    await scene.start(hosts, cluster);
    return { get: () => scene.get(), connections };
  }

  it('connects to the hosts of the next requests, and those use the connections', async () => {
    const { get, connections } = await start(4, { predictivePreconnectRatio: 2 });
    const first = Number(await get());
    const expected = [1, 1, 1, 1];
    expected[(first + 3) % 4] = 0;
    await until(() => connections.join() === expected.join(), 'the next two hosts have a connection');
    expect(scene.stat('upstream_cx_total')).toBe(3);
    expect(await get()).toBe(`${(first + 1) % 4}`);
    expect(await get()).toBe(`${(first + 2) % 4}`);
    // Three that are not used are more than enough for the next request.
    expect(connections).toEqual(expected);
    expect(await get()).toBe(`${(first + 3) % 4}`);
  });

  it('stays within the limits of the cluster', async () => {
    const { get } = await start(3, { predictivePreconnectRatio: 3, defaultThresholds: { ...DEFAULT_THRESHOLDS, maxConnections: 1 } });
    await get();
    // The one connection that a pool without any may always make is that of the request.
    expect(scene.stat('upstream_cx_overflow')).toBeGreaterThan(0);
  });

  it('does nothing unless asked to', async () => {
    const { get, connections } = await start(3, {});
    await get();
    expect(scene.stat('upstream_cx_total')).toBe(1);
    expect(connections.reduce((sum, count) => sum + count)).toBe(1);
  });
});
