import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CloseMode, ConnectFailure, IoEvent } from '../../core/io/io.ts';
import { OptionStage, packSocketOptions, type SocketOption } from '../../core/io/socket_options.ts';
import { backendsUnderTest, IoDriver, Peer, settle, until } from '../support/io_driver.ts';

const { EADDRNOTAVAIL, ECONNREFUSED, ECONNRESET, EINVAL, ENOENT, ENOPROTOOPT, EOPNOTSUPP, EPIPE } = constants.errno;

describe.each(backendsUnderTest())('%s connections', (backend) => {
  let driver: IoDriver;
  const servers: Server[] = [];

  beforeEach(() => {
    driver = new IoDriver(backend);
  });
  afterEach(() => {
    driver.stop();
    for (const server of servers.splice(0)) server.close();
  });

  /** A `node:net` server; resolves with its port and the promise of its first connection. */
  async function serve(host = '127.0.0.1'): Promise<{ port: number; peer: Promise<Peer> }> {
    const server = createServer({ allowHalfOpen: true });
    servers.push(server);
    const peer = new Promise<Peer>((resolve) => server.once('connection', (socket) => resolve(new Peer(socket))));
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    return { port: typeof address === 'object' && address !== null ? address.port : 0, peer };
  }

  describe('accepting', () => {
    it('tells the listener of an accepted connection and both addresses', async () => {
      const { peer, connection, listener, port } = await driver.pair();
      expect(driver.of(IoEvent.accept)[0].a).toBe(listener);
      expect(driver.io.remoteAddress(connection)).toBe(`127.0.0.1:${peer.socket.localPort}`);
      expect(driver.io.localAddress(connection)).toBe(`127.0.0.1:${port}`);
    });

    it('knows no other destination of a connection that was not redirected', async () => {
      const { connection, port } = await driver.pair();
      // With connection tracking the system says where it is: here.
      expect(['', `127.0.0.1:${port}`]).toContain(driver.io.originalDestination(connection));
      expect(driver.io.originalDestination(-1)).toBe('');
    });

    it('accepts on IPv6 loopback and writes the address in brackets', async () => {
      const { peer, connection, port } = await driver.pair('::1');
      expect(driver.io.remoteAddress(connection)).toBe(`[::1]:${peer.socket.localPort}`);
      expect(driver.io.localAddress(connection)).toBe(`[::1]:${port}`);
      driver.onEvent = (event) => {
        if (event.kind === IoEvent.data) driver.send(event.connection, event.bytes);
      };
      peer.socket.write('six');
      await until(() => peer.text === 'six', 'the echo came back');
    });

    it('accepts a burst of connections, each once', async () => {
      const { port } = await driver.listen();
      const peers = Array.from({ length: 100 }, () => new Peer({ host: '127.0.0.1', port }));
      await until(() => driver.of(IoEvent.accept).length === 100, 'all are accepted');
      expect(new Set(driver.of(IoEvent.accept).map((event) => event.connection)).size).toBe(100);
      for (const peer of peers) peer.socket.destroy();
      await until(() => driver.of(IoEvent.eof).length === 100, 'all are seen to end');
    });

    it('stops accepting when the listener is released', async () => {
      const { peer, connection, listener, port } = await driver.pair();
      driver.io.releaseListener(listener);
      await settle();
      const late = new Peer({ host: '127.0.0.1', port });
      await settle();
      expect(driver.of(IoEvent.accept)).toHaveLength(1);
      peer.socket.write('still here');
      await until(() => driver.text(connection) === 'still here', 'the connection lives on');
      late.socket.destroy();
    });
  });

  describe('connecting', () => {
    it('says so when the local address is refused', async () => {
      const { port } = await serve();
      const connection = driver.io.connect('127.0.0.1', port, { bind: { address: '192.0.2.1', port: 0 } });
      await until(() => driver.of(IoEvent.connect, connection).length === 1, 'the connect ended');
      expect(driver.of(IoEvent.connect, connection)[0].a).toBe(EADDRNOTAVAIL | ConnectFailure.bind);
    });

    it('sets socket options by number where the platform lets it, and fails the connect where not', async () => {
      const { port } = await serve();
      const connect = async (options: SocketOption): Promise<number> => {
        const connection = driver.io.connect('127.0.0.1', port, { socketOptions: packSocketOptions([options]) });
        await until(() => driver.of(IoEvent.connect, connection).length === 1, 'the connect ended');
        return driver.of(IoEvent.connect, connection)[0].a;
      };
      const isRing = backend === 'ring';
      const [solSocket, soKeepAlive, soLinger, ipprotoTcp] = [1, 9, 13, 6];
      const refused = (errno: number): number => (isRing ? errno : EOPNOTSUPP) | ConnectFailure.option;
      const works = isRing ? 0 : EOPNOTSUPP | ConnectFailure.option;
      expect(await connect({ stage: OptionStage.beforeBind, level: solSocket, name: soKeepAlive, value: 1 })).toBe(works);
      expect(await connect({ stage: OptionStage.afterBind, level: solSocket, name: soLinger, value: new Uint8Array([1, 0, 0, 0, 5, 0, 0, 0]) })).toBe(works);
      expect(await connect({ stage: OptionStage.beforeBind, level: ipprotoTcp, name: 9999, value: 1 })).toBe(refused(ENOPROTOOPT));
      expect(await connect({ stage: OptionStage.afterBind, level: solSocket, name: soLinger, value: new Uint8Array([1, 2, 3]) })).toBe(refused(EINVAL));
    });

    it('reports success with 0 and sends what was commanded meanwhile', async () => {
      const { port, peer } = await serve();
      const connection = driver.io.connect('127.0.0.1', port);
      driver.send(connection, 'early ', 'bird');
      await until(() => driver.of(IoEvent.connect, connection).length === 1, 'connected');
      expect(driver.of(IoEvent.connect, connection)[0].a).toBe(0);
      const accepted = await peer;
      await until(() => accepted.text === 'early bird', 'the queued bytes arrive');
      expect(driver.io.remoteAddress(connection)).toBe(`127.0.0.1:${port}`);
      expect(driver.io.localAddress(connection)).toBe(`127.0.0.1:${accepted.socket.remotePort}`);
      expect(driver.io.queued[connection]).toBe(0);
      expect(driver.io.bytesWritten[connection]).toBe(10);
    });

    it('reports a refused connect with the positive errno, once', async () => {
      const { port } = await serve();
      await new Promise((resolve) => servers.splice(0)[0].close(resolve));
      const connection = driver.io.connect('127.0.0.1', port);
      await until(() => driver.of(IoEvent.connect, connection).length === 1, 'the connect ended');
      await settle();
      expect(driver.seen.filter((event) => event.connection === connection)).toMatchObject([{ kind: IoEvent.connect, a: ECONNREFUSED }]);
      driver.close(connection, CloseMode.now);
    });

    it('connects over IPv6', async () => {
      const { port, peer } = await serve('::1');
      const connection = driver.io.connect('::1', port);
      driver.send(connection, 'v6');
      const accepted = await peer;
      await until(() => accepted.text === 'v6', 'the bytes arrive');
      expect(driver.io.remoteAddress(connection)).toBe(`[::1]:${port}`);
    });

    it('binds to a local address and sets keep-alive', async () => {
      const { port, peer } = await serve();
      const options = { bind: { address: '127.0.0.1', port: 0 }, keepAlive: { idleSec: 30, intervalSec: 5, probes: 3 }, noDelay: false };
      const connection = driver.io.connect('127.0.0.1', port, options);
      const accepted = await peer;
      expect(accepted.socket.remoteAddress).toBe('127.0.0.1');
      await until(() => driver.of(IoEvent.connect, connection)[0]?.a === 0, 'connected');
    });

    it('refuses an address that is not numeric with a negative errno', () => {
      expect(driver.io.connect('localhost', 80)).toBe(-EINVAL);
      expect(driver.io.connect('', 80)).toBe(-EINVAL);
    });

    it('closes a connection that is still connecting without an event', async () => {
      const { port } = await serve();
      const connection = driver.io.connect('127.0.0.1', port);
      driver.close(connection, CloseMode.now);
      await settle();
      expect(driver.seen.filter((event) => event.connection === connection)).toEqual([]);
    });
  });

  describe('unix sockets', () => {
    let folder = '';
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'io-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it.each(['path', 'abstract name'])('serves and connects by %s', async (kind) => {
      const address = kind === 'path' ? join(folder, 's') : `@envoyts-test-${process.pid}-${backend}`;
      await driver.listen(address);
      driver.onEvent = (event) => {
        if (event.kind === IoEvent.data && event.connection !== client) driver.send(event.connection, event.bytes);
      };
      const client = driver.io.connect(address, 0);
      driver.send(client, 'over unix');
      await until(() => driver.text(client) === 'over unix', 'the echo came back');
      const accepted = driver.of(IoEvent.accept)[0].connection;
      expect(driver.io.remoteAddress(client)).toBe(address);
      expect(driver.io.remoteAddress(accepted)).toBe('');
      expect(driver.io.localAddress(accepted)).toBe(address);
      driver.close(client, CloseMode.flush);
      await until(() => driver.of(IoEvent.eof, accepted).length === 1, 'the far end sees it close');
    });

    it('reports a missing path as a failed connect', async () => {
      const connection = driver.io.connect(join(folder, 'missing'), 0);
      await until(() => driver.of(IoEvent.connect, connection).length === 1, 'the connect ended');
      expect(driver.of(IoEvent.connect, connection)[0].a).toBe(ENOENT);
    });
  });

  describe('ends of connections', () => {
    it('delivers eof once, after all data', async () => {
      const { peer, connection } = await driver.pair();
      peer.socket.end(Buffer.alloc(300_000, 'x'));
      await until(() => driver.of(IoEvent.eof, connection).length > 0, 'eof');
      await settle();
      const kinds = driver.seen.filter((event) => event.connection === connection).map((event) => event.kind);
      expect(kinds.lastIndexOf(IoEvent.data)).toBe(kinds.indexOf(IoEvent.eof) - 1);
      expect(kinds.filter((kind) => kind === IoEvent.eof)).toHaveLength(1);
      expect(driver.text(connection)).toHaveLength(300_000);
      expect(driver.io.bytesRead[connection]).toBe(300_000);
    });

    it('still sends after the peer half-closed', async () => {
      const { peer, connection } = await driver.pair();
      peer.socket.end('bye');
      await until(() => driver.of(IoEvent.eof, connection).length === 1, 'eof');
      driver.send(connection, 'answer after eof');
      driver.close(connection, CloseMode.flush);
      await until(() => peer.closed, 'the peer is closed');
      expect(peer.text).toBe('answer after eof');
      expect(peer.error).toBe('');
    });

    it('still reads after shutdownWrite, which flushes first', async () => {
      const { peer, connection } = await driver.pair();
      driver.send(connection, Buffer.alloc(200_000, 'y'));
      driver.shutdownWrite(connection);
      await until(() => peer.ended, 'the peer sees the FIN');
      expect(peer.received).toBe(200_000);
      peer.socket.end('heard');
      await until(() => driver.of(IoEvent.eof, connection).length === 1, 'eof');
      expect(driver.text(connection)).toBe('heard');
    });

    it('shuts down after connecting when told so before', async () => {
      const { port, peer } = await serve();
      const connection = driver.io.connect('127.0.0.1', port);
      driver.shutdownWrite(connection);
      const accepted = await peer;
      await until(() => accepted.ended, 'the FIN arrives');
      accepted.socket.end('answer');
      await until(() => driver.of(IoEvent.eof, connection).length === 1, 'eof');
      expect(driver.text(connection)).toBe('answer');
    });

    it('reports a reset as error, once, and nothing after it', async () => {
      const { peer, connection } = await driver.pair();
      peer.socket.resetAndDestroy();
      await until(() => driver.of(IoEvent.error, connection).length > 0, 'error');
      driver.send(connection, 'into the void');
      await settle();
      expect(driver.seen.filter((event) => event.connection === connection).slice(1)).toMatchObject([{ kind: IoEvent.error, a: ECONNRESET }]);
      expect(driver.io.queued[connection]).toBe(0);
      driver.close(connection, CloseMode.flush);
    });

    it('delivers what the peer sent before its reset when reading was never stopped', async () => {
      const { peer, connection } = await driver.pair();
      peer.socket.write('last words');
      await until(() => driver.text(connection) === 'last words', 'data');
      peer.socket.resetAndDestroy();
      await until(() => driver.of(IoEvent.error, connection).length === 1, 'error');
    });

    it('delivers what arrived together with a reset first', async () => {
      const { peer, connection } = await driver.pair();
      peer.socket.write('last words');
      peer.socket.resetAndDestroy();
      await until(() => driver.of(IoEvent.error, connection).length === 1, 'error');
      expect(driver.text(connection)).toBe('last words');
      expect(driver.of(IoEvent.eof, connection)).toEqual([]);
    });

    it.runIf(backend === 'ring')('reports a reset also while paused and after eof', async () => {
      const paused = await driver.pair();
      driver.pause(paused.connection);
      paused.peer.socket.resetAndDestroy();
      await until(() => driver.of(IoEvent.error, paused.connection)[0]?.a === ECONNRESET, 'error of the paused one');
      const ended = await driver.pair();
      ended.peer.socket.end();
      await until(() => driver.of(IoEvent.eof, ended.connection).length === 1, 'eof');
      ended.peer.socket.resetAndDestroy();
      await until(() => driver.of(IoEvent.error, ended.connection).length === 1, 'error after eof');
    });

    it('reports a failed send as error', async () => {
      const { peer, connection } = await driver.pair();
      peer.socket.destroy();
      await until(() => driver.of(IoEvent.eof, connection).length === 1, 'eof');
      // The first bytes provoke the reset, later ones run into it.
      await until(() => {
        driver.send(connection, 'anyone there?');
        return driver.of(IoEvent.error, connection).length > 0;
      }, 'error');
      expect([ECONNRESET, EPIPE]).toContain(driver.of(IoEvent.error, connection)[0].a);
    });
  });

  describe('closing', () => {
    it('flush: the peer gets everything that was queued, then FIN', async () => {
      const { peer, connection } = await driver.pair();
      peer.socket.pause();
      const block = Buffer.alloc(250_000, 'z');
      for (let i = 0; i < 32; i++) driver.send(connection, block);
      expect(driver.io.queued[connection]).toBeGreaterThan(0);
      driver.close(connection, CloseMode.flush);
      await settle();
      peer.socket.resume();
      await until(() => peer.ended, 'FIN');
      expect(peer.received).toBe(32 * block.length);
      expect(peer.error).toBe('');
    });

    it('flush: unread input does not cost the peer our last bytes', async () => {
      const { peer, connection } = await driver.pair();
      driver.pause(connection);
      peer.socket.write(Buffer.alloc(50_000, 'u'));
      await settle();
      driver.send(connection, 'the last answer');
      driver.close(connection, CloseMode.flush);
      await until(() => peer.ended || peer.closed, 'the connection ends');
      expect(peer.text).toBe('the last answer');
      expect(peer.error).toBe('');
    });

    it('now: drops the queue', async () => {
      const { peer, connection } = await driver.pair();
      peer.socket.pause();
      const block = Buffer.alloc(250_000, 'z');
      for (let i = 0; i < 64; i++) driver.send(connection, block);
      expect(driver.io.queued[connection]).toBeGreaterThan(0);
      driver.close(connection, CloseMode.now);
      expect(driver.io.queued[connection]).toBe(0);
      peer.socket.resume();
      await until(() => peer.ended || peer.closed, 'the connection ends');
      expect(peer.received).toBeLessThan(64 * block.length);
    });

    it('now: is a FIN for the peer when nothing is unread', async () => {
      const { peer, connection } = await driver.pair();
      driver.close(connection, CloseMode.now);
      await until(() => peer.ended, 'FIN');
      expect(peer.error).toBe('');
    });

    it('reset: is a reset for the peer', async () => {
      const { peer, connection } = await driver.pair();
      driver.close(connection, CloseMode.reset);
      await until(() => peer.closed, 'closed');
      expect(peer.error).toBe('ECONNRESET');
    });

    it('delivers nothing of a closed connection, and ignores commands for it', async () => {
      const { peer, connection } = await driver.pair();
      const before = driver.seen.length;
      driver.close(connection, CloseMode.flush);
      driver.send(connection, 'too late');
      driver.close(connection, CloseMode.now);
      driver.resume(connection);
      peer.socket.write('too late as well');
      await settle();
      expect(driver.seen.length).toBe(before);
      expect(peer.text).toBe('');
      expect(driver.io.counters[9]).toBe(0);
    });

    it('gives a number out again only after the turn in which it was closed', async () => {
      const { port } = await serve();
      const { peer, connection } = await driver.pair();
      const made: number[] = [];
      driver.onEvent = (event) => {
        if (event.kind !== IoEvent.data || made.length > 0) return;
        driver.close(connection, CloseMode.now);
        driver.io.flush();
        made.push(driver.io.connect('127.0.0.1', port));
      };
      peer.socket.write('go');
      await until(() => made.length > 0, 'the turn ran');
      expect(made[0]).not.toBe(connection);
      await until(() => driver.of(IoEvent.connect, made[0]).length === 1, 'connected');
      const reused = driver.io.connect('127.0.0.1', port);
      expect(reused).toBe(connection);
      expect(driver.io.bytesRead[reused]).toBe(0);
    });

    it('keeps the bytes of a reused number apart', async () => {
      const { port } = await driver.listen();
      for (let i = 0; i < 30; i++) {
        const accepts = driver.of(IoEvent.accept).length;
        const peer = new Peer({ host: '127.0.0.1', port });
        const seenBefore = driver.seen.length;
        await until(() => driver.of(IoEvent.accept).length > accepts, 'accepted');
        const { connection } = driver.of(IoEvent.accept)[accepts];
        peer.socket.write(`message ${i}`);
        await until(() => driver.seen.slice(seenBefore).some((event) => event.kind === IoEvent.data), 'data');
        driver.send(connection, `answer ${i}`);
        driver.close(connection, CloseMode.flush);
        await until(() => peer.ended, 'FIN');
        expect(peer.text).toBe(`answer ${i}`);
        const own = driver.seen.slice(seenBefore).filter((event) => event.connection === connection && event.kind === IoEvent.data);
        expect(Buffer.concat(own.map((event) => event.bytes)).toString()).toBe(`message ${i}`);
        peer.socket.destroy();
      }
    });
  });
});
