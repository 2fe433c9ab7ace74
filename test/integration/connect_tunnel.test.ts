import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { HostHealthFlag } from '../../core/shared_memory/layout.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { selfSigned } from '../support/self_signed.ts';
import { backendsUnderTest, Peer, until } from '../support/io_driver.ts';
import { InProcessWorker } from '../support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, routeMatch, virtualHost } from '../support/route_config.ts';

const UPGRADES = [{ type: 'connect', enabled: true, filters: null }];
const CONNECT = 'CONNECT example.test:443 HTTP/1.1\r\nhost: example.test:443\r\n\r\n';

describe.each(backendsUnderTest())('CONNECT through the %s backend', (backend) => {
  const cleanUps: (() => void)[] = [];
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
  });

  async function listen(server: Server): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  /** A proxy whose route ends CONNECT here, or forwards it. */
  async function proxy(port: number, connect: { allowPost: boolean } | null, cluster: Partial<ClusterConfig> = {}): Promise<InProcessWorker> {
    const table = routeConfig({
      virtualHosts: [virtualHost({ routes: [routeEntry({ match: routeMatch({ path: { kind: 'connect' } }), action: routeAction({ connect }) }), routeEntry({ action: routeAction({ connect }) })] })],
    });
    const worker = await InProcessWorker.start({ backend, upstreamPorts: [port], cluster, manager: { upgrades: UPGRADES, routeConfig: table, delayedCloseTimeoutMs: 50 } });
    cleanUps.push(() => worker.close());
    return worker;
  }

  function client(worker: InProcessWorker): Peer {
    const peer = new Peer({ port: worker.port, host: '127.0.0.1' });
    cleanUps.push(() => peer.socket.destroy());
    return peer;
  }

  /** A socket behind an established CONNECT. */
  async function tunnel(worker: InProcessWorker): Promise<Socket> {
    const socket = netConnect({ port: worker.port, host: '127.0.0.1' });
    cleanUps.push(() => socket.destroy());
    socket.write(CONNECT);
    let head = '';
    await new Promise<void>((resolve) => {
      const onData = (chunk: Buffer): void => {
        head += chunk.toString('latin1');
        if (!head.endsWith('\r\n\r\n')) return;
        socket.removeListener('data', onData);
        resolve();
      };
      socket.on('data', onData);
    });
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(head).not.toContain('transfer-encoding');
    return socket;
  }

  async function expectAllGone(worker: InProcessWorker): Promise<void> {
    await until(() => ['http.ingress.downstream_cx_active', 'http.ingress.downstream_cx_upgrades_active', 'cluster.c.upstream_cx_active', 'cluster.c.upstream_rq_active'].every((name) => worker.stat(name) === 0), 'all is gone');
    expect(worker.errors).toEqual([]);
  }

  it.each([[true, 0], [false, 1]])('is cut when its host fails, where close_connections_on_host_health_failure is %s', async (closesOnHealthFailure, left) => {
    const port = await listen(createServer((socket) => socket.pipe(socket)));
    const worker = await proxy(port, { allowPost: false }, { closesOnHealthFailure });
    const socket = await tunnel(worker);
    const health = new Int32Array(worker.slabs.hostHealth);
    health[0] = HostHealthFlag.failedActiveHc;
    worker.worker.onHealthChanged(0);
    await until(() => worker.stat('http.ingress.downstream_cx_upgrades_active') === left, 'the tunnel is as it should be');
    if (left === 1) {
      // It works on, and what comes after it uses another connection.
      socket.write('still');
      await new Promise<void>((resolve) => socket.once('data', () => resolve()));
      socket.destroy();
    }
    await expectAllGone(worker);
    health[0] = 0;
    worker.worker.onHealthChanged(0);
    (await tunnel(worker)).destroy();
    await expectAllGone(worker);
    expect(worker.stat('cluster.c.upstream_cx_total')).toBe(2);
  });

  it('ends it here and carries bytes to a plain TCP upstream', async () => {
    const port = await listen(createServer((socket) => socket.pipe(socket)));
    const worker = await proxy(port, { allowPost: false });
    const socket = await tunnel(worker);
    const bytes = Buffer.alloc(3_000_000, 'tunnel');
    const back: Buffer[] = [];
    let length = 0;
    socket.on('data', (chunk: Buffer) => {
      back.push(chunk);
      length += chunk.length;
    });
    socket.write(bytes);
    await until(() => length === bytes.length, 'everything comes back');
    expect(Buffer.compare(Buffer.concat(back), bytes)).toBe(0);
    expect(worker.stat('cluster.c.upstream_cx_http1_total')).toBe(0);
    expect(worker.stat('cluster.c.upstream_cx_total')).toBe(1);
    socket.destroy();
    await expectAllGone(worker);
  });

  it('carries TLS from end to end', async () => {
    const { key, cert } = selfSigned('example.test');
    const port = await listen(createTlsServer({ key, cert }, (socket) => socket.pipe(socket)));
    const worker = await proxy(port, { allowPost: false });
    const secure = tlsConnect({ socket: await tunnel(worker), servername: 'example.test', ca: cert });
    cleanUps.push(() => secure.destroy());
    await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
    expect(secure.authorized).toBe(true);
    secure.write('secret');
    const [answer] = await new Promise<Buffer[]>((resolve) => secure.once('data', (chunk: Buffer) => resolve([chunk])));
    expect(String(answer)).toBe('secret');
  });

  it('passes on all an upstream said before it ended', async () => {
    const port = await listen(createServer((socket) => socket.end('x'.repeat(500_000))));
    const worker = await proxy(port, { allowPost: false });
    const peer = client(worker);
    peer.socket.write(CONNECT);
    await until(() => peer.ended, 'the end arrives');
    expect(peer.text.endsWith(`\r\n\r\n${'x'.repeat(500_000)}`)).toBe(true);
    await expectAllGone(worker);
  });

  it('ends POST here where the route says so, with the request’s end as FIN', async () => {
    const port = await listen(
      createServer({ allowHalfOpen: true }, (socket) => {
        let text = '';
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1');
        });
        socket.on('end', () => socket.end(`got ${text}`));
      }),
    );
    const worker = await proxy(port, { allowPost: true });
    const peer = client(worker);
    peer.socket.write('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
    await until(() => peer.text.endsWith('0\r\n\r\n'), 'the response is complete');
    expect(peer.text).toContain('\r\n9\r\ngot abcde\r\n');
    expect(worker.stat('http.ingress.downstream_cx_upgrades_total')).toBe(0);
  });

  it('forwards it to an HTTP proxy, and its refusal back', async () => {
    let answer = 'HTTP/1.1 200 Connection Established\r\n\r\n';
    let head = '';
    const port = await listen(
      createServer((socket) => {
        socket.once('data', (chunk: Buffer) => {
          head = chunk.toString('latin1');
          socket.write(answer);
          socket.on('data', (rest: Buffer) => socket.write(`echo ${rest.toString('latin1')}`));
        });
      }),
    );
    const worker = await proxy(port, null);
    const socket = await tunnel(worker);
    expect(head).toMatch(/^CONNECT example.test:443 HTTP\/1.1\r\nhost: example.test:443\r\n/);
    socket.write('hello');
    const chunk = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(String(chunk)).toBe('echo hello');
    answer = 'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 2\r\n\r\nno';
    const peer = client(worker);
    peer.socket.write(CONNECT);
    await until(() => peer.ended, 'it is refused');
    expect(peer.text).toMatch(/^HTTP\/1.1 407 [^]*connection: close\r\n\r\nno$/);
  });

  it('answers 503 when nobody listens', async () => {
    const worker = await proxy(1, { allowPost: false });
    const peer = client(worker);
    peer.socket.write(CONNECT);
    await until(() => peer.ended, 'the connection is closed');
    expect(peer.text).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/);
    await expectAllGone(worker);
  });
});
