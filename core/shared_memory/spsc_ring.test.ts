import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRing, RingGauge, RingReader, RingWord, RingWriter, STAGING_BYTES } from './spsc_ring.ts';

/** Puts a line of `length` bytes, all `fill`, through either way of writing. */
function writeLine(writer: RingWriter, length: number, fill: number, inPlace: boolean): boolean {
  if (inPlace) {
    writer.lineBytes.fill(fill, writer.lineOffset, writer.lineOffset + length);
    return writer.commit(length);
  }
  return writer.write(new Uint8Array(length + 3).fill(fill), 3, length);
}

describe('a ring', () => {
  it('is empty at first, and of the size asked for, rounded up', () => {
    const memory = createRing(5000);
    expect(new RingReader(memory).available()).toBe(0);
    const writer = new RingWriter(memory);
    expect([writer.write(new Uint8Array(8192), 0, 8192), writer.write(new Uint8Array(1), 0, 1)]).toEqual([true, false]);
  });

  // Lines are made in place in the larger one, while there is room for the longest.
  it.each([[4096, 3000, 300], [128 << 10, STAGING_BYTES, 60]])('of %i bytes behaves like a queue of whole lines that refuses what does not fit', (capacity, longest, numRuns) => {
    const write = fc.record({ kind: fc.constant('write' as const), length: fc.integer({ min: 0, max: longest }), inPlace: fc.boolean() });
    const read = fc.record({ kind: fc.constant('read' as const), room: fc.integer({ min: 0, max: 2 * longest }) });
    fc.assert(fc.property(fc.array(fc.oneof(write, read), { maxLength: 120 }), (steps) => {
      const memory = createRing(capacity);
      const writer = new RingWriter(memory);
      const reader = new RingReader(memory);
      const gauge = new RingGauge(memory);
      let model: number[] = [];
      let lines = 0;
      let dropped = 0;
      for (const [i, step] of steps.entries()) {
        if (step.kind === 'write') {
          const fits = model.length + step.length <= capacity;
          expect(writeLine(writer, step.length, i & 255, step.inPlace)).toBe(fits);
          if (fits) model = model.concat(Array<number>(step.length).fill(i & 255));
          if (fits) lines++;
          else dropped++;
        } else {
          const target = new Uint8Array(step.room + 1).fill(255);
          const count = reader.read(target, 1, step.room);
          expect(count).toBe(Math.min(step.room, model.length));
          expect(Buffer.compare(target.subarray(1, count + 1), Uint8Array.from(model.slice(0, count)))).toBe(0);
          model = model.slice(count);
        }
        expect([reader.available(), gauge.lines(), gauge.dropped(), gauge.buffered()]).toEqual([model.length, lines, dropped, model.length]);
      }
    }), { numRuns });
  });

  it('goes on when the counts of bytes wrap at 2^32', () => {
    const memory = createRing(4096);
    const words = new Int32Array(memory, 0, 32);
    words[RingWord.published] = -1000;
    words[RingWord.consumed] = -1000;
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    const target = new Uint8Array(4096);
    for (let i = 0; i < 40; i++) {
      expect(writeLine(writer, 900, i, i % 2 === 0)).toBe(true);
      expect(reader.read(target, 0, 4096)).toBe(900);
      expect(target.subarray(0, 900).every((byte) => byte === i)).toBe(true);
    }
    expect(words[RingWord.published]).toBe(-1000 + 40 * 900);
  });

  it('lets a second reader go on where the first one stopped', () => {
    const memory = createRing(4096);
    const writer = new RingWriter(memory);
    writeLine(writer, 10, 1, true);
    new RingReader(memory).read(new Uint8Array(10), 0, 10);
    writeLine(writer, 20, 2, true);
    const second = new RingReader(memory);
    expect(second.available()).toBe(20);
  });

  it('asks the reader to come once per so many bytes, and again after it was there', async () => {
    const memory = createRing(1 << 16);
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    reader.setWakeBytes(1000);
    const words = new Int32Array(memory, 0, 32);
    for (let i = 0; i < 9; i++) writeLine(writer, 100, 1, true);
    expect(words[RingWord.wake]).toBe(0);
    const woken = reader.whenWoken();
    writeLine(writer, 100, 1, true);
    expect(words[RingWord.wake]).toBe(1);
    await woken;
    reader.clearWake();
    reader.read(new Uint8Array(4096), 0, 4096);
    for (let i = 0; i < 9; i++) writeLine(writer, 100, 1, true);
    expect(words[RingWord.wake]).toBe(0);
    writeLine(writer, 100, 1, true);
    expect(words[RingWord.wake]).toBe(1);
    await reader.whenWoken();
  });

  it.each([4096, 128 << 10, 1 << 20])('has room for the longest line at every position of %i bytes', (capacity) => {
    const memory = createRing(capacity);
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    const target = new Uint8Array(capacity);
    for (let i = 0; i < 1000; i++) {
      expect(writer.lineBytes.length - writer.lineOffset).toBeGreaterThanOrEqual(STAGING_BYTES);
      writeLine(writer, (i * 977) % 4000, i, true);
      if (i % 7 === 0) reader.read(target, 0, capacity);
    }
  });
});
