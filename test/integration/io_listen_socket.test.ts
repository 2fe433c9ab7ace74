import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RingIo } from '../../core/io/ring_io.ts';
import { boundAddress, closeFd, createListenSocket, type ListenSocketOptions, nativeAvailable, nativeUnavailableReason } from '../../native/index.ts';
import { Peer, until } from '../support/io_driver.ts';

if (!nativeAvailable()) console.warn(`\n*** LISTEN SOCKETS OF THE ADDON ARE NOT TESTED: ${nativeUnavailableReason()} ***\n`);

describe.runIf(nativeAvailable())('listen sockets', () => {
  const fds: number[] = [];
  afterEach(() => {
    for (const fd of fds.splice(0)) closeFd(fd);
  });

  function open(options: ListenSocketOptions): number {
    const fd = createListenSocket(options);
    fds.push(fd);
    return fd;
  }

  it('accept before anybody adopts them', async () => {
    const { port } = boundAddress(open({ address: '127.0.0.1', port: 0 }));
    const peer = new Peer({ host: '127.0.0.1', port });
    await until(() => !peer.socket.connecting, 'the kernel accepts');
    expect(peer.error).toBe('');
    peer.socket.destroy();
  });

  it('say where they are bound', () => {
    expect(boundAddress(open({ address: '127.0.0.1', port: 0 }))).toEqual({ address: '127.0.0.1', port: expect.any(Number) });
    expect(boundAddress(open({ address: '::1', port: 0, ipv6Only: true }))).toEqual({ address: '::1', port: expect.any(Number) });
    expect(boundAddress(open({ address: '@envoyts-bound', port: 0 }))).toEqual({ address: '@envoyts-bound', port: 0 });
  });

  it('share an address with reusePort, and refuse without', () => {
    const { port } = boundAddress(open({ address: '127.0.0.1', port: 0, reusePort: true }));
    open({ address: '127.0.0.1', port, reusePort: true });
    expect(() => open({ address: '127.0.0.1', port })).toThrow(expect.objectContaining({ code: 'EADDRINUSE', syscall: 'bind', errno: -98 }));
  });

  it.each([
    ['a name', { address: 'localhost', port: 0 }, 'EINVAL'],
    ['nothing', { address: '', port: 0 }, 'EINVAL'],
    ['a bad port', { address: '127.0.0.1', port: 70000 }, 'EINVAL'],
    ['a foreign address', { address: '192.0.2.1', port: 0 }, 'EADDRNOTAVAIL'],
    ['a path that is too long', { address: `/${'x'.repeat(200)}`, port: 0 }, 'ENAMETOOLONG'],
    ['a folder that is missing', { address: '/nowhere/at/all', port: 0 }, 'ENOENT'],
  ])('refuse %s', (_name, options, code) => {
    expect(() => open(options)).toThrow(expect.objectContaining({ code }));
  });

  it('bind an address that does not exist yet with freebind', () => {
    expect(boundAddress(open({ address: '192.0.2.1', port: 0, freebind: true })).address).toBe('192.0.2.1');
  });

  it('take TCP fast open', () => {
    open({ address: '127.0.0.1', port: 0, tcpFastOpen: 16 });
  });

  it('replace a stale Unix socket, set its mode, but leave other files alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'io-'));
    const path = join(folder, 's');
    closeFd(createListenSocket({ address: path, port: 0 }));
    open({ address: path, port: 0, unixMode: 0o600 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const file = join(folder, 'file');
    writeFileSync(file, 'precious');
    chmodSync(file, 0o644);
    expect(() => open({ address: file, port: 0 })).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(statSync(file).size).toBe(8);
    rmSync(folder, { recursive: true });
  });

  it('are refused by a ring when they are none', () => {
    const io = new RingIo({ maxConnections: 4, arenaSize: 1 << 18, staticSize: 64, outSize: 64, recvSize: 65536 });
    expect(() => io.adoptListener({ fd: 9999 })).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(() => io.adoptListener({ fd: 0 })).toThrow();
    expect(() => io.adoptListener({ address: '127.0.0.1', port: 0 })).toThrow(TypeError);
    expect(() => closeFd(9999)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    io.close();
  });
});
