/** The WebSocket example as a user starts it, with ports of the system's choice. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as netConnect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { EnvoytsProcess } from './support/envoyts_process.ts';

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const EXAMPLE = readFileSync(new URL('../../examples/websocket.yaml', import.meta.url), 'utf8');

async function start(app: number, database: number): Promise<EnvoytsProcess> {
  const text = EXAMPLE.replace(/port_value: (9901|10000|10001)/g, 'port_value: 0').replace('port_value: 8080', `port_value: ${app}`).replace('port_value: 5432', `port_value: ${database}`);
  const envoyts = new EnvoytsProcess('real', text, ['--concurrency', '2']);
  closers.push(() => envoyts.dispose());
  await envoyts.ready();
  return envoyts;
}

it('carries WebSocket messages, logs both ends of the tunnel, and ends it on SIGTERM', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  closers.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  server.on('connection', (socket: WebSocket) => socket.on('message', (data: Buffer) => socket.send(`echo ${data.toString()}`)));
  await once(server, 'listening');
  const envoyts = await start(server.address().port, 1);
  const address = await envoyts.listener('web');
  const socket = new WebSocket(`ws://${address}/chat/room`);
  closers.push(() => socket.terminate());
  await once(socket, 'open');
  socket.send('hello');
  expect(String((await once(socket, 'message'))[0])).toBe('echo hello');
  const elsewhere = new WebSocket(`ws://${address}/elsewhere`);
  expect(String((await once(elsewhere, 'error'))[0])).toContain('403');
  await envoyts.until('the gauge says so', async () => (await envoyts.admin('/stats?filter=upgrades_active')).body.includes('http.web.downstream_cx_upgrades_active: 1'));
  envoyts.signal('SIGTERM');
  expect((await once(socket, 'close'))[0]).toBe(1006);
  expect(await envoyts.exit()).toEqual({ code: 0, signal: null });
  expect(envoyts.stdout).toMatch(/^DownstreamTunnelSuccessfullyEstablished GET \/chat\/room 101 - in=0 out=0 /m);
  expect(envoyts.stdout).toMatch(/^DownstreamEnd GET \/elsewhere 403 - in=0 out=0 /m);
  expect(envoyts.stdout).toMatch(/^DownstreamEnd GET \/chat\/room 101 \S+ in=11 out=12 /m);
});

it('carries a CONNECT to the one destination it is for', async () => {
  const database = createServer((socket: Socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  closers.push(() => void database.close());
  await once(database, 'listening');
  const bound = database.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const envoyts = await start(1, bound.port);
  const address = await envoyts.listener('connect');
  const ask = async (target: string): Promise<string> => {
    const socket = netConnect(Number(address.split(':')[1]), '127.0.0.1');
    closers.push(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\nquery`);
    await envoyts.until('an answer', () => text.endsWith('\r\n\r\nquery') || text.includes('404'));
    return text;
  };
  expect(await ask('db.internal:5432')).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*query$/);
  expect(await ask('elsewhere:5432')).toMatch(/^HTTP\/1.1 404 Not Found\r\n/);
});
