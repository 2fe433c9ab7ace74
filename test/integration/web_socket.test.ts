import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { type Options, WebSocket, WebSocketServer } from 'ws';
import { backendsUnderTest, Peer, until } from '../support/io_driver.ts';
import { type InProcessOptions, InProcessWorker } from '../support/in_process_worker.ts';
import { TestUpstream } from '../support/test_upstream.ts';

const UPGRADES = [{ type: 'websocket', enabled: true, filters: null }];
const MIB = 1 << 20;

describe.each(backendsUnderTest())('WebSocket through the %s backend', (backend) => {
  const cleanUps: (() => void)[] = [];
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
  });

  async function serve(onConnection: (socket: WebSocket) => void, options: Options = {}): Promise<WebSocketServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
    server.on('connection', onConnection);
    await once(server, 'listening');
    cleanUps.push(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    return server;
  }

  async function proxy(port: number, options: Partial<InProcessOptions> = {}): Promise<InProcessWorker> {
    const worker = await InProcessWorker.start({ backend, upstreamPorts: [port], ...options, manager: { upgrades: UPGRADES, delayedCloseTimeoutMs: 50, ...options.manager } });
    cleanUps.push(() => worker.close());
    return worker;
  }

  async function open(worker: InProcessWorker, options: Options = {}): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${worker.port}/chat`, ['v1'], options);
    cleanUps.push(() => socket.terminate());
    await once(socket, 'open');
    return socket;
  }

  function echo(socket: WebSocket): void {
    socket.on('message', (data: Buffer, isBinary: boolean) => socket.send(data, { binary: isBinary }));
  }

  async function expectAllGone(worker: InProcessWorker): Promise<void> {
    const gauges = ['http.ingress.downstream_cx_active', 'http.ingress.downstream_cx_upgrades_active', 'http.ingress.downstream_rq_active', 'cluster.c.upstream_cx_active', 'cluster.c.upstream_rq_active'];
    await until(() => gauges.every((name) => worker.stat(name) === 0), 'both connections are gone');
    expect(worker.errors).toEqual([]);
  }

  it('carries text and binary messages, sub-protocol and custom headers', async () => {
    const seen: (string | undefined)[] = [];
    const server = await serve(echo);
    server.on('connection', (_socket: WebSocket, request: { url: string; headers: Record<string, string> }) => seen.push(request.url, request.headers['x-mine']));
    const worker = await proxy(server.address().port);
    const socket = await open(worker, { headers: { 'x-mine': 'yes' } });
    expect([seen, socket.protocol]).toEqual([['/chat', 'yes'], 'v1']);
    socket.send('grüß dich');
    expect((await once(socket, 'message')).map(String)).toEqual(['grüß dich', 'false']);
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i & 255));
    socket.send(bytes);
    const [back, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
    expect([Buffer.compare(back, bytes), isBinary]).toEqual([0, true]);
    expect(worker.stat('http.ingress.downstream_cx_upgrades_active')).toBe(1);
    expect(worker.stat('http.ingress.downstream_rq_1xx')).toBe(1);
  });

  it('carries ping and pong both ways', async () => {
    const server = await serve((socket) => socket.ping('from the server'));
    const worker = await proxy(server.address().port);
    const socket = new WebSocket(`ws://127.0.0.1:${worker.port}/`);
    cleanUps.push(() => socket.terminate());
    // The ping may come with the 101.
    expect(String((await once(socket, 'ping'))[0])).toBe('from the server');
    socket.ping('from the client');
    expect(String((await once(socket, 'pong'))[0])).toBe('from the client');
  });

  it.each([
    ['client', 1000], ['client', 1001], ['client', 1011], ['client', 4321], ['server', 1000], ['server', 1003], ['server', 1013], ['server', 3000],
  ] as const)('carries the close code of the %s: %i', async (side, sent) => {
    const accepted: WebSocket[] = [];
    const server = await serve((socket) => accepted.push(socket));
    const worker = await proxy(server.address().port);
    const socket = await open(worker);
    await until(() => accepted.length === 1, 'the server has it');
    const [from, to] = side === 'client' ? [socket, accepted[0] as WebSocket] : [accepted[0] as WebSocket, socket];
    from.close(sent, 'enough');
    const [code, reason] = (await once(to, 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([sent, 'enough']);
    await expectAllGone(worker);
    expect(worker.stat('http.ingress.downstream_cx_upgrades_total')).toBe(1);
  });

  it('carries fragmented messages', async () => {
    const server = await serve(echo, { perMessageDeflate: false });
    const worker = await proxy(server.address().port);
    const socket = await open(worker, { perMessageDeflate: false });
    for (let i = 0; i < 9; i++) socket.send(`part ${i} `, { fin: i === 8 });
    expect(String((await once(socket, 'message'))[0])).toBe(Array.from({ length: 9 }, (_, i) => `part ${i} `).join(''));
  });

  it('lets the ends negotiate permessage-deflate, and carries its bytes', async () => {
    const server = await serve(echo, { perMessageDeflate: { threshold: 0 } });
    const worker = await proxy(server.address().port);
    const socket = await open(worker, { perMessageDeflate: { threshold: 0 } });
    expect(socket.extensions).toContain('permessage-deflate');
    const text = 'the same again and again, '.repeat(20_000);
    socket.send(text);
    expect(String((await once(socket, 'message'))[0]) === text).toBe(true);
    await until(() => worker.stat('http.ingress.downstream_cx_upgrades_active') === 1, 'it goes on');
    const other = await open(worker, { perMessageDeflate: false });
    expect(other.extensions).toBe('');
  });

  it('carries 10,000 messages one after another', async () => {
    const server = await serve(echo);
    const worker = await proxy(server.address().port);
    const socket = await open(worker);
    let received = 0;
    const done = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        if (Number(String(data)) !== received) throw new Error(`message ${received} is ${String(data)}`);
        if (++received === 10_000) resolve();
        else if (received % 100 === 0) for (let i = 0; i < 100; i++) socket.send(String(received + i));
      });
    });
    for (let i = 0; i < 100; i++) socket.send(String(i));
    await done;
    expect(received).toBe(10_000);
  }, 60_000);

  it.each([['up', 'binary'], ['up', 'text'], ['down', 'binary'], ['down', 'text']] as const)('carries 100 MiB %s in %s messages to a reader that stalls, and stops the sender meanwhile', async (direction, kind) => {
    const accepted: WebSocket[] = [];
    const server = await serve((socket) => accepted.push(socket), { perMessageDeflate: false, maxPayload: 2 * MIB });
    const worker = await proxy(server.address().port);
    const socket = await open(worker, { perMessageDeflate: false, maxPayload: 2 * MIB });
    await until(() => accepted.length === 1, 'the server has it');
    const [from, to] = direction === 'up' ? [socket, accepted[0] as WebSocket] : [accepted[0] as WebSocket, socket];
    const pausedName = direction === 'up' ? 'http.ingress.downstream_flow_control_paused_reading_total' : 'cluster.c.upstream_flow_control_paused_reading_total';
    // Text that is more than its characters: half as many, of two bytes each.
    const message = kind === 'binary' ? Buffer.alloc(MIB, 'x') : 'é'.repeat(MIB / 2);
    const expected = Buffer.from(message);
    let received = 0;
    to.on('message', (data: Buffer, isBinary: boolean) => {
      expect([isBinary, Buffer.compare(data, expected)]).toEqual([kind === 'binary', 0]);
      received += data.length;
    });
    to.pause();
    let sent = 0;
    const more = (): void => {
      if (sent === 100) return;
      sent++;
      from.send(message, {}, more);
    };
    more();
    await until(() => worker.stat(pausedName) > 0, 'the sender is stopped', 20_000);
    expect(received).toBe(0);
    to.resume();
    await until(() => received === 100 * MIB, 'all of it arrives', 60_000);
    expect(worker.errors).toEqual([]);
  }, 90_000);

  it('ends a tunnel on which nothing moves', async () => {
    const server = await serve(echo);
    const worker = await proxy(server.address().port, { manager: { streamIdleTimeoutMs: 300 } });
    const socket = await open(worker);
    const [code] = (await once(socket, 'close')) as [number];
    // 1006: without a close frame.
    expect(code).toBe(1006);
    expect(worker.stat('http.ingress.downstream_rq_idle_timeout')).toBe(1);
    await expectAllGone(worker);
  });

  it.each(['client', 'server'] as const)('ends the tunnel when the %s dies', async (side) => {
    const accepted: WebSocket[] = [];
    const server = await serve((socket) => accepted.push(socket));
    const worker = await proxy(server.address().port);
    const socket = await open(worker);
    await until(() => accepted.length === 1, 'the server has it');
    const [dying, other] = side === 'client' ? [socket, accepted[0] as WebSocket] : [accepted[0] as WebSocket, socket];
    dying.terminate();
    expect((await once(other, 'close'))[0]).toBe(1006);
    await expectAllGone(worker);
  });

  it('refuses what is not allowed with 403 and never reads what follows as a request', async () => {
    const up = await TestUpstream.start();
    cleanUps.push(() => up.close());
    const worker = await proxy(up.port, { manager: { upgrades: [] } });
    const peer = new Peer({ port: worker.port, host: '127.0.0.1' });
    cleanUps.push(() => peer.socket.destroy());
    peer.socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(() => peer.ended, 'the connection is closed');
    expect(peer.text).toMatch(/^HTTP\/1.1 403 Forbidden\r\n[^]*connection: close\r\n[^]*\r\n\r\n$/);
    expect(up.peers).toEqual([]);
    expect(worker.stat('http.ingress.downstream_rq_ws_on_non_ws_route')).toBe(1);
  });

  it('cuts tunnels when the worker stops', async () => {
    const server = await serve(echo);
    const worker = await proxy(server.address().port);
    const socket = await open(worker);
    worker.worker.close();
    expect((await once(socket, 'close'))[0]).toBe(1006);
  });
});
