import { nativeAvailable } from '../../native/index.ts';
import { DEFAULT_IO_OPTIONS, type Io, type IoOptions } from './io.ts';
import { PortableIo } from './portable_io.ts';
import { RingIo } from './ring_io.ts';

/** Which backend is wanted: `auto` takes the ring where the addon was built. */
export type IoPreference = 'auto' | 'ring' | 'portable';

/**
 * Makes this thread's sockets. Throws when the ring is demanded and the addon is not there (`nativeUnavailableReason` in
 * native/index.ts says why), or when memory ran out.
 */
export function createIo(preference: IoPreference, options?: Partial<IoOptions>): Io {
  const sizes: IoOptions = { ...DEFAULT_IO_OPTIONS, ...options };
  if (preference === 'ring' || (preference === 'auto' && nativeAvailable())) return new RingIo(sizes);
  return new PortableIo(sizes);
}
