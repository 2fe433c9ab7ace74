import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CloseMode, IoEvent } from '../../core/io/io.ts';
import { backendsUnderTest, IoDriver, settle, until } from '../support/io_driver.ts';
import { clientConfig, type RelayShape, type TlsPeer, TlsPeers } from '../support/tls_peers.ts';

const { EPROTO, ECONNRESET } = constants.errno;
/** First byte of a record that is an alert; with TLS 1.2 everybody can see it. */
const ALERT = 21;

/** Bytes whose value tells their position, so that a lost or swapped range shows. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
  return bytes;
}

/** Types of the records in a stream. */
function recordTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at]);
  return types;
}

describe.each(backendsUnderTest())('%s TLS data', (backend) => {
  let driver: IoDriver;
  let servers: TlsPeers;

  beforeEach(() => {
    driver = new IoDriver(backend);
    servers = new TlsPeers();
  });
  afterEach(() => {
    driver.stop();
    servers.close();
  });

  /** Connected to a TLS server: both ends of it. */
  async function pair(maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3', shape?: RelayShape): Promise<{ connection: number; peer: TlsPeer }> {
    const server = await servers.serve({ maxVersion });
    const port = shape === undefined ? server.port : await servers.relay(server.port, shape);
    const context = driver.io.addTlsContext(clientConfig());
    const connection = driver.io.connect('127.0.0.1', port, { tls: { context, serverName: 'server.example' } });
    await until(() => driver.of(IoEvent.connect, connection).length === 1 && server.peers.length === 1, 'both are connected');
    expect(driver.of(IoEvent.connect, connection)[0].a).toBe(0);
    return { connection, peer: server.peers[0] };
  }

  function received(connection: number): Buffer {
    return Buffer.concat(driver.of(IoEvent.data, connection).map((event) => event.bytes));
  }

  it('sends ranges of all lengths in order, together and alone', async () => {
    const { connection, peer } = await pair();
    const lengths = [1, 16383, 16384, 16385, 3, 0, 40000, 5, 32768, 100];
    const all = pattern(lengths.reduce((sum, length) => sum + length, 0));
    const parts: Buffer[] = [];
    for (const length of lengths) {
      const at = parts.reduce((sum, part) => sum + part.length, 0);
      parts.push(all.subarray(at, at + length));
    }
    driver.send(connection, ...parts);
    for (const part of parts) if (part.length > 0) driver.send(connection, part);
    driver.io.sendBytes(connection, all, 7, all.length - 7);
    await until(() => peer.received === 3 * all.length - 7, 'all arrived');
    expect(Buffer.concat(peer.chunks).equals(Buffer.concat([all, all, all.subarray(7)]))).toBe(true);
    expect(driver.io.bytesWritten[connection]).toBe(3 * all.length - 7);
  });

  it('sends what fits into one record with one call', async () => {
    const { connection, peer } = await pair();
    const sends = driver.io.counters[2];
    driver.send(connection, 'head', 'er', pattern(1000));
    await until(() => peer.received === 1006, 'it arrived');
    expect(driver.io.counters[2] - sends).toBe(1);
  });

  it('moves 4 MiB in both directions at once', async () => {
    const { connection, peer } = await pair();
    const bytes = pattern(4 << 20);
    peer.socket.write(bytes);
    driver.io.setWatermarks(connection, 64 << 10, 256 << 10);
    let sent = 0;
    const pump = (): void => {
      while (sent < bytes.length && driver.io.queued[connection] < 256 << 10) {
        driver.io.sendBytes(connection, bytes, sent, Math.min(100_000, bytes.length - sent));
        sent += Math.min(100_000, bytes.length - sent);
      }
    };
    driver.onEvent = (event) => {
      if (event.kind === IoEvent.drain) setImmediate(pump);
    };
    pump();
    const seen = (): number => driver.of(IoEvent.data, connection).reduce((sum, event) => sum + event.b, 0);
    await until(() => peer.received === bytes.length && seen() === bytes.length, 'all arrived', 15_000);
    expect(driver.io.bytesRead[connection]).toBe(bytes.length);
    expect(Buffer.concat(peer.chunks).equals(bytes)).toBe(true);
    expect(received(connection).equals(bytes)).toBe(true);
  });

  it('counts what a slow peer does not take, and tells when it took it', async () => {
    const { connection, peer } = await pair();
    peer.socket.pause();
    driver.io.setWatermarks(connection, 1000, 100_000);
    // More than sockets and node:tls take by themselves.
    const bytes = pattern(16 << 20);
    driver.io.sendBytes(connection, bytes, 0, bytes.length);
    await settle();
    expect(driver.io.queued[connection]).toBeGreaterThan(100_000);
    expect(driver.of(IoEvent.drain, connection)).toHaveLength(0);
    peer.socket.resume();
    await until(() => driver.of(IoEvent.drain, connection).length > 0, 'the queue fell', 15_000);
    expect(driver.of(IoEvent.drain, connection)).toHaveLength(1);
    await until(() => peer.received === bytes.length, 'all arrived', 15_000);
    expect(driver.io.queued[connection]).toBe(0);
    expect(Buffer.concat(peer.chunks).equals(bytes)).toBe(true);
  });

  it('reads nothing while paused, and all of it afterwards, once a turn', async () => {
    const { connection, peer } = await pair();
    driver.pause(connection);
    await settle(2);
    const bytes = pattern(1 << 20);
    peer.socket.end(bytes);
    await settle();
    const before = driver.io.bytesRead[connection];
    await settle();
    expect(driver.io.bytesRead[connection]).toBe(before);
    driver.resume(connection);
    await until(() => driver.of(IoEvent.eof, connection).length === 1, 'all came, and the end');
    expect(received(connection).equals(bytes)).toBe(true);
    const turns = driver.of(IoEvent.data, connection).map((event) => event.turn);
    expect(new Set(turns).size).toBe(turns.length);
  });

  it('puts what was not consumed in front of the next read, and redelivers it', async () => {
    const { connection, peer } = await pair();
    driver.reader = (event) => (event.bytes.includes('\n') ? event.bytes.length : 0);
    for (const part of ['incomp', 'lete he', 'ad\n']) {
      const before = driver.of(IoEvent.data).length;
      peer.socket.write(part);
      await until(() => driver.of(IoEvent.data).length > before, 'read');
    }
    expect(driver.of(IoEvent.data, connection).map((event) => event.bytes.toString())).toEqual(['incomp', 'incomplete he', 'incomplete head\n']);
    driver.reader = (event) => Math.min(4, event.bytes.length);
    peer.socket.write('aaaabbbb');
    await until(() => driver.of(IoEvent.data).length === 4, 'read');
    driver.resume(connection);
    await until(() => driver.of(IoEvent.data).length === 5, 'redelivered');
    expect(driver.of(IoEvent.data)[4].bytes.toString()).toBe('bbbb');
  });

  it('goes on through a renegotiation where that is allowed', async () => {
    const server = await servers.serve({ maxVersion: 'TLSv1.2' });
    const context = driver.io.addTlsContext(clientConfig({ allowsRenegotiation: true }));
    const connection = driver.io.connect('127.0.0.1', server.port, { tls: { context, serverName: '' } });
    await until(() => server.peers.length === 1, 'both are connected');
    const peer = server.peers[0];
    let outcome = '';
    peer.socket.renegotiate({}, (error) => {
      outcome = error === null ? 'done' : error.message;
    });
    driver.send(connection, 'before ');
    await until(() => outcome !== '', 'it is over');
    driver.send(connection, 'after');
    peer.socket.write('answer');
    await until(() => peer.text === 'before after' && driver.text(connection) === 'answer', 'both directions work');
    expect(outcome).toBe('done');
  });

  it('takes a pause that comes before it is connected', async () => {
    const server = await servers.serve({}, (peer) => peer.socket.end('greeting'));
    const context = driver.io.addTlsContext(clientConfig());
    const connection = driver.io.connect('127.0.0.1', server.port, { tls: { context, serverName: '' } });
    driver.pause(connection);
    await until(() => driver.of(IoEvent.connect, connection).length === 1, 'connected');
    await settle();
    expect(driver.seen.filter((event) => event.connection === connection)).toHaveLength(1);
    driver.resume(connection);
    await until(() => driver.of(IoEvent.eof, connection).length === 1, 'the end');
    expect(driver.text(connection)).toBe('greeting');
  });

  describe('ends', () => {
    it('with close(flush): everything, then a close_notify', async () => {
      let bytes: Buffer = Buffer.alloc(0);
      const { connection, peer } = await pair('TLSv1.2', {
        onClientBytes: (_client, _server, all) => {
          bytes = all;
        },
      });
      const body = pattern(2 << 20);
      driver.io.sendBytes(connection, body, 0, body.length);
      driver.close(connection, CloseMode.flush);
      await until(() => peer.ended, 'the end');
      expect(Buffer.concat(peer.chunks).equals(body)).toBe(true);
      expect(recordTypes(bytes).at(-1)).toBe(ALERT);
      expect(peer.error).toBe('');
    });

    it('with close(flush) before it was connected: what was sent, then a close_notify', async () => {
      const server = await servers.serve();
      const context = driver.io.addTlsContext(clientConfig());
      const connection = driver.io.connect('127.0.0.1', server.port, { tls: { context, serverName: '' } });
      driver.send(connection, 'last words');
      driver.close(connection, CloseMode.flush);
      await until(() => server.peers[0]?.ended === true, 'the end');
      expect(server.peers[0].text).toBe('last words');
      expect(driver.of(IoEvent.connect, connection)).toHaveLength(0);
    });

    it('with close(now): a close_notify', async () => {
      let bytes: Buffer = Buffer.alloc(0);
      const { connection, peer } = await pair('TLSv1.2', {
        onClientBytes: (_client, _server, all) => {
          bytes = all;
        },
      });
      driver.close(connection, CloseMode.now);
      await until(() => peer.ended, 'the end');
      expect(recordTypes(bytes).at(-1)).toBe(ALERT);
    });

    it('with close(reset): a reset', async () => {
      const { connection, peer } = await pair();
      driver.close(connection, CloseMode.reset);
      await until(() => peer.closed, 'it is over');
      expect(peer.error).toBe('ECONNRESET');
    });

    it('with shutdownWrite: the other side can still answer', async () => {
      let bytes: Buffer = Buffer.alloc(0);
      const { connection, peer } = await pair('TLSv1.2', {
        onClientBytes: (_client, _server, all) => {
          bytes = all;
        },
      });
      driver.send(connection, 'question');
      driver.shutdownWrite(connection);
      await until(() => peer.ended && peer.text === 'question', 'our end');
      expect(recordTypes(bytes).at(-1)).toBe(ALERT);
      peer.socket.end('answer');
      await until(() => driver.of(IoEvent.eof, connection).length === 1, 'their end');
      expect(driver.text(connection)).toBe('answer');
    });

    it.each([
      ['close_notify', (peer: TlsPeer) => peer.socket.end()],
      ['FIN alone', (_peer: TlsPeer, client: Socket | undefined) => client?.end()],
    ])('of the peer with a %s is an eof behind the data', async (_what, end) => {
      let side: Socket | undefined;
      const { connection, peer } = await pair('TLSv1.3', {
        onClientBytes: (client) => {
          side = client;
        },
      });
      peer.socket.write('bye');
      await until(() => driver.text(connection) === 'bye', 'the data');
      end(peer, side);
      await until(() => driver.of(IoEvent.eof, connection).length === 1, 'the end');
      await settle(5);
      expect(driver.seen.filter((event) => event.connection === connection).map((event) => event.kind)).toEqual([IoEvent.connect, IoEvent.data, IoEvent.eof]);
      // Our side is open still.
      driver.send(connection, 'and you');
      await until(() => peer.text === 'and you', 'it arrived');
    });

    it.each([
      ['something that is no record', Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), '268435681:SSL routines:OPENSSL_internal:UNEXPECTED_RECORD'],
      ['a record that nobody encrypted', Buffer.from([23, 3, 3, 0, 40, ...Buffer.alloc(40, 7)]), '268435595:SSL routines:OPENSSL_internal:DECRYPTION_FAILED_OR_BAD_RECORD_MAC'],
    ])('with an error when %s comes, behind the data', async (_what, noise, text) => {
      let side: Socket | undefined;
      const { connection, peer } = await pair('TLSv1.3', {
        onClientBytes: (client) => {
          side = client;
        },
      });
      peer.socket.write('good');
      await until(() => driver.text(connection) === 'good', 'what is right comes');
      side?.write(noise);
      await until(() => driver.of(IoEvent.error, connection).length === 1, 'the error');
      expect(driver.of(IoEvent.error, connection)[0].a).toBe(EPROTO);
      expect(driver.io.tlsFailure(connection)).toEqual({ kind: 'other', text: `TLS_error:|${text}:TLS_error_end` });
      driver.send(connection, 'too late');
      driver.close(connection, CloseMode.flush);
    });

    it('with a reset of the peer as every connection', async () => {
      let side: Socket | undefined;
      const { connection } = await pair('TLSv1.3', {
        onClientBytes: (client) => {
          side = client;
        },
      });
      side?.resetAndDestroy();
      await until(() => driver.of(IoEvent.error, connection).length === 1, 'the error');
      expect(driver.of(IoEvent.error, connection)[0].a).toBe(ECONNRESET);
      expect(driver.io.tlsFailure(connection)).toBeNull();
    });

    it('all of them when the backend is closed', async () => {
      const pairs = await Promise.all(Array.from({ length: 5 }, () => pair()));
      const silent = await servers.raw(() => {});
      const context = driver.io.addTlsContext(clientConfig());
      driver.io.connect('127.0.0.1', silent, { tls: { context, serverName: '' } });
      pairs[0].peer.socket.pause();
      driver.io.sendBytes(pairs[0].connection, pattern(4 << 20), 0, 4 << 20);
      driver.stop();
      pairs[0].peer.socket.resume();
      await until(() => pairs.every(({ peer }) => peer.ended || peer.closed), 'all are over');
    });
  });
});
