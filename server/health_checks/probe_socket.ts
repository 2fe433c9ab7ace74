/** Connections of health checks. Thread: main. */
import { connect, type Socket } from 'node:net';
import type { ProbeConnection, ProbeConnectionEvents } from '../../core/upstream/health_prober.ts';
import type { BindAddress } from './check_request.ts';
import type { ProbeSecurity } from './probe_tls.ts';

/** Where a connection goes, and how. */
export interface ProbeRoute {
  /** Numeric, or a path (`/x`, or `@x` in the abstract namespace) with port 0. */
  readonly address: string;
  readonly port: number;
  readonly bindAddress: BindAddress;
  /** null = a plain connection. */
  readonly security: ProbeSecurity | null;
}

/**
 * Begins to connect; `close` tells of everything that goes wrong. `onReady`: it is made, with TLS the handshake too. Nothing is to be
 * written before.
 */
export function connectProbe({ address, port, bindAddress, security }: ProbeRoute, onReady: (socket: Socket) => void): Socket {
  const isPath = port === 0 && /^[/@]/.test(address);
  const plain = isPath
    ? connect({ path: address.replace(/^@/, '\0') })
    : connect({ host: address, port, noDelay: true, ...(bindAddress === null ? {} : { localAddress: bindAddress.address }) });
  // A failed connection is closed too: that is where it is told.
  plain.on('error', () => {});
  if (security === null) {
    plain.on('connect', () => onReady(plain));
    return plain;
  }
  const secured = security.socket.secure(plain, security, () => onReady(secured));
  return secured;
}

/** The same for checkers that are extensions. */
export function openProbeConnection(route: ProbeRoute, events: ProbeConnectionEvents): ProbeConnection {
  let isOpen = true;
  let isReady = false;
  const waiting: Uint8Array[] = [];
  const socket = connectProbe(route, () => {
    if (!isOpen) return;
    isReady = true;
    for (const bytes of waiting.splice(0)) socket.write(bytes);
    events.onConnected();
  });
  socket.on('data', (chunk: Buffer) => {
    if (isOpen) events.onData(chunk);
  });
  socket.on('close', () => {
    if (!isOpen) return;
    isOpen = false;
    events.onClosed();
  });
  return {
    write: (bytes) => {
      if (!isOpen) return;
      if (isReady) socket.write(bytes);
      else waiting.push(bytes);
    },
    close: () => {
      isOpen = false;
      socket.destroy();
    },
  };
}
