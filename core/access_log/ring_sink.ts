import { createRing, DEFAULT_RING_BYTES, RingWriter } from '../shared_memory/spsc_ring.ts';
import type { LogSink, LogSinkProvider } from './access_log.ts';

/** Appends lines to a ring. One per destination and worker. */
export class RingSink implements LogSink {
  private readonly writer: RingWriter;

  constructor(memory: SharedArrayBuffer) {
    this.writer = new RingWriter(memory);
  }

  get bytes(): Uint8Array {
    return this.writer.lineBytes;
  }

  get view(): DataView {
    return this.writer.lineView;
  }

  get lineOffset(): number {
    return this.writer.lineOffset;
  }

  commit(length: number): void {
    this.writer.commit(length);
  }

  write(bytes: Uint8Array, offset: number, length: number): void {
    this.writer.write(bytes, offset, length);
  }
}

/**
 * A worker's sinks: makes a ring when a destination is first asked for and announces it, so that the flush thread begins to empty
 * it. Rings live as long as the worker: a later snapshot that names the same destination goes on with the same ring.
 */
export class RingSinkProvider implements LogSinkProvider {
  private readonly sinks = new Map<string, RingSink>();
  private readonly announce: (destination: string, memory: SharedArrayBuffer) => void;
  private readonly ringBytes: number;

  /** `announce` hands a new ring towards the flush thread (a message to main, which relays it). */
  constructor(announce: (destination: string, memory: SharedArrayBuffer) => void, ringBytes: number = DEFAULT_RING_BYTES) {
    this.announce = announce;
    this.ringBytes = ringBytes;
  }

  sink(destination: string): RingSink {
    const known = this.sinks.get(destination);
    if (known !== undefined) return known;
    const memory = createRing(this.ringBytes);
    const sink = new RingSink(memory);
    this.sinks.set(destination, sink);
    this.announce(destination, memory);
    return sink;
  }
}
