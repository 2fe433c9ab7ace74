import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CloseMode, IoCommand, IoEvent } from '../../core/io/io.ts';
import { backendsUnderTest, IoDriver, Peer, settle, until } from '../support/io_driver.ts';

/** Bytes whose value tells their position, so that a lost or swapped range shows. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
  return bytes;
}

describe.each(backendsUnderTest())('%s data', (backend) => {
  let driver: IoDriver;

  beforeEach(() => {
    driver = new IoDriver(backend);
  });
  afterEach(() => driver.stop());

  function echo(): void {
    driver.onEvent = (event) => {
      if (event.kind === IoEvent.data) driver.sendRanges(event.connection, event.a, event.b);
    };
  }

  it('echoes straight from the read arena', async () => {
    echo();
    const { peer } = await driver.pair();
    const sent = pattern(1 << 20);
    peer.socket.end(sent);
    await until(() => peer.received === sent.length, 'all came back');
    expect(Buffer.concat(peer.chunks).equals(sent)).toBe(true);
  });

  it('delivers split writes in order and leaves eight writable bytes after each range', async () => {
    const { peer, connection } = await driver.pair();
    driver.onEvent = (event) => {
      if (event.kind === IoEvent.data) driver.io.slab.fill(0xff, event.a + event.b, event.a + event.b + 8);
    };
    peer.socket.setNoDelay(true);
    for (const part of 'one two three') {
      peer.socket.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => driver.text(connection).length === 13, 'all parts');
    expect(driver.text(connection)).toBe('one two three');
  });

  it('keeps ranges of different connections in one turn apart', async () => {
    const { port } = await driver.listen();
    echo();
    const peers = Array.from({ length: 40 }, () => new Peer({ host: '127.0.0.1', port }));
    for (let round = 0; round < 5; round++) {
      for (const [i, peer] of peers.entries()) peer.socket.write(`<${round}:${i}>`.repeat(100));
      await until(() => peers.every((peer) => peer.text.includes(`<${round}:`)), 'all echoed');
    }
    await until(() => peers.every((peer, i) => peer.received === (`<0:${i}>`.length * 100 * 5)), 'everything came');
    for (const [i, peer] of peers.entries()) expect(new Set(peer.text.match(/:\d+>/g))).toEqual(new Set([`:${i}>`]));
  });

  it('reads each connection at most once per turn, also when it never pauses', async () => {
    const { peer, connection } = await driver.pair();
    peer.socket.end(Buffer.alloc(2 << 20));
    await until(() => driver.of(IoEvent.eof, connection).length === 1, 'eof');
    const turns = driver.of(IoEvent.data, connection).map((event) => event.turn);
    expect(new Set(turns).size).toBe(turns.length);
  });

  describe('unconsumed bytes', () => {
    it('are put in front of the next read', async () => {
      const { peer, connection } = await driver.pair();
      driver.reader = (event) => (event.bytes.includes('\n') ? event.bytes.length : 0);
      peer.socket.setNoDelay(true);
      for (const part of ['incomp', 'lete he', 'ad\n']) {
        const before = driver.of(IoEvent.data).length;
        peer.socket.write(part);
        await until(() => driver.of(IoEvent.data).length > before, 'read');
      }
      expect(driver.of(IoEvent.data, connection).map((event) => event.bytes.toString())).toEqual(['incomp', 'incomplete he', 'incomplete head\n']);
    });

    it('keep only the part that was given back', async () => {
      const { peer, connection } = await driver.pair();
      driver.reader = (event) => Math.min(3, event.bytes.length);
      peer.socket.write('abcdef');
      await until(() => driver.of(IoEvent.data).length === 1, 'first read');
      peer.socket.write('gh');
      await until(() => driver.of(IoEvent.data).length === 2, 'second read');
      expect(driver.of(IoEvent.data, connection)[1].bytes.toString()).toBe('defgh');
    });

    it('are redelivered alone by resume, also when it was not paused', async () => {
      const { peer, connection } = await driver.pair();
      driver.reader = (event) => (event.turn === driver.of(IoEvent.data)[0].turn ? 2 : event.bytes.length);
      peer.socket.write('pipelined');
      await until(() => driver.of(IoEvent.data).length === 1, 'first read');
      await settle();
      expect(driver.of(IoEvent.data)).toHaveLength(1);
      driver.resume(connection);
      await until(() => driver.of(IoEvent.data).length === 2, 'redelivered');
      expect(driver.of(IoEvent.data)[1].bytes.toString()).toBe('pelined');
      driver.resume(connection);
      await settle();
      expect(driver.of(IoEvent.data)).toHaveLength(2);
    });

    it('are redelivered when the resume was commanded in the turn that gave them back', async () => {
      const { peer, connection } = await driver.pair();
      driver.reader = (event) => Math.min(4, event.bytes.length);
      driver.onEvent = (event) => {
        if (event.kind === IoEvent.data && event.bytes.length > 4) driver.resume(event.connection);
      };
      peer.socket.write('aaaabbbbcccc');
      await until(() => driver.of(IoEvent.data).length === 3, 'three reads');
      expect(driver.of(IoEvent.data, connection).map((event) => event.bytes.toString())).toEqual(['aaaabbbbcccc', 'bbbbcccc', 'cccc']);
    });

    it('survive eof and can still be asked for', async () => {
      const { peer, connection } = await driver.pair();
      driver.reader = () => 0;
      peer.socket.end('rest');
      await until(() => driver.of(IoEvent.eof).length === 1, 'eof');
      driver.reader = (event) => event.bytes.length;
      driver.resume(connection);
      await until(() => driver.of(IoEvent.data).length === 2, 'redelivered');
      expect(driver.of(IoEvent.data)[1].bytes.toString()).toBe('rest');
      await settle();
      expect(driver.of(IoEvent.eof)).toHaveLength(1);
    });

    it('that outgrow the arena end the connection, not the process', async () => {
      const { peer, connection } = await driver.pair();
      driver.reader = () => 0;
      peer.socket.write(Buffer.alloc(2 << 20));
      await until(() => driver.of(IoEvent.error, connection).length === 1, 'error');
      expect(driver.of(IoEvent.error, connection)[0].a).toBe(105);
      driver.close(connection, CloseMode.reset);
      await until(() => peer.closed, 'closed');
    });
  });

  describe('pause', () => {
    it('stops data, and resume delivers held and new bytes together in order', async () => {
      const { peer, connection } = await driver.pair();
      driver.reader = (event) => (driver.of(IoEvent.data).length === 1 ? 3 : event.bytes.length);
      driver.onEvent = (event) => {
        if (event.kind === IoEvent.data && driver.of(IoEvent.data).length === 1) driver.pause(event.connection);
      };
      peer.socket.write('abcheld');
      await until(() => driver.of(IoEvent.data).length === 1, 'first read');
      peer.socket.write(' and new');
      await settle();
      expect(driver.of(IoEvent.data)).toHaveLength(1);
      driver.resume(connection);
      await until(() => driver.of(IoEvent.data).map((event) => event.bytes.toString()).join('|').endsWith('new'), 'the rest');
      expect(Buffer.concat(driver.of(IoEvent.data, connection).slice(1).map((event) => event.bytes)).toString()).toBe('held and new');
    });

    it('delays eof until after the data that came before it', async () => {
      const { peer, connection } = await driver.pair();
      driver.pause(connection);
      peer.socket.end(pattern(100_000));
      await settle();
      expect(driver.seen.filter((event) => event.kind !== IoEvent.accept)).toEqual([]);
      driver.resume(connection);
      await until(() => driver.of(IoEvent.eof, connection).length === 1, 'eof');
      expect(Buffer.from(driver.text(connection), 'latin1').equals(pattern(100_000))).toBe(true);
      expect(driver.seen.at(-1)?.kind).toBe(IoEvent.eof);
    });

    it('bounds what a fast sender can make us hold', async () => {
      const { peer, connection } = await driver.pair();
      driver.pause(connection);
      const before = driver.io.bytesRead[connection];
      peer.socket.write(Buffer.alloc(32 << 20));
      await settle(50);
      expect(driver.io.bytesRead[connection] - before).toBeLessThan(1 << 20);
      driver.resume(connection);
      await until(() => driver.io.bytesRead[connection] === 32 << 20, 'all is read in the end');
    });

    it('toggled in every turn loses nothing', async () => {
      const { peer, connection } = await driver.pair();
      const sent = pattern(3 << 20);
      driver.onEvent = (event) => {
        if (event.kind !== IoEvent.data) return;
        driver.pause(event.connection);
        setImmediate(() => driver.resume(event.connection));
      };
      peer.socket.end(sent);
      await until(() => driver.of(IoEvent.eof, connection).length === 1, 'eof');
      expect(Buffer.concat(driver.of(IoEvent.data, connection).map((event) => event.bytes)).equals(sent)).toBe(true);
    });
  });

  describe('sending', () => {
    it('gathers ranges of any number and size in order', async () => {
      const { peer, connection } = await driver.pair();
      const source = pattern(200_000);
      driver.io.slab.set(source, driver.io.outOffset);
      const pairs: number[] = [];
      for (let at = 0, size = 1; at < source.length; at += size, size = ((size * 7) % 997) + 1) {
        pairs.push(driver.io.outOffset + at, Math.min(size, source.length - at), driver.io.outOffset, 0);
        size = Math.min(size, source.length - at);
      }
      expect(pairs.length / 2).toBeGreaterThan(500);
      driver.sendRanges(connection, ...pairs);
      driver.send(connection, 'end');
      await until(() => peer.received === source.length + 3, 'all arrived');
      expect(Buffer.concat(peer.chunks).subarray(0, source.length).equals(source)).toBe(true);
      expect(driver.io.bytesWritten[connection]).toBe(source.length + 3);
    });

    it('sends static literals and bytes outside the slab after what was commanded before', async () => {
      const { peer, connection } = await driver.pair();
      driver.io.slab.set(Buffer.from('literal '), driver.io.staticOffset);
      driver.io.commands.set([IoCommand.send | (1 << 8), connection, driver.io.staticOffset, 8]);
      driver.io.control[0] = 4;
      driver.io.sendBytes(connection, Buffer.from('xxoutside'), 2, 7);
      await until(() => peer.text === 'literal outside', 'both arrived');
      expect(() => driver.io.sendBytes(connection, Buffer.alloc(4), 2, 3)).toThrow(RangeError);
    });

    it('copies what a slow reader does not take, tells its size, and drains at the low watermark', async () => {
      const { peer, connection } = await driver.pair();
      const low = 100_000;
      driver.io.setWatermarks(connection, low, 1 << 20);
      peer.socket.pause();
      const block = pattern(200_000);
      let blocks = 0;
      while (driver.io.queued[connection] <= 1 << 20) {
        driver.send(connection, block);
        blocks += 1;
      }
      expect(driver.of(IoEvent.drain)).toEqual([]);
      driver.io.slab.fill(0, driver.io.outOffset, driver.io.outOffset + block.length);
      expect(driver.io.bytesWritten[connection] + driver.io.queued[connection]).toBe(blocks * block.length);
      peer.socket.resume();
      await until(() => peer.received === blocks * block.length, 'all arrived');
      await until(() => driver.of(IoEvent.drain, connection).length > 0, 'drain');
      await settle();
      expect(driver.of(IoEvent.drain, connection)).toHaveLength(1);
      expect(driver.of(IoEvent.drain, connection)[0].a).toBeLessThanOrEqual(low);
      const all = Buffer.concat(peer.chunks);
      for (let i = 0; i < blocks; i++) expect(all.subarray(i * block.length, (i + 1) * block.length).equals(block)).toBe(true);
      expect(driver.io.queued[connection]).toBe(0);
    });

    it('does not drain when the queue never rose above the high watermark', async () => {
      const { peer, connection } = await driver.pair();
      driver.io.setWatermarks(connection, 0, 64 << 20);
      peer.socket.pause();
      while (driver.io.queued[connection] === 0) driver.send(connection, Buffer.alloc(200_000));
      peer.socket.resume();
      await until(() => driver.io.queued[connection] === 0, 'flushed');
      await settle();
      expect(driver.of(IoEvent.drain)).toEqual([]);
    });

    it('moves 64 MiB past a reader that stalls, at flat memory', async () => {
      const { peer, connection } = await driver.pair();
      const total = 64 << 20;
      const block = pattern(128 << 10);
      let sent = 0;
      let highest = 0;
      const pump = (): void => {
        while (sent < total && driver.io.queued[connection] <= 512 << 10) {
          driver.send(connection, block);
          sent += block.length;
          highest = Math.max(highest, driver.io.queued[connection]);
        }
      };
      driver.io.setWatermarks(connection, 0, 512 << 10);
      driver.onEvent = (event) => {
        if (event.kind === IoEvent.drain) setImmediate(pump);
      };
      let got = 0;
      peer.socket.removeAllListeners('data');
      peer.socket.on('data', (chunk: Buffer) => {
        got += chunk.length;
        if (got % (4 << 20) < chunk.length) {
          peer.socket.pause();
          setTimeout(() => peer.socket.resume(), 1);
        }
      });
      pump();
      await until(() => got === total, 'all arrived', 20_000);
      expect(highest).toBeLessThan(1 << 20);
    }, 30_000);
  });

  describe('wrong commands', () => {
    it.each([
      ['a send beyond the slab', (d: IoDriver, c: number) => d.sendRanges(c, d.io.slab.length - 4, 5)],
      ['a negative offset', (d: IoDriver, c: number) => d.sendRanges(c, -1, 5)],
      ['a negative length', (d: IoDriver, c: number) => d.sendRanges(c, 0, -5)],
      ['more ranges than words', (d: IoDriver, c: number) => d.command(IoCommand.send | (99 << 8), c, 0, 1)],
      ['an unknown command', (d: IoDriver, c: number) => d.command(77, c)],
      ['an unknown close mode', (d: IoDriver, c: number) => d.command(IoCommand.close | (9 << 8), c)],
    ])('%s is counted and fails only that connection', async (_name, make) => {
      const { peer, connection, port } = await driver.pair();
      echo();
      make(driver, connection);
      expect(driver.io.counters[9]).toBe(1);
      await until(() => driver.of(IoEvent.error, connection).length === 1, 'error');
      driver.close(connection, CloseMode.now);
      await until(() => peer.closed || peer.ended, 'the peer sees it end');
      const other = new Peer({ host: '127.0.0.1', port });
      other.socket.write('fine');
      await until(() => other.text === 'fine', 'others go on');
    });

    it('a connection number out of range, and a cut-off record, are counted', () => {
      driver.command(IoCommand.pause, 1 << 20);
      driver.command(IoCommand.pause, -1);
      driver.command(IoCommand.pause);
      expect(driver.io.counters[9]).toBe(3);
    });

    it('unconsumed bytes outside the slab fail that connection', async () => {
      const { peer, connection } = await driver.pair();
      driver.reader = () => -(1 << 30);
      peer.socket.write('x');
      await until(() => driver.of(IoEvent.error, connection).length === 1, 'error');
      expect(driver.io.counters[9]).toBe(1);
    });
  });

  describe('turns', () => {
    it('tick comes at the wanted interval until it is switched off', async () => {
      driver.io.setTick(1);
      await until(() => driver.of(IoEvent.tick).length >= 3, 'three ticks');
      expect(driver.of(IoEvent.tick)[0].connection).toBe(-1);
      driver.io.setTick(0);
      await settle(3);
      const before = driver.of(IoEvent.tick).length;
      await settle();
      expect(driver.of(IoEvent.tick).length).toBe(before);
    });

    it('sets the clock at the start of each', async () => {
      const clocks: number[][] = [];
      driver.onEvent = () => clocks.push([driver.io.clock[0], driver.io.clock[1]]);
      driver.io.setTick(1);
      const before = Date.now();
      await until(() => clocks.length > 3, 'some turns');
      for (let i = 1; i < clocks.length; i++) expect(clocks[i][0]).toBeGreaterThan(clocks[i - 1][0]);
      expect(Math.abs(clocks[0][1] - before)).toBeLessThan(5000);
    });

    it('executes flush inside a turn at once', async () => {
      const { peer } = await driver.pair();
      let queuedAfter = -1;
      driver.onEvent = (event) => {
        if (event.kind !== IoEvent.data) return;
        driver.send(event.connection, 'now');
        driver.io.flush();
        queuedAfter = driver.io.bytesWritten[event.connection];
      };
      peer.socket.write('x');
      await until(() => peer.text === 'now', 'arrived');
      expect(queuedAfter).toBe(3);
    });

    it('close ends everything, is idempotent, and makes later calls throw', async () => {
      const { peer } = await driver.pair();
      driver.io.close();
      driver.io.close();
      await until(() => peer.ended || peer.closed, 'the peer sees it end');
      expect(() => driver.io.flush.call(driver.io)).not.toThrow(TypeError);
      expect(() => driver.io.connect('127.0.0.1', 1)).toThrow(/closed/);
    });

    it('close inside a turn is safe', async () => {
      const { peer } = await driver.pair();
      driver.onEvent = () => driver.io.close();
      peer.socket.write('x');
      await until(() => peer.ended || peer.closed, 'the peer sees it end');
      await settle();
    });
  });
});
