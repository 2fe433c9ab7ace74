/** Which I/O backend the workers use. Thread: main. */
import type { Logger } from '../../core/log/logger.ts';
import { nativeAvailable, nativeUnavailableReason } from '../../native/index.ts';

/** `auto` takes the ring where the addon was built, and says so where it was not. Throws when the ring is demanded and not there. */
export function chooseBackend(wanted: 'auto' | 'ring' | 'portable', log: Logger): 'ring' | 'portable' {
  if (wanted === 'portable') return 'portable';
  if (nativeAvailable()) return 'ring';
  if (wanted === 'ring') throw new Error(`--io ring: ${nativeUnavailableReason()}`);
  log.warning(`${nativeUnavailableReason()}: using the portable I/O backend, which costs more CPU per request`);
  return 'portable';
}
