import { afterEach, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../native/index.ts';
import { createIo } from './create_io.ts';
import type { Io } from './io.ts';

const SMALL = { maxConnections: 16, arenaSize: 1 << 18, staticSize: 1000, outSize: 5000, recvSize: 65536 };

describe('createIo', () => {
  const made: Io[] = [];
  afterEach(() => {
    for (const io of made.splice(0)) io.close();
  });

  function create(...args: Parameters<typeof createIo>): Io {
    const io = createIo(...args);
    made.push(io);
    return io;
  }

  it('takes the ring by default where it was built', () => {
    expect(create('auto', SMALL).backend).toBe(nativeAvailable() ? 'ring' : 'portable');
  });

  it('takes the portable backend when told so', () => {
    expect(create('portable', SMALL).backend).toBe('portable');
  });

  it.each(nativeAvailable() ? (['ring', 'portable'] as const) : (['portable'] as const))('lays out the slab of the %s backend as promised', (backend) => {
    const io = create(backend, SMALL);
    expect(io.staticOffset).toBeGreaterThanOrEqual(SMALL.arenaSize);
    expect(io.staticSize).toBeGreaterThanOrEqual(SMALL.staticSize);
    expect(io.outOffset).toBe(io.staticOffset + io.staticSize);
    expect(io.outSize).toBeGreaterThanOrEqual(SMALL.outSize);
    expect(io.slab.length).toBe(io.outOffset + io.outSize);
    io.slab.set([65, 66, 67, 68], io.staticOffset);
    expect(io.slabBuffer.toString('latin1', io.staticOffset, io.staticOffset + 4)).toBe('ABCD');
    for (const perConnection of [io.queued, io.bytesRead, io.bytesWritten]) expect(perConnection).toHaveLength(SMALL.maxConnections);
    expect(io.clock[0]).toBeGreaterThan(0);
    expect(Math.abs(io.clock[1] - Date.now())).toBeLessThan(60_000);
  });

  it.each(nativeAvailable() ? (['ring', 'portable'] as const) : (['portable'] as const))('refuses sizes that cannot work on the %s backend', (backend) => {
    expect(() => createIo(backend, { ...SMALL, arenaSize: SMALL.recvSize })).toThrow(RangeError);
    expect(() => createIo(backend, { ...SMALL, maxConnections: 0 })).toThrow(RangeError);
  });
});
