/** How sockets of the portable backend begin and end. */
import { connect, Socket, type TcpNetConnectOpts } from 'node:net';
import { CloseMode, ConnectFailure, type ConnectOptions } from './io.ts';
import { errnoOf, toPath } from './portable_address.ts';
import type { PortableSlot } from './portable_slot.ts';

/** A close(flush) whose peer takes nothing for so long is dropped, as the ring does. */
const FLUSH_STALL_MS = 30_000;

/** Begins to connect; with socket options, which node:net cannot set, it makes a socket that never does. */
export function openSocket(address: string, port: number, options: ConnectOptions | undefined): Socket {
  if (options?.socketOptions !== undefined) return new Socket({ allowHalfOpen: true });
  if (address.startsWith('/') || address.startsWith('@')) return connect({ path: toPath(address), allowHalfOpen: true });
  const tcp: TcpNetConnectOpts = { host: address, port, allowHalfOpen: true, noDelay: options?.noDelay !== false };
  if (options?.keepAlive !== undefined) {
    tcp.keepAlive = true;
    tcp.keepAliveInitialDelay = (options.keepAlive.idleSec ?? 0) * 1000;
  }
  if (options?.bind !== undefined) {
    tcp.localAddress = options.bind.address;
    if (options.bind.port !== 0) tcp.localPort = options.bind.port;
  }
  return connect(tcp);
}

/** The errno of a socket's error, with what failed when that was not the connect itself. */
export function failureOf(error: NodeJS.ErrnoException): number {
  return error.syscall === 'bind' ? errnoOf(error) | ConnectFailure.bind : errnoOf(error);
}

/** What ends a slot's socket, to be done when the slot has let go of it. */
export function endOf(slot: PortableSlot, socket: Socket, mode: number): () => void {
  const raw = slot.raw ?? socket;
  const isUnix = raw.remotePort === undefined;
  const isConnecting = slot.isConnecting && !slot.connectDone;
  const isFlushed = socket.writableLength === 0;
  if (mode === CloseMode.reset && !isUnix && !raw.connecting) return () => raw.resetAndDestroy();
  // With TLS a close_notify that can leave at once does.
  if (mode === CloseMode.now && isFlushed && slot.tlsSession !== null && slot.failure === 0) return () => socket.destroySoon();
  if (mode !== CloseMode.flush || slot.failure !== 0 || (isConnecting && isFlushed)) return () => socket.destroy();
  return () => {
    // What still arrives is thrown away: unread input would turn our FIN into a reset.
    socket.resume();
    socket.end(() => socket.destroy());
    socket.setTimeout(FLUSH_STALL_MS, () => socket.destroy());
  };
}
