import type { Server, Socket } from 'node:net';
import { freeNow } from './portable_buffers.ts';
import type { TlsFailure, TlsSession } from './tls.ts';

/** One connection number of the portable backend. What node:net tells between turns is kept here until the next turn reports it. */
export class PortableSlot {
  readonly id: number;
  socket: Socket | undefined;
  /** Below a `socket` with TLS. */
  raw: Socket | undefined;
  isTcpConnected: boolean;
  /** What the handshake came to; null = not done. */
  tlsSession: TlsSession | null;
  tlsFailure: TlsFailure | null;
  server: Server | undefined;
  /** Bytes read from the socket and not yet delivered. */
  inbox: Buffer[];
  inboxBytes: number;
  /** Unconsumed bytes that the reader gave back. */
  held: Buffer | undefined;
  /** Accepted by listener number; -1 once reported, or never. */
  acceptedBy: number;
  isConnecting: boolean;
  connectDone: boolean;
  isPaused: boolean;
  isReady: boolean;
  redeliver: boolean;
  eofSeen: boolean;
  eofSent: boolean;
  failure: number;
  isFailed: boolean;
  /** Bytes handed to the socket since the beginning. */
  accepted: number;
  low: number;
  high: number;
  isAboveHigh: boolean;
  drainDue: boolean;
  remote: string;
  local: string;

  constructor(id: number) {
    this.id = id;
    this.socket = undefined;
    this.raw = undefined;
    this.isTcpConnected = false;
    this.tlsSession = null;
    this.tlsFailure = null;
    this.server = undefined;
    this.inbox = [];
    this.inboxBytes = 0;
    this.held = undefined;
    this.acceptedBy = -1;
    this.isConnecting = false;
    this.connectDone = false;
    this.isPaused = false;
    this.isReady = false;
    this.redeliver = false;
    this.eofSeen = false;
    this.eofSent = false;
    this.failure = 0;
    this.isFailed = false;
    this.accepted = 0;
    this.low = 0;
    this.high = 0;
    this.isAboveHigh = false;
    this.drainDue = false;
    this.remote = '';
    this.local = '';
  }

  /** Moves `length` bytes from the inbox (which has them) to `target` at `offset`. */
  readInto(target: Uint8Array, offset: number, length: number): void {
    let at = offset;
    let left = length;
    while (left > 0) {
      const chunk = this.inbox[0];
      const part = chunk.length <= left ? chunk : chunk.subarray(0, left);
      const length = part.length;
      target.set(part, at);
      at += length;
      left -= length;
      if (length === chunk.length) {
        this.inbox.shift();
        // What node:tls reads for several sockets lies in one piece of memory.
        if (this.raw === undefined) freeNow(chunk);
      } else {
        this.inbox[0] = chunk.subarray(length);
      }
    }
    this.inboxBytes -= length;
  }

  dropInput(): void {
    this.inbox = [];
    this.inboxBytes = 0;
  }
}
