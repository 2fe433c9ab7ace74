/** The PROXY protocol in health checks (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt). Thread: main. */
import type { Socket } from 'node:net';

export type ProxyHeaderVersion = 'v1' | 'v2';

/** Signature, version 2 with command LOCAL, unspecified family, no addresses: the connection is our own. */
const LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');

/** What goes before a check. Version 1 cannot say that a connection is our own: it names the addresses of the connection, which must be there. */
export function proxyHeader(version: ProxyHeaderVersion, { localAddress, remoteAddress, localPort, remotePort, remoteFamily }: Socket): Buffer {
  if (version === 'v2') return LOCAL;
  if (localAddress === undefined || remoteAddress === undefined) return Buffer.from('PROXY UNKNOWN\r\n');
  return Buffer.from(`PROXY ${remoteFamily === 'IPv6' ? 'TCP6' : 'TCP4'} ${localAddress} ${remoteAddress} ${localPort} ${remotePort}\r\n`);
}
