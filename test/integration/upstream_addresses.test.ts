/** How connections to upstream hosts are made: several addresses, Unix sockets, local addresses, names that move. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import { hostConfig } from '../support/in_process_worker.ts';
import { backendsUnderTest, until } from '../support/io_driver.ts';
import { UpstreamScene } from '../support/upstream_scene.ts';

describe.each(backendsUnderTest())('upstream connections on the %s backend', (backend) => {
  let scene: UpstreamScene;
  beforeEach(() => {
    scene = new UpstreamScene(backend);
  });
  afterEach(() => scene.close());

  /** A server that says its name and where it is asked from. */
  function serve(name: string, where?: { host: string; port: number } | { path: string }): Promise<number> {
    return scene.serve((request, response) => response.end(`${name} ${request.socket.remoteAddress ?? ''}`), where);
  }

  /** A port where nothing listens. */
  async function refusing(): Promise<number> {
    const port = await serve('gone');
    await new Promise((resolve) => scene.servers.pop()?.close(resolve));
    return port;
  }

  async function start(hosts: readonly HostConfig[], cluster: Partial<ClusterConfig> = {}): Promise<() => Promise<string>> {
    await scene.start(hosts, cluster);
    return () => scene.get();
  }
  const at = (address: string, port: number) => ({ address, port });

  it('go to the next address when one refuses', async () => {
    const [closed, open] = [await refusing(), await serve('second')];
    const get = await start([hostConfig(0, closed, { addresses: [at('127.0.0.1', closed), at('::1', closed), at('127.0.0.1', open)] })]);
    expect(await get()).toBe('second 127.0.0.1');
    expect(scene.stat('upstream_cx_total')).toBe(3);
    expect(scene.stat('upstream_cx_connect_fail')).toBe(0);
    expect(scene.stat('upstream_cx_active')).toBe(1);
  });

  it('fail when all addresses do', async () => {
    const closed = await refusing();
    const get = await start([hostConfig(0, closed, { addresses: [at('127.0.0.1', closed), at('::1', closed)] })]);
    expect(await get()).toBe('503');
    expect([scene.stat('upstream_cx_connect_fail'), scene.stat('upstream_cx_active')]).toEqual([1, 0]);
  });

  it('go to Unix sockets', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'upstream-'));
    try {
      const path = join(folder, 's');
      await serve('unix', { path });
      const get = await start([hostConfig(0, 0, { address: path })]);
      expect(await get()).toBe('unix ');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('come from the local address of their family', async () => {
    const [v4, v6] = [await serve('four'), await serve('six', { host: '::1', port: 0 })];
    const local = { bindAddress: at('::1', 0), otherBindAddress: at('127.0.0.7', 0) };
    const get = await start([hostConfig(0, v4)], local);
    expect(await get()).toBe('four 127.0.0.7');
    scene.setHosts([hostConfig(1, v6, { address: '::1' })]);
    expect(await get()).toBe('six ::1');
  });

  it('fail, and are counted, when the local address is refused', async () => {
    const get = await start([hostConfig(0, await serve('never'))], { bindAddress: at('192.0.2.1', 0) });
    expect(await get()).toBe('503');
    expect([scene.stat('bind_errors'), scene.stat('upstream_cx_connect_fail')]).toEqual([1, 1]);
  });

  it('stay in use when the name of a logical host moves, and new ones go where it moved', async () => {
    const [first, second] = [await serve('first'), await serve('second')];
    const get = await start([hostConfig(0, first)], { isLogical: true });
    expect(await get()).toBe('first 127.0.0.1');
    scene.setHosts([hostConfig(0, second)]);
    expect(await get()).toBe('first 127.0.0.1');
    // Now it closes, and the next request needs another connection.
    scene.servers[0].closeAllConnections();
    scene.servers[0].close();
    await until(() => scene.stat('upstream_cx_active') === 0, 'the connection is gone');
    expect(await get()).toBe('second 127.0.0.1');
  });

  it('are closed when a host that is no logical one moves', async () => {
    const [first, second] = [await serve('first'), await serve('second')];
    const get = await start([hostConfig(0, first)]);
    expect(await get()).toBe('first 127.0.0.1');
    scene.setHosts([hostConfig(0, second)]);
    expect(await get()).toBe('second 127.0.0.1');
    expect(scene.stat('upstream_cx_active')).toBe(1);
  });

  it.each([[true, 3], [false, 2]])('to hosts that stay close when others come, if the cluster says so (%s)', async (closesOnHostSetChange, connections) => {
    const [first, second] = [await serve('first'), await serve('second')];
    const get = await start([hostConfig(0, first)], { closesOnHostSetChange });
    expect(await get()).toBe('first 127.0.0.1');
    scene.setHosts([hostConfig(0, first), hostConfig(1, second)]);
    // Round robin: one request to each.
    expect([await get(), await get()].sort()).toEqual(['first 127.0.0.1', 'second 127.0.0.1']);
    expect(scene.stat('upstream_cx_total')).toBe(connections);
    expect(scene.stat('upstream_cx_active')).toBe(2);
    scene.setHosts([hostConfig(0, first), hostConfig(1, second)]);
    expect(await get()).not.toBe('503');
    expect(scene.stat('upstream_cx_total')).toBe(connections);
  });

  it('finish their request when their host goes', async () => {
    let pending: ServerResponse | undefined;
    const port = await scene.serve((_request, response) => {
      pending = response;
    });
    const get = await start([hostConfig(0, port)]);
    const body = get();
    await until(() => pending !== undefined, 'the request is under way');
    scene.setHosts([]);
    pending?.end('late');
    expect(await body).toBe('late');
    await until(() => scene.stat('upstream_cx_active') === 0, 'the connection is closed');
    expect(await get()).toBe('503');
  });
});
