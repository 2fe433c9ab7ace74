/** TLS of the portable backend: contexts by number, and what became of a slot's handshake. */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { TLSSocket } from 'node:tls';
import { ConnectFailure } from './io.ts';
import { connectTls, createNodeTlsContext, type NodeTlsContext, tlsFailureOf, tlsSessionOf } from './node_tls.ts';
import { errnoOf } from './portable_address.ts';
import type { PortableSlot } from './portable_slot.ts';
import { failureOf } from './portable_socket.ts';
import type { TlsClientConfig, TlsConnect } from './tls.ts';

export class PortableTls {
  private readonly contexts: (NodeTlsContext | undefined)[] = [];

  add(config: TlsClientConfig): number {
    const free = this.contexts.indexOf(undefined);
    const number = free < 0 ? this.contexts.length : free;
    this.contexts[number] = createNodeTlsContext(config);
    return number;
  }

  remove(number: number): void {
    if (!this.has(number)) throw new Error('no such TLS context');
    this.contexts[number] = undefined;
  }

  has(number: number): boolean {
    return this.contexts[number] !== undefined;
  }

  /** Secures a socket that is going to be connected; `onDone` is called when the handshake is. */
  secure(slot: PortableSlot, raw: Socket, tls: TlsConnect, onDone: () => void): TLSSocket {
    const context = this.contexts[tls.context];
    if (context === undefined) throw new Error('no such TLS context');
    const secured = connectTls(context, raw, tls);
    slot.raw = raw;
    secured.once('secureConnect', () => {
      if (secured.destroyed || slot.socket !== secured) return;
      slot.tlsSession = tlsSessionOf(secured);
      onDone();
    });
    return secured;
  }
}

/** The errno of an error of a slot's socket, with what failed when that was not the connect itself; notes why TLS failed. */
export function slotFailure(slot: PortableSlot, error: NodeJS.ErrnoException): number {
  // A reset is of a connection that was there.
  const isConnectError = !slot.isTcpConnected && error.code !== 'ECONNRESET';
  if (slot.raw === undefined || isConnectError) return failureOf(error);
  const failure = tlsFailureOf(error);
  // Broken when TLS had nothing more to do: as every other connection.
  if (slot.tlsSession !== null && failure.kind === 'io') return errnoOf(error);
  slot.tlsFailure = failure;
  return slot.tlsSession === null ? constants.errno.EPROTO | ConnectFailure.tls : constants.errno.EPROTO;
}
