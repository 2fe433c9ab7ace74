import { expect, it } from 'vitest';
import { bytesFor, copyOf, freeNow } from './portable_buffers.ts';

it('gives back the memory of a large piece, and none that others may see', () => {
  const large = bytesFor(64 << 10);
  freeNow(large);
  expect(large.length).toBe(0);
  const small = copyOf(Buffer.from('..abc..'), 2, 3);
  freeNow(small);
  expect(small.toString()).toBe('abc');
  const shared = Buffer.alloc(64 << 10);
  freeNow(shared.subarray(0, 32 << 10));
  expect(shared.length).toBe(64 << 10);
});
