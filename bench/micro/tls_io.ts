/**
 * What the I/O of an upstream connection costs, plain and with TLS: CPU time of this process per request of 128 bytes with a response of
 * 1 KiB over 64 keep-alive connections, per MiB received, and per handshake (full, and resumed). The server is a process of its own. The
 * tenth best of many rounds, so that it says the same on a busy machine. Run: node bench/micro/tls_io.ts [ring|portable]
 */
import { fork } from 'node:child_process';
import { createServer as createPlainServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createIo } from '../../core/io/create_io.ts';
import { EVENT_WORDS, type Io, IoCommand, IoEvent } from '../../core/io/io.ts';
import { testCertificate } from '../../test/support/tls/certificates.ts';
import { clientConfig } from '../../test/support/tls_peers.ts';

const CONNECTIONS = 64;
const ROUNDS = 100;
const REQUESTS = 4000;
const REQUEST_BYTES = 128;
const RESPONSE_BYTES = 1024;
/** A request that begins with this asks for a long response. */
const LONG = 0x4c;
const LONG_BYTES = 1 << 20;
const HANDSHAKES = 100;

function serve(): void {
  const short = Buffer.alloc(RESPONSE_BYTES, 'x');
  const long = Buffer.alloc(LONG_BYTES, 'y');
  const onSocket = (socket: Socket): void => {
    let open = 0;
    let isLong = false;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      if (open === 0) isLong = chunk[0] === LONG;
      open += chunk.length;
      for (; open >= REQUEST_BYTES; open -= REQUEST_BYTES) socket.write(isLong ? long : short);
    });
  };
  const plain = createPlainServer(onSocket).listen(0, '127.0.0.1', () => {
    const secure = createTlsServer({ ...testCertificate('server') }, onSocket).listen(0, '127.0.0.1', () => {
      const portOf = (server: typeof plain): number => (server.address() as { port: number }).port;
      process.send?.([portOf(plain), portOf(secure)]);
    });
  });
  process.on('disconnect', () => process.exit(0));
}

async function run(): Promise<void> {
  const child = fork(import.meta.filename, []);
  const ports = await new Promise<number[]>((resolve) => child.once('message', (message) => resolve(message as number[])));
  const client = new Client(createIo(process.argv[2] === 'portable' ? 'portable' : 'auto', { maxConnections: 1024 }));
  const versions = ['TLSv1.2', 'TLSv1.3'] as const;
  const contexts = new Map([['plain', -1]]);
  for (const version of versions) contexts.set(version, client.io.addTlsContext(clientConfig({ minVersion: version, maxVersion: version, curves: 'X25519:P-256', maxSessionKeys: 0 })));
  console.log(`${client.io.backend}, node ${process.version}`);
  for (const [name, context] of contexts) {
    const port = context < 0 ? ports[0] : ports[1];
    const connections = await client.open(CONNECTIONS, port, context);
    const request = await best(() => client.requests(connections, REQUESTS, RESPONSE_BYTES, false));
    const long = await best(() => client.requests(connections.slice(0, 4), 16, LONG_BYTES, true), 30);
    client.close(connections);
    const opening = await best(async () => client.close(await client.open(HANDSHAKES, port, context)), 30);
    console.log(
      `${name.padEnd(8)} ${(request / REQUESTS).toFixed(2)} us per request, ${(long / 16).toFixed(0)} us per MiB received, ${(opening / HANDSHAKES).toFixed(0)} us per connection`,
    );
  }
  for (const version of versions) {
    const context = client.io.addTlsContext(clientConfig({ minVersion: version, maxVersion: version, curves: 'X25519:P-256', maxSessionKeys: 2 * HANDSHAKES }));
    // A request brings the tickets.
    const open = async (): Promise<void> => {
      const connections = await client.open(HANDSHAKES, ports[1], context);
      await client.requests(connections, HANDSHAKES, RESPONSE_BYTES, false);
      client.close(connections);
    };
    await open();
    console.log(`${version} resumed: ${((await best(open, 30)) / HANDSHAKES).toFixed(0)} us per connection with one request`);
  }
  client.io.close();
  child.disconnect();
}

/** Microseconds of CPU of the tenth best round. */
async function best(round: () => Promise<void>, rounds = ROUNDS): Promise<number> {
  const spent: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = process.cpuUsage();
    await round();
    const { user, system } = process.cpuUsage(before);
    spent.push(user + system);
  }
  return spent.sort((a, b) => a - b)[Math.floor(rounds / 10)];
}

/** Sends requests and counts responses, as a worker would: in turns, without looking at bytes. */
class Client {
  readonly io: Io;
  private readonly missing = new Int32Array(1024);
  private responseBytes = RESPONSE_BYTES;
  private request: number;
  private toSend = 0;
  private toGet = 0;
  private done: () => void = () => {};

  constructor(io: Io) {
    this.io = io;
    io.slab.fill(0x20, io.staticOffset, io.staticOffset + 2 * REQUEST_BYTES);
    io.slab[io.staticOffset + REQUEST_BYTES] = LONG;
    this.request = io.staticOffset;
    io.start(() => this.turn());
  }

  open(count: number, port: number, context: number): Promise<number[]> {
    const tls = context < 0 ? {} : { tls: { context, serverName: 'server.example' } };
    this.toGet = count;
    const connections = Array.from({ length: count }, () => this.io.connect('127.0.0.1', port, tls));
    return new Promise((resolve) => {
      this.done = () => resolve(connections);
    });
  }

  close(connections: readonly number[]): void {
    for (const connection of connections) this.command(IoCommand.close | (1 << 8), connection);
    this.io.flush();
  }

  requests(connections: readonly number[], count: number, responseBytes: number, isLong: boolean): Promise<void> {
    this.responseBytes = responseBytes;
    this.request = this.io.staticOffset + (isLong ? REQUEST_BYTES : 0);
    this.toGet = count;
    this.toSend = count;
    for (const connection of connections) this.next(connection);
    this.io.flush();
    return new Promise((resolve) => {
      this.done = resolve;
    });
  }

  private next(connection: number): void {
    if (this.toSend === 0) return;
    this.toSend--;
    this.missing[connection] = this.responseBytes;
    this.command(IoCommand.send | (1 << 8), connection, this.request, REQUEST_BYTES);
  }

  private command(...words: number[]): void {
    const { commands, control } = this.io;
    for (const word of words) commands[control[0]++] = word;
  }

  private turn(): void {
    const { events, control } = this.io;
    for (let at = 0; at < control[1] * EVENT_WORDS; at += EVENT_WORDS) {
      const connection = events[at];
      if (events[at + 1] === IoEvent.connect) {
        if (events[at + 2] !== 0) throw new Error(`a connect failed: ${events[at + 2]}`);
        this.got();
      } else if (events[at + 1] === IoEvent.data) {
        this.missing[connection] -= events[at + 3];
        events[at + 3] = 0;
        if (this.missing[connection] > 0) continue;
        this.got();
        this.next(connection);
      }
    }
  }

  private got(): void {
    if (--this.toGet === 0) this.done();
  }
}

if (process.send !== undefined) serve();
else await run();
