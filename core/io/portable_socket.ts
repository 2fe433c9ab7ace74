/** Outgoing connections of the portable backend. */
import { connect, Socket, type TcpNetConnectOpts } from 'node:net';
import { ConnectFailure, type ConnectOptions } from './io.ts';
import { errnoOf, toPath } from './portable_address.ts';

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
