import { afterEach, describe, expect, it } from 'vitest';
import { CloseMode, IoEvent } from '../../core/io/io.ts';
import { backendsUnderTest, IoDriver, type SeenEvent, until } from '../support/io_driver.ts';

/** Seeded, so that a failure can be run again (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** One direction of one connection: bytes that count up, so that any loss, repetition or swap shows. */
interface Side {
  sent: number;
  toSend: number;
  received: number;
  eof: boolean;
  isShut: boolean;
}

const BYTES = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, i) => i % 251));

describe.each(backendsUnderTest())('%s under random commands', (backend) => {
  let driver: IoDriver;
  const sides = new Map<number, Side>();
  let random = randomFrom(1);
  let mistakes: string[] = [];
  const pick = (below: number): number => Math.floor(random() * below);
  afterEach(() => driver.stop());

  function sideOf(connection: number): Side {
    let side = sides.get(connection);
    if (side === undefined) {
      side = { sent: 0, toSend: 1 + pick(300_000), received: 0, eof: false, isShut: false };
      sides.set(connection, side);
    }
    return side;
  }

  function sendSome(connection: number, side: Side): void {
    const pieces = 1 + pick(4);
    for (let i = 0; i < pieces && side.sent < side.toSend; i++) {
      if (driver.io.queued[connection] > 100_000) return;
      const length = Math.min(side.toSend - side.sent, 1 + pick(pick(3) === 0 ? 60_000 : 600));
      const start = side.sent % 251;
      driver.io.sendBytes(connection, BYTES, start, length);
      side.sent += length;
    }
    if (side.sent === side.toSend && !side.isShut) {
      side.isShut = true;
      driver.shutdownWrite(connection);
    }
  }

  /** Checks what it takes, and gives back a random part of the rest. */
  function read(event: SeenEvent): number {
    const side = sideOf(event.connection);
    const taken = pick(4) === 0 ? pick(event.bytes.length + 1) : event.bytes.length;
    const start = side.received % 251;
    if (event.bytes.length > 69_000) mistakes.push(`${event.connection}: held too much`);
    else if (!event.bytes.subarray(0, taken).equals(BYTES.subarray(start, start + taken))) mistakes.push(`${event.connection}: wrong bytes at ${side.received}`);
    if (side.eof && event.turn !== driver.turn) mistakes.push(`${event.connection}: data after eof`);
    side.received += taken;
    return taken;
  }

  it.each([1, 2, 3])('keeps every stream whole (seed %i)', async (seed) => {
    random = randomFrom(seed);
    sides.clear();
    mistakes = [];
    driver = new IoDriver(backend, { recvSize: 16384, arenaSize: 128 << 10 });
    const peers = new Map<number, number>();
    const { port } = await driver.listen();
    driver.reader = read;
    driver.onEvent = (event) => {
      driver.seen.length = 0;
      if (event.kind === IoEvent.error || (event.kind === IoEvent.connect && event.a !== 0)) mistakes.push(`${event.connection}: error ${event.a}`);
      if (event.kind === IoEvent.eof) sideOf(event.connection).eof = true;
    };
    const accepted: string[] = [];
    const clients = Array.from({ length: 60 }, () => driver.io.connect('127.0.0.1', port));
    const onEvent = driver.onEvent;
    driver.onEvent = (event) => {
      if (event.kind === IoEvent.accept) accepted.push(`${event.connection} ${driver.io.remoteAddress(event.connection)}`);
      onEvent(event);
    };
    await until(() => accepted.length === clients.length, 'all are accepted');
    await until(() => clients.every((client) => driver.io.localAddress(client) !== ''), 'all are connected');
    for (const entry of accepted) {
      const [server, address] = entry.split(' ');
      const client = clients.find((candidate) => driver.io.localAddress(candidate) === address) ?? -1;
      peers.set(client, Number(server)).set(Number(server), client);
    }
    const all = [...peers.keys()];
    expect(all).toHaveLength(120);
    for (const connection of all) sideOf(connection);
    const isDone = (connection: number): boolean => {
      const other = sideOf(peers.get(connection) ?? -1);
      return sideOf(connection).eof && sideOf(connection).received === other.toSend;
    };
    await until(
      () => {
        for (let i = 0; i < 60; i++) {
          const connection = all[pick(all.length)];
          const side = sideOf(connection);
          const dice = pick(8);
          if (dice < 5) sendSome(connection, side);
          else if (dice === 5) driver.pause(connection);
          else driver.resume(connection);
        }
        return mistakes.length > 0 || all.every(isDone);
      },
      'all streams are complete',
      30_000,
    );
    expect(mistakes).toEqual([]);
    for (const connection of all) {
      expect(driver.io.bytesRead[connection]).toBe(sideOf(connection).received);
      expect(driver.io.bytesWritten[connection]).toBe(sideOf(connection).toSend);
      driver.close(connection, pick(2) === 0 ? CloseMode.flush : CloseMode.now);
    }
    expect(driver.io.counters[9]).toBe(0);
  }, 40_000);
});
