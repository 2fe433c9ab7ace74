import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Must equal kAbiVersion in src/abi.h: an addon of another version is not used. */
export const ABI_VERSION = 4;

const ADDON_FILE = 'envoyts_native.node';

/** One ring's native side; opaque. */
export type RingHandle = { readonly __ring: never };

/** What `createRing` returns: two memory regions, where what lies in them, and the handle every other call takes. */
export interface RingMemory {
  readonly handle: RingHandle;
  /** Read arena at 0, then the static area, then the out area. */
  readonly slab: ArrayBuffer;
  /** The typed arrays, at the byte offsets below. */
  readonly table: ArrayBuffer;
  readonly arenaSize: number;
  readonly staticSize: number;
  readonly outSize: number;
  readonly controlOffset: number;
  readonly clockOffset: number;
  readonly countersOffset: number;
  readonly eventsOffset: number;
  readonly commandsOffset: number;
  readonly queuedOffset: number;
  readonly bytesReadOffset: number;
  readonly bytesWrittenOffset: number;
}

/** Where a descriptor is bound: port 0 and a path (or '@name') for Unix sockets. */
export interface BoundAddress {
  readonly address: string;
  readonly port: number;
}

/** A finished handshake in OpenSSL's terms; the signature by the numbers of its kind of key and its digest (0 = none). */
export type NativeTlsSession = readonly [
  version: string,
  cipher: string,
  group: string,
  signatureKey: number,
  signatureDigest: number,
  sessionId: Uint8Array,
  alpn: string,
  isResumed: boolean,
  peerCertificate: Uint8Array | null,
  isVerified: boolean,
];

/** Why TLS failed in OpenSSL's terms; reason 0 = it was not the library, then errno (0 = the peer closed). */
export type NativeTlsFailure = readonly [reason: number, name: string, verifyError: string, verifyDepth: number, errno: number, isOnClientHello: boolean, isRefused: boolean];

/**
 * The functions of the addon. A crossing costs 10-100 ns; beyond that each costs the system calls it names. All throw
 * `ERR_IO_CLOSED` after `close` of their ring. Thread: the one that called `createRing`; the last three: any.
 */
export interface NativeAddon {
  readonly abi: number;
  createRing(maxConnections: number, arenaSize: number, staticSize: number, outSize: number, recvSize: number): RingMemory;
  start(ring: RingHandle, handler: () => void): void;
  flush(ring: RingHandle): void;
  adoptListener(ring: RingHandle, fd: number): number;
  releaseListener(ring: RingHandle, connection: number): void;
  /** socket, options, connect, epoll_ctl: 4 system calls. */
  connect(
    ring: RingHandle,
    address: string,
    port: number,
    noDelay: boolean,
    keepAlive: boolean,
    idleSec: number,
    intervalSec: number,
    probes: number,
    bindAddress: string | undefined,
    bindPort: number,
    /** Socket options to set: see `packSocketOptions` (core/io/socket_options.ts). */
    options: Int32Array | undefined,
    /** Of `addTlsContext`; -1 = plain text. */
    tlsContext: number,
    serverName: string,
    /** Each name with its length in front; undefined = the context's. */
    alpn: Uint8Array | undefined,
    /** Whether the peer of this certificate may be talked to, asked in the handshake; must not call the addon. Undefined = nobody asks. */
    accepts: ((certificate: Uint8Array, isVerified: boolean) => boolean) | undefined,
  ): number;
  /**
   * Versions as on the wire (0x0303 = TLS 1.2), flags of native/src/tls.h. `texts`: ciphers, groups, signature algorithms, trusted CA, CRL, then
   * chain and key of each certificate. Throws with OpenSSL's words.
   */
  addTlsContext(
    ring: RingHandle,
    minVersion: number,
    maxVersion: number,
    flags: number,
    maxDepth: number,
    maxSessions: number,
    texts: readonly string[],
    alpn: Uint8Array,
  ): number;
  removeTlsContext(ring: RingHandle, context: number): void;
  tlsSession(ring: RingHandle, connection: number): NativeTlsSession | null;
  tlsFailure(ring: RingHandle, connection: number): NativeTlsFailure | null;
  sendBytes(ring: RingHandle, connection: number, bytes: Uint8Array, offset: number, length: number): void;
  setWatermarks(ring: RingHandle, connection: number, low: number, high: number): void;
  /** No system call for TCP (kept from accept and connect), getpeername for Unix sockets. */
  remoteAddress(ring: RingHandle, connection: number): string;
  /** getsockname. */
  localAddress(ring: RingHandle, connection: number): string;
  /** getsockopt(SO_ORIGINAL_DST); '' when the system does not know. */
  originalDestination(ring: RingHandle, connection: number): string;
  setTick(ring: RingHandle, ms: number): void;
  close(ring: RingHandle): void;
  createListenSocket(
    address: string,
    port: number,
    backlog: number,
    reusePort: boolean,
    ipv6Only: boolean,
    transparent: boolean,
    freebind: boolean,
    tcpFastOpen: number,
    unixMode: number,
  ): number;
  boundAddress(fd: number): BoundAddress;
  closeFd(fd: number): void;
}

/** How a listen socket is made. */
export interface ListenSocketOptions {
  /** Numeric IPv4/IPv6 address, a Unix path ('/...'), or an abstract name ('@...'). */
  readonly address: string;
  /** 0 = any free port; ignored for Unix sockets. */
  readonly port: number;
  /** SO_REUSEPORT: several sockets on one address, the kernel spreads connections over them. */
  readonly reusePort?: boolean;
  /** Length of the accept queue, default 1024. */
  readonly backlog?: number;
  /** IPv6: do not take IPv4-mapped connections. Default false. */
  readonly ipv6Only?: boolean;
  /** IP_TRANSPARENT; needs CAP_NET_ADMIN. */
  readonly transparent?: boolean;
  /** IP_FREEBIND: the address need not exist yet. */
  readonly freebind?: boolean;
  /** TCP_FASTOPEN queue length; 0 or absent = off. */
  readonly tcpFastOpen?: number;
  /** Permission bits of a Unix path, e.g. 0o600; absent = by umask. */
  readonly unixMode?: number;
}

interface Loaded {
  readonly addon: NativeAddon | undefined;
  readonly reason: string;
}

function candidates(): string[] {
  // The sources' root, or that of the package, whose code lies in dist/core/chunks/ (tools/build_ts.js).
  const here = dirname(fileURLToPath(import.meta.url));
  const root = import.meta.url.endsWith('.ts') ? join(here, '..') : join(here, '..', '..', '..');
  const folder = process.env['ENVOYTS_NATIVE_DIR'];
  if (folder !== undefined && folder !== '') return [resolve(folder, ADDON_FILE)];
  return [join(root, 'native', 'build', 'addon', ADDON_FILE)];
}

function load(): Loaded {
  if (process.platform !== 'linux') return { addon: undefined, reason: `the native addon needs Linux, this is ${process.platform}` };
  const file = candidates().find((path) => existsSync(path));
  if (file === undefined) return { addon: undefined, reason: 'the native addon was not built' };
  try {
    const addon = createRequire(import.meta.url)(file) as NativeAddon;
    if (addon.abi !== ABI_VERSION) {
      return { addon: undefined, reason: `the native addon has ABI ${addon.abi}, not ${ABI_VERSION}: build it again` };
    }
    return { addon, reason: '' };
  } catch (error) {
    return { addon: undefined, reason: `the native addon does not load: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const loaded: Loaded = load();

/** Whether the addon is there and can be used on this machine. */
export function nativeAvailable(): boolean {
  return loaded.addon !== undefined;
}

/** Why `nativeAvailable()` is false, as a clause; '' when it is true. */
export function nativeUnavailableReason(): string {
  return loaded.reason;
}

/** The addon. Throws when it is not available: ask `nativeAvailable()` first. */
export function nativeAddon(): NativeAddon {
  if (loaded.addon === undefined) throw new Error(loaded.reason);
  return loaded.addon;
}

/**
 * Makes a listening, non-blocking socket and returns its descriptor, which the caller owns (`closeFd`). A stale Unix
 * socket at the path is replaced. Throws an Error with `code` (EADDRINUSE, EACCES, EINVAL ...), `errno` and `syscall`.
 * Thread: main; threads of a process share descriptors.
 */
export function createListenSocket(options: ListenSocketOptions): number {
  return nativeAddon().createListenSocket(
    options.address,
    options.port,
    options.backlog ?? 1024,
    options.reusePort ?? false,
    options.ipv6Only ?? false,
    options.transparent ?? false,
    options.freebind ?? false,
    options.tcpFastOpen ?? 0,
    options.unixMode ?? -1,
  );
}

/** The local address of a socket (getsockname). Throws like `createListenSocket`. */
export function boundAddress(fd: number): BoundAddress {
  return nativeAddon().boundAddress(fd);
}

/** Closes a descriptor of `createListenSocket`. Throws like it. */
export function closeFd(fd: number): void {
  nativeAddon().closeFd(fd);
}
