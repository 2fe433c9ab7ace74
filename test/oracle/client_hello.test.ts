import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import { expect, it } from 'vitest';
import { readClientHello } from './client_hello.ts';

/** The first bytes that a client of node:tls sends. */
async function firstBytes(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ ...options, port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return bytes as Buffer;
}

it.each<[string, ConnectionOptions, ReturnType<typeof readClientHello>]>([
  ['everything', { servername: 'a.example', ALPNProtocols: ['h2', 'http/1.1'] }, { serverName: 'a.example', alpn: ['h2', 'http/1.1'], versions: ['TLSv1.3', 'TLSv1.2'] }],
  ['neither name nor ALPN', {}, { versions: ['TLSv1.3', 'TLSv1.2'] }],
  ['an old version', { maxVersion: 'TLSv1.2' }, { versions: ['TLSv1.2'] }],
])('what a client offers is read: %s', async (_name, options, expected) => {
  expect(readClientHello(await firstBytes(options))).toEqual(expected);
});

it.each(['GET / HTTP/1.1\r\n\r\n', '', '\x16\x03\x01\x00\x01\x02'])('what is no ClientHello is not taken for one: %j', (text) => {
  expect(readClientHello(Buffer.from(text, 'latin1'))).toBeUndefined();
});
