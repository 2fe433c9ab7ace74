import { describe, expect, it } from 'vitest';
import { FakeIo, type FakeSocket } from '../../test/support/fake_io.ts';
import { type InProcessOptions, InProcessWorker } from '../../test/support/in_process_worker.ts';
import { DEFAULT_THRESHOLDS } from '../upstream/cluster_config.ts';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

class Scene {
  readonly io = new FakeIo();
  readonly worker: InProcessWorker;

  constructor(cluster: InProcessOptions['cluster'] = {}) {
    this.worker = InProcessWorker.onFake(this.io, { upstreamPorts: [81], cluster: { poolPerDownstream: true, ...cluster } });
  }

  client(): FakeSocket {
    return this.io.socket(this.io.accept(this.worker.listenerNumber));
  }

  /** Sends a request; the connection to the upstream that was made for it, or null. */
  ask(client: FakeSocket, request = GET): FakeSocket | null {
    const before = this.stat('upstream_cx_total');
    this.io.data(client.connection, request);
    if (this.stat('upstream_cx_total') === before) return null;
    const upstream = this.io.latest;
    this.io.connected(upstream.connection);
    return upstream;
  }

  stat(name: string): number {
    return this.worker.stat(`cluster.c.${name}`);
  }
}

describe('pools per downstream connection', () => {
  it('uses a connection again for its own client alone', () => {
    const scene = new Scene();
    const [one, two] = [scene.client(), scene.client()];
    const first = scene.ask(one);
    scene.io.data(first?.connection ?? -1, OK);
    const second = scene.ask(two);
    expect(second).not.toBe(null);
    scene.io.data(second?.connection ?? -1, OK);
    expect([scene.ask(one), scene.ask(two)]).toEqual([null, null]);
    expect(first?.sent.match(/GET/g)).toHaveLength(2);
    expect(second?.sent.match(/GET/g)).toHaveLength(2);
  });

  it('keeps what a client left until it idles, and then forgets the pool', () => {
    const scene = new Scene({ idleTimeoutMs: 1000 });
    const client = scene.client();
    const upstream = scene.ask(client);
    scene.io.data(upstream?.connection ?? -1, OK);
    scene.io.eof(client.connection);
    expect(scene.stat('upstream_cx_active')).toBe(1);
    scene.io.advance(2000);
    expect([scene.stat('upstream_cx_active'), scene.stat('upstream_cx_idle_timeout')]).toEqual([0, 1]);
  });

  it('makes room for another client when pools are limited and one is not in use', () => {
    const scene = new Scene({ defaultThresholds: { ...DEFAULT_THRESHOLDS, maxConnectionPools: 1 } });
    const [one, two] = [scene.client(), scene.client()];
    const first = scene.ask(one);
    expect(scene.ask(two)).toBe(null);
    expect(two.sent).toMatch(/^HTTP\/1.1 503 [^]*no healthy upstream$/);
    expect(scene.stat('upstream_cx_pool_overflow')).toBe(1);
    scene.io.data(first?.connection ?? -1, OK);
    expect(scene.ask(two)).not.toBe(null);
    expect(scene.stat('upstream_cx_destroy_local')).toBe(1);
    expect(scene.stat('upstream_cx_pool_overflow')).toBe(1);
  });

  it('drains with the host, and closes with the worker', () => {
    const scene = new Scene();
    const upstream = scene.ask(scene.client());
    scene.io.data(upstream?.connection ?? -1, OK);
    scene.worker.apply(1, { upstreamPorts: [] });
    expect(scene.stat('upstream_cx_active')).toBe(0);
  });
});

describe('pools per name that requests know their host by', () => {
  const byName = { poolPerDownstream: false, autoServerName: { setsServerName: true, verifiesName: false, header: '' } };
  const request = (host: string): string => `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`;

  it('uses a connection again for requests of the same name alone, whoever sends them', () => {
    const scene = new Scene(byName);
    const [one, two] = [scene.client(), scene.client()];
    const first = scene.ask(one, request('a.example'));
    scene.io.data(first?.connection ?? -1, OK);
    const second = scene.ask(one, request('b.example'));
    expect(second).not.toBe(null);
    scene.io.data(second?.connection ?? -1, OK);
    expect([scene.ask(two, request('a.example:80')), scene.ask(one, request('b.example'))]).toEqual([null, null]);
    expect(first?.sent.match(/GET/g)).toHaveLength(2);
  });

  it('forgets them with their last connection', () => {
    const scene = new Scene({ ...byName, idleTimeoutMs: 1000, defaultThresholds: { ...DEFAULT_THRESHOLDS, maxConnectionPools: 1 } });
    const client = scene.client();
    scene.io.data(scene.ask(client, request('a.example'))?.connection ?? -1, OK);
    scene.io.advance(2000);
    expect([scene.stat('upstream_cx_active'), scene.stat('upstream_cx_idle_timeout')]).toEqual([0, 1]);
    expect(scene.ask(client, request('b.example'))).not.toBe(null);
    expect(scene.stat('upstream_cx_pool_overflow')).toBe(0);
  });
});
