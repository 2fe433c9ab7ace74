/** Pieces below this come from pools, or cost more to give back than to leave to the collector. */
const OWN_MEMORY_BYTES = 16 << 10;

/** Memory for one write: large ones have their own, which `freeNow` gives back once they are written. */
export function bytesFor(length: number): Buffer {
  return length < OWN_MEMORY_BYTES ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
}

/** The same, with a copy of a range in it. */
export function copyOf(source: Uint8Array, offset: number, length: number): Buffer {
  const bytes = bytesFor(length);
  bytes.set(source.subarray(offset, offset + length));
  return bytes;
}

/**
 * Gives the memory of a large piece back at once; only for one that nobody else sees, or will look at again. node:net reads each
 * piece into new memory, which otherwise waits for a collection: tens of megabytes under load. A piece of shared memory is left alone.
 */
export function freeNow(bytes: Buffer): void {
  const memory = bytes.buffer;
  const isWhole = bytes.byteOffset + bytes.length === memory.byteLength;
  if (isWhole && memory instanceof ArrayBuffer && bytes.length >= OWN_MEMORY_BYTES) memory.transfer(0);
}
