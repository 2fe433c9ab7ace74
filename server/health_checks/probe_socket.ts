/** Connections of health checks. Thread: main. */
import { connect, type Socket } from 'node:net';
import type { ProbeConnection, ProbeConnectionEvents } from '../../core/upstream/health_prober.ts';
import type { BindAddress } from './check_request.ts';

/** Numeric, or a path (`/x`, or `@x` in the abstract namespace) with port 0. */
export interface ProbeAddress {
  readonly address: string;
  readonly port: number;
}

/** Begins to connect; `close` tells of everything that goes wrong. */
export function connectProbe({ address, port }: ProbeAddress, bindAddress: BindAddress): Socket {
  const isPath = port === 0 && /^[/@]/.test(address);
  const socket = isPath
    ? connect({ path: address.replace(/^@/, '\0') })
    : connect({ host: address, port, noDelay: true, ...(bindAddress === null ? {} : { localAddress: bindAddress.address }) });
  // A failed connection is closed too: that is where it is told.
  socket.on('error', () => {});
  return socket;
}

/** The same for checkers that are extensions. */
export function openProbeConnection(to: ProbeAddress, bindAddress: BindAddress, events: ProbeConnectionEvents): ProbeConnection {
  const socket = connectProbe(to, bindAddress);
  let isOpen = true;
  socket.on('connect', () => {
    if (isOpen) events.onConnected();
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
      if (isOpen) socket.write(bytes);
    },
    close: () => {
      isOpen = false;
      socket.destroy();
    },
  };
}
