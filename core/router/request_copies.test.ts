import { describe, expect, it } from 'vitest';
import { FakeIo, type FakeSocket } from '../../test/support/fake_io.ts';
import { InProcessWorker } from '../../test/support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../../test/support/route_config.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerContext } from '../upstream/load_balancer.ts';
import type { Host } from '../upstream/host.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6000\r\n\r\n';
const PIECE = 'p'.repeat(600);

/** A worker whose only route mirrors every request to the cluster it goes to anyway. */
class MirrorScene {
  readonly io = new FakeIo();
  readonly worker: InProcessWorker;

  constructor() {
    const mirror = { cluster: 'c', clusterHeader: '', runtimeFraction: null, appendsShadowSuffix: true, hostRewrite: '', mutations: [] };
    const table = routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ action: routeAction({ mirrorPolicies: [mirror], timeoutMs: 1000 }) })] })] });
    const limit = { perConnectionBufferLimitBytes: 1000 };
    this.worker = InProcessWorker.onFake(this.io, { upstreamPorts: [81], listener: limit, cluster: limit, manager: { routeConfig: table } });
  }

  /** The client, and the connections of request and copy, connected. */
  exchange(request: string): { client: FakeSocket; upstream: FakeSocket; mirror: FakeSocket } {
    const client = this.io.socket(this.io.accept(this.worker.listenerNumber));
    this.io.data(client.connection, request);
    const [upstream, mirror] = this.io.sockets.slice(-2);
    this.io.connected(upstream.connection);
    this.io.connected(mirror.connection);
    return { client, upstream, mirror };
  }

  stat(name: string): number {
    return this.worker.stat(`cluster.c.${name}`);
  }
}

describe('request mirroring', () => {
  it('holds the client up while a mirror does not read, and only then', () => {
    const scene = new MirrorScene();
    const { client, upstream, mirror } = scene.exchange(POST);
    mirror.stalled = true;
    for (let i = 0; i < 3; i++) scene.io.data(client.connection, PIECE);
    expect(client.paused).toBe(true);
    scene.io.drain(mirror.connection);
    expect(client.paused).toBe(false);
    for (let i = 0; i < 7; i++) scene.io.data(client.connection, PIECE);
    expect(mirror.sent).toMatch(/^POST \/ HTTP\/1.1\r\nhost: a-shadow\r\n[^]*p{6000}$/);
    expect(upstream.sent.endsWith('p'.repeat(6000))).toBe(true);
    expect(scene.worker.errors).toEqual([]);
  });

  it('lets the client go on when a stalled mirror breaks', () => {
    const scene = new MirrorScene();
    const { client, upstream, mirror } = scene.exchange(POST);
    mirror.stalled = true;
    for (let i = 0; i < 3; i++) scene.io.data(client.connection, PIECE);
    scene.io.eof(mirror.connection);
    expect(client.paused).toBe(false);
    for (let i = 0; i < 7; i++) scene.io.data(client.connection, PIECE);
    scene.io.data(upstream.connection, OK);
    expect(client.sent).toContain('200 OK');
    expect(scene.stat('upstream_rq_active')).toBe(0);
  });

  it('gives a mirror no longer than the route’s timeout', () => {
    const scene = new MirrorScene();
    const { client, upstream, mirror } = scene.exchange('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    scene.io.data(upstream.connection, OK);
    expect(client.sent).toContain('200 OK');
    expect(scene.stat('upstream_rq_active')).toBe(1);
    scene.io.advance(1100);
    expect([scene.stat('upstream_rq_timeout'), scene.stat('internal.upstream_rq_504'), scene.stat('upstream_rq_active')]).toEqual([1, 1, 0]);
    expect(mirror.closed).not.toBe(-1);
  });

  it('gives the copy up with a request that never becomes complete', () => {
    const scene = new MirrorScene();
    const { client, mirror } = scene.exchange(POST);
    scene.io.data(client.connection, PIECE);
    scene.io.eof(client.connection);
    expect(mirror.closed).not.toBe(-1);
    expect(scene.stat('upstream_rq_active')).toBe(0);
  });
});

describe('hash policies at the router', () => {
  it('hand the hash to a balancer that asks for one, and the cookie to the client', () => {
    const seen: boolean[] = [];
    const hashes: number[][] = [];
    class Watching {
      private hosts: readonly Host[] = [];
      setHosts(hosts: readonly Host[]): void {
        this.hosts = hosts;
      }
      chooseHost(context: LoadBalancerContext): Host | null {
        seen.push(context.hasHash);
        hashes.push([context.hashHigh, context.hashLow]);
        return this.hosts[0] ?? null;
      }
    }
    const policy = { kind: 'cookie' as const, name: 'sid', ttlSeconds: 9, path: '', attributes: [], terminal: false };
    const table = routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ action: routeAction({ hashPolicies: [policy] }) })] })] });
    const io = new FakeIo();
    const worker = InProcessWorker.onFake(io, {
      upstreamPorts: [81], manager: { routeConfig: table }, cluster: { lbPolicy: { name: 'watching', typeName: 'watching', config: {} } },
      register: (registry) => registry.register({
        category: LOAD_BALANCING_CATEGORY, name: 'watching', typeName: 'watching', parse: (message: object) => message,
        createFactory: () => ({ create: () => new Watching(), usesHash: true }),
      }),
    });
    const client = io.socket(io.accept(worker.listenerNumber));
    io.data(client.connection, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const upstream = io.latest;
    io.connected(upstream.connection);
    io.data(upstream.connection, OK);
    const cookie = /set-cookie: sid="([0-9a-f]{16})"; Max-Age=9; HttpOnly\r\n/.exec(client.sent)?.[1];
    expect(cookie).toBeDefined();
    io.data(client.connection, `GET / HTTP/1.1\r\nhost: a\r\ncookie: sid=${cookie}\r\n\r\n`);
    io.data(upstream.connection, OK);
    expect(seen).toEqual([true, true]);
    expect(hashes[0]).toEqual(hashes[1]);
    expect(client.sent.match(/set-cookie/g)).toHaveLength(1);
  });
});
