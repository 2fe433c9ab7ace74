import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import { boundAddress, nativeAvailable } from '../../native/index.ts';
import { openListenSockets } from './listen_sockets.ts';

function listener(addresses: readonly { address: string; port: number }[], more: Partial<ListenerConfig> = {}): ListenerConfig {
  const config: Partial<ListenerConfig> = {
    name: 'l', addresses, bindToPort: true, handsOff: false, reusePort: true, backlog: 0, transparent: false, freebind: false, tcpFastOpenQueueLength: 0, ...more,
  };
  // Opening sockets reads nothing else of a listener.
  return config as ListenerConfig;
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function occupiedPort(): Promise<number> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const LOCAL = { address: '127.0.0.1', port: 0 };
const BACKENDS = [...(nativeAvailable() ? (['ring'] as const) : []), 'portable' as const];

describe.each(BACKENDS)('listen sockets for the %s backend', (backend) => {
  it('find a port where the configuration says 0, the same for all workers', async () => {
    const sockets = await openListenSockets(listener([LOCAL, LOCAL]), backend, 3);
    closers.push(() => sockets.close());
    const ports = sockets.boundAddresses.map((each) => each.port);
    expect(new Set(ports).size).toBe(2);
    for (const worker of [0, 1, 2]) {
      const bound = sockets.forWorker(worker).map((source) => ('fd' in source ? boundAddress(source.fd).port : source.port));
      expect(bound).toEqual(ports);
    }
  });

  it('name the address that is taken, in the words operators know', async () => {
    const port = await occupiedPort();
    const config = listener([LOCAL, { address: '127.0.0.1', port }]);
    await expect(openListenSockets(config, backend, 2)).rejects.toThrow(`cannot bind '127.0.0.1:${port}': Address already in use`);
  });

  it('say what is wrong with an address that is not here', async () => {
    const config = listener([{ address: '192.0.2.1', port: 1234 }]);
    await expect(openListenSockets(config, backend, 1)).rejects.toThrow("cannot bind '192.0.2.1:1234': Cannot assign requested address");
  });

  it('open nothing for a listener that does not bind', async () => {
    const sockets = await openListenSockets(listener([{ address: '192.0.2.1', port: 1 }], { bindToPort: false }), backend, 2);
    expect(sockets.forWorker(0)).toEqual([]);
    expect(sockets.boundAddresses).toEqual([{ address: '192.0.2.1', port: 1 }]);
  });
});

describe.runIf(nativeAvailable())('listen sockets that main keeps', () => {
  it('are one per worker with reuse_port, one for all without and for Unix sockets', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'envoyts-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const fds = async (config: ListenerConfig): Promise<Set<number>> => {
      const sockets = await openListenSockets(config, 'ring', 3);
      closers.push(() => sockets.close());
      return new Set([0, 1, 2].flatMap((worker) => sockets.forWorker(worker).map((source) => ('fd' in source ? source.fd : -1))));
    };
    expect((await fds(listener([LOCAL]))).size).toBe(3);
    expect((await fds(listener([LOCAL], { reusePort: false }))).size).toBe(1);
    expect((await fds(listener([{ address: join(folder, 's'), port: 0 }]))).size).toBe(1);
  });

  it('take connections before any worker looks, and refuse them once closed', async () => {
    const sockets = await openListenSockets(listener([LOCAL]), 'ring', 1);
    const { port } = sockets.boundAddresses[0];
    const outcome = () =>
      new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => resolve('connected'));
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
        closers.push(() => socket.destroy());
      });
    expect(await outcome()).toBe('connected');
    sockets.close();
    expect(await outcome()).toBe('ECONNREFUSED');
  });
});
