/**
 * Heartbeat words: every watched thread adds 1 to its own word from a timer of its loop; who watches sees a loop that stands still
 * as a word that does not change. Word 0 = main, word 1 + i = worker i. One writer per word.
 */
import { MAX_WORKERS } from '../../core/shared_memory/layout.ts';

export const MAIN_HEARTBEAT = 0;
export const FIRST_WORKER_HEARTBEAT = 1;

export function createHeartbeats(): SharedArrayBuffer {
  return new SharedArrayBuffer((MAX_WORKERS + 1) * 4);
}
