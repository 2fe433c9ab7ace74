/** Both name-server clients against a real one on the loopback interface. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { decode, encode } from 'dns-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { type NameServer, type NameServerAnswer, UdpNameServer } from './name_server.ts';
import { parseServer, TcpNameServer } from './tcp_name_server.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const NXDOMAIN = 3;
const SERVFAIL = 2;

/** `a.test` has two A records, `none.test` no such name, everything else is an error. */
function respond(query: Uint8Array): Buffer {
  const packet = decode(query);
  const question = packet.questions?.[0] ?? { name: '', type: '' };
  const isKnown = question.name === 'a.test' && question.type === 'A';
  const answers = isKnown ? ['10.0.0.1', '10.0.0.2'].map((data, i) => ({ name: 'a.test', type: 'A', ttl: 30 + i, data })) : [];
  const rcode = question.name === 'none.test' ? NXDOMAIN : question.name === 'a.test' ? 0 : SERVFAIL;
  return encode({ type: 'response', id: packet.id ?? 0, flags: 0x8180 | rcode, questions: [question], answers });
}

async function udpServer(): Promise<string> {
  const socket: UdpSocket = createSocket('udp4');
  socket.on('message', (bytes, from) => socket.send(respond(bytes), from.port, from.address));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  closers.push(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

async function tcpServer(): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('data', (bytes: Buffer) => {
      const answer = respond(bytes.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      // In pieces, as TCP may deliver it.
      socket.write(length.subarray(0, 1));
      socket.write(Buffer.concat([length.subarray(1), answer]));
    });
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => server.close());
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return `127.0.0.1:${bound.port}`;
}

const query = (server: NameServer, name: string, family: 4 | 6): Promise<NameServerAnswer> =>
  new Promise((resolve) => server.query(name, family, resolve));

describe.each<[string, () => Promise<NameServer>]>([
  ['UDP', async () => new UdpNameServer([await udpServer()])],
  ['TCP', async () => new TcpNameServer([await tcpServer()], () => 0.5)],
  ['TCP with a first server that is not there', async () => new TcpNameServer(['127.0.0.1:1', await tcpServer()], () => 0.5)],
])('a name server over %s', (_, start) => {
  it('answers with addresses and their TTL', async () => {
    const server = await start();
    closers.push(() => server.close());
    expect(await query(server, 'a.test', 4)).toEqual({
      kind: 'addresses', addresses: [{ address: '10.0.0.1', ttlSec: 30 }, { address: '10.0.0.2', ttlSec: 31 }],
    });
  });

  it('tells "there is none" from "I cannot say"', async () => {
    const server = await start();
    closers.push(() => server.close());
    expect(await query(server, 'a.test', 6)).toEqual({ kind: 'none' });
    expect(await query(server, 'none.test', 4)).toEqual({ kind: 'none' });
    expect((await query(server, 'broken.test', 4)).kind).toBe('failed');
  });
});

describe('a name server that is not there', () => {
  it('is a failure', async () => {
    expect(await query(new TcpNameServer(['127.0.0.1:1'], () => 0), 'a.test', 4)).toEqual({ kind: 'failed', code: 'ECONNREFUSED' });
  });
});

describe('a name server\'s address', () => {
  it.each([
    ['10.0.0.1', { host: '10.0.0.1', port: 53 }], ['10.0.0.1:5353', { host: '10.0.0.1', port: 5353 }], ['::1', { host: '::1', port: 53 }],
    ['[::1]:54', { host: '::1', port: 54 }], ['[fe80::1]', { host: 'fe80::1', port: 53 }],
  ])('%s', (text, expected) => {
    expect(parseServer(text)).toEqual(expected);
  });
});
