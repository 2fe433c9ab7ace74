import { canonicalIp } from '../../base/cidr.ts';
import type { ActiveListener, HandOffDirectory } from './active_listener.ts';

/**
 * The listeners of one worker by address, for connections that were redirected to another (use_original_dst): the listener at the very
 * address first, then the one at all addresses of that port. Listeners that have stopped are not found.
 */
export class ListenerDirectory implements HandOffDirectory {
  private readonly byAddress = new Map<string, ActiveListener>();

  /** At numeric addresses; an earlier listener at the same one stays. */
  add(listener: ActiveListener, addresses: readonly { readonly address: string; readonly port: number }[]): void {
    for (const { address, port } of addresses) {
      const ip = canonicalIp(address);
      if (ip === null) continue;
      const key = `${ip} ${port}`;
      if (!this.byAddress.has(key)) this.byAddress.set(key, listener);
    }
  }

  clear(): void {
    this.byAddress.clear();
  }

  /** Once per redirected connection. */
  find(destination: string): ActiveListener | null {
    const colon = destination.lastIndexOf(':');
    const port = destination.slice(colon + 1);
    const host = destination.startsWith('[') ? destination.slice(1, colon - 1) : destination.slice(0, colon);
    const ip = canonicalIp(host);
    if (ip === null) return null;
    return this.at(ip, port) ?? this.at(ip.includes(':') ? '::' : '0.0.0.0', port);
  }

  private at(ip: string, port: string): ActiveListener | null {
    const listener = this.byAddress.get(`${ip} ${port}`);
    return listener?.isActive === true ? listener : null;
  }
}
