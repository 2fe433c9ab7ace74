/** Why a listen socket could not be made, in the words that operators grep for. */

import { systemErrorText } from '../system_error.ts';

/** `127.0.0.1:80`, `[::1]:80`, or the path of a Unix socket. */
export function addressText(address: string, port: number): string {
  if (isUnixAddress(address)) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether an address of the configuration names a Unix socket. */
export function isUnixAddress(address: string): boolean {
  return address.startsWith('/') || address.startsWith('@');
}

/** An address that cannot be listened on. */
export class BindError extends Error {
  constructor(address: string, port: number, cause: unknown) {
    super(`cannot bind '${addressText(address, port)}': ${systemErrorText(cause)}`, { cause });
    this.name = 'BindError';
  }
}
