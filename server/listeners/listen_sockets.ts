/**
 * Listen sockets. With the ring, main makes them, one per worker and address, and keeps them open for as long as the listener
 * lives: a worker that dies takes none with it, so connections waiting in its accept queue are served by its successor. With the
 * portable backend workers listen by themselves, and main only tries the addresses out. Thread: main.
 */
import type { ListenSource } from '../../core/io/io.ts';
import type { ListenerConfig, SocketAddressConfig } from '../../core/network/listener/listener_config.ts';
import { boundAddress, closeFd, createListenSocket, type ListenSocketOptions } from '../../native/index.ts';
import { BindError, isUnixAddress } from './bind_error.ts';
import { probeBind } from './bind_probe.ts';

/** One listener's open sockets. */
export interface ListenSockets {
  /** Where they are really bound (port 0 resolved), in the order of the listener's addresses. */
  readonly boundAddresses: readonly SocketAddressConfig[];
  /** One worker's sockets, same order. Empty: this worker does not listen. */
  forWorker(workerIndex: number): readonly ListenSource[];
  close(): void;
}

/** Opens all sockets of a listener for `workerCount` workers. Rejects with a BindError; nothing stays open then. */
export async function openListenSockets(config: ListenerConfig, backend: 'ring' | 'portable', workerCount: number): Promise<ListenSockets> {
  if (!config.bindToPort) return new NoListenSockets(config.addresses);
  return backend === 'ring' ? openRingSockets(config, workerCount) : openPortableSockets(config);
}

/** bind_to_port: false. */
class NoListenSockets implements ListenSockets {
  readonly boundAddresses: readonly SocketAddressConfig[];

  constructor(addresses: readonly SocketAddressConfig[]) {
    this.boundAddresses = addresses;
  }

  forWorker(): readonly ListenSource[] {
    return [];
  }

  close(): void {}
}

function openRingSockets(config: ListenerConfig, workerCount: number): ListenSockets {
  const opened: number[] = [];
  const byWorker: { fd: number }[][] = Array.from({ length: workerCount }, () => []);
  const bound: SocketAddressConfig[] = [];
  for (const { address, port } of config.addresses) {
    try {
      // One shared socket where the kernel cannot spread connections over several: every worker's loop watches it.
      const isSpread = config.reusePort && !isUnixAddress(address);
      const first = createListenSocket(socketOptions(config, address, port, isSpread));
      opened.push(first);
      const actual = boundAddress(first);
      bound.push(isUnixAddress(address) ? { address, port: 0 } : { address, port: actual.port });
      for (let worker = 0; worker < workerCount; worker++) {
        let fd = first;
        if (isSpread && worker > 0) {
          fd = createListenSocket(socketOptions(config, address, actual.port, true));
          opened.push(fd);
        }
        byWorker[worker].push({ fd });
      }
    } catch (error) {
      for (const fd of opened) closeFd(fd);
      throw new BindError(address, port, error);
    }
  }
  return new RingListenSockets(bound, byWorker, opened);
}

function socketOptions(config: ListenerConfig, address: string, port: number, reusePort: boolean): ListenSocketOptions {
  return {
    address, port, reusePort, transparent: config.transparent, freebind: config.freebind, tcpFastOpen: config.tcpFastOpenQueueLength,
    ...(config.backlog > 0 ? { backlog: config.backlog } : {}),
  };
}

class RingListenSockets implements ListenSockets {
  readonly boundAddresses: readonly SocketAddressConfig[];
  private readonly byWorker: readonly (readonly ListenSource[])[];
  private opened: readonly number[];

  constructor(boundAddresses: readonly SocketAddressConfig[], byWorker: readonly (readonly ListenSource[])[], opened: readonly number[]) {
    this.boundAddresses = boundAddresses;
    this.byWorker = byWorker;
    this.opened = opened;
  }

  forWorker(workerIndex: number): readonly ListenSource[] {
    return this.byWorker[workerIndex] ?? [];
  }

  close(): void {
    for (const fd of this.opened) closeFd(fd);
    this.opened = [];
  }
}

/** Where several sockets may listen on one port; elsewhere worker 0 alone listens. */
const HAS_REUSE_PORT = process.platform === 'linux';

async function openPortableSockets(config: ListenerConfig): Promise<ListenSockets> {
  const sources: ListenSource[] = [];
  const bound: SocketAddressConfig[] = [];
  let isShared = HAS_REUSE_PORT && config.reusePort;
  for (const { address, port } of config.addresses) {
    try {
      const actual = { address, port: await probeBind(address, port) };
      bound.push(actual);
      sources.push(config.backlog > 0 ? { ...actual, backlog: config.backlog } : actual);
      if (isUnixAddress(address)) isShared = false;
    } catch (error) {
      throw new BindError(address, port, error);
    }
  }
  return {
    boundAddresses: bound,
    forWorker: (workerIndex) => (isShared || workerIndex === 0 ? sources : []),
    close: () => {},
  };
}
