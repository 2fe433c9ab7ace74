import { createServer, isIP, type Server, type Socket } from 'node:net';
import type { ListenSource } from './io.ts';
import { addressText, toPath } from './portable_address.ts';

/** What a listener tells. */
export interface PortableListenerEvents {
  onAccept(socket: Socket): void;
  onError(error: NodeJS.ErrnoException): void;
  /** Where it listens, once the system said so. */
  onAddress(text: string): void;
}

/** Begins to listen; throws on an address that cannot be one. */
export function openListener(source: Exclude<ListenSource, { fd: number }>, events: PortableListenerEvents): Server {
  const { address, port } = source;
  const backlog = source.backlog ?? 1024;
  const isUnix = address.startsWith('/') || address.startsWith('@');
  if (!isUnix && isIP(address) === 0) throw new Error(`not a numeric address: ${address}`);
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.on('connection', (socket: Socket) => events.onAccept(socket));
  server.on('error', (error: NodeJS.ErrnoException) => events.onError(error));
  if (isUnix) {
    events.onAddress(address);
    server.listen({ path: toPath(address), backlog });
    return server;
  }
  server.listen({ host: address, port, backlog, exclusive: true, reusePort: process.platform === 'linux' }, () => {
    const bound = server.address();
    if (bound !== null && typeof bound === 'object') events.onAddress(addressText(bound.address, bound.port));
  });
  return server;
}
