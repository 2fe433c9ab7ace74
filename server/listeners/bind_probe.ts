/**
 * Tries out an address where workers listen by themselves (portable backend): finds a conflict before traffic is promised, and
 * picks the port where the configuration says 0. Thread: main.
 */
import { createServer } from 'node:net';
import { isUnixAddress } from './bind_error.ts';

/** Listens once and lets go. Resolves to the port; rejects with the system's error. */
export function probeBind(address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    const listening = (): void => {
      const bound = server.address();
      server.close(() => resolve(bound !== null && typeof bound === 'object' ? bound.port : 0));
    };
    if (isUnixAddress(address)) server.listen({ path: address.startsWith('@') ? `\0${address.slice(1)}` : address }, listening);
    else server.listen({ host: address, port, exclusive: true }, listening);
  });
}
