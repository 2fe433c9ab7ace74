import { nativeAddon, type NativeAddon, type RingHandle } from '../../native/index.ts';
import { type ConnectOptions, DEFAULT_IO_OPTIONS, EVENT_WORDS, type Io, type IoOptions, type ListenSource, type TurnHandler } from './io.ts';
import { packAlpn, ringTlsFailure, ringTlsSession, TLS_VERSION_NUMBERS, tlsFlags } from './ring_tls.ts';
import type { TlsClientConfig, TlsFailure, TlsSession } from './tls.ts';

const EVENT_CAPACITY = 1024;
const COMMAND_CAPACITY = 1 << 18;
const COUNTERS = 16;

/**
 * The I/O seam over the native ring (Linux). Thin: it gives names to the ring's memory and passes calls on.
 * Thread: the one that made it. Throws in the constructor when the addon is not there or memory ran out.
 */
export class RingIo implements Io {
  readonly backend = 'ring';
  readonly speaksTls = true;
  readonly maxConnections: number;
  readonly slab: Uint8Array;
  readonly slabBuffer: Buffer;
  readonly staticOffset: number;
  readonly staticSize: number;
  readonly outOffset: number;
  readonly outSize: number;
  readonly events: Int32Array;
  readonly commands: Int32Array;
  readonly control: Int32Array;
  readonly clock: Float64Array;
  readonly queued: Int32Array;
  readonly bytesRead: Float64Array;
  readonly bytesWritten: Float64Array;
  readonly counters: Float64Array;
  /** Of peers, by connection, until the number is used for another that may be refused. */
  private readonly refusals = new Map<number, string>();
  private readonly addon: NativeAddon;
  private readonly handle: RingHandle;

  constructor(options: IoOptions = DEFAULT_IO_OPTIONS) {
    const addon = nativeAddon();
    const ring = addon.createRing(options.maxConnections, options.arenaSize, options.staticSize, options.outSize, options.recvSize);
    const { slab, table } = ring;
    this.maxConnections = options.maxConnections;
    this.slab = new Uint8Array(slab);
    this.slabBuffer = Buffer.from(slab);
    this.staticOffset = ring.arenaSize;
    this.staticSize = ring.staticSize;
    this.outOffset = ring.arenaSize + ring.staticSize;
    this.outSize = ring.outSize;
    this.events = new Int32Array(table, ring.eventsOffset, EVENT_CAPACITY * EVENT_WORDS);
    this.commands = new Int32Array(table, ring.commandsOffset, COMMAND_CAPACITY);
    this.control = new Int32Array(table, ring.controlOffset, 2);
    this.clock = new Float64Array(table, ring.clockOffset, 2);
    this.queued = new Int32Array(table, ring.queuedOffset, options.maxConnections);
    this.bytesRead = new Float64Array(table, ring.bytesReadOffset, options.maxConnections);
    this.bytesWritten = new Float64Array(table, ring.bytesWrittenOffset, options.maxConnections);
    this.counters = new Float64Array(table, ring.countersOffset, COUNTERS);
    this.addon = addon;
    this.handle = ring.handle;
  }

  start(handler: TurnHandler): void {
    this.addon.start(this.handle, handler);
  }

  updateClock(): void {
    // The ring reads CLOCK_MONOTONIC, and so does hrtime.
    const now = process.hrtime();
    this.clock[0] = now[0] * 1e3 + now[1] / 1e6;
    this.clock[1] = Date.now();
  }

  flush(): void {
    if (this.control[0] !== 0) this.addon.flush(this.handle);
  }

  adoptListener(source: ListenSource): number {
    if (!('fd' in source)) throw new TypeError('the ring adopts listen sockets by descriptor');
    return this.addon.adoptListener(this.handle, source.fd);
  }

  releaseListener(listener: number): void {
    this.addon.releaseListener(this.handle, listener);
  }

  connect(address: string, port: number, options?: ConnectOptions): number {
    const keepAlive = options?.keepAlive;
    const bind = options?.bind;
    const tls = options?.tls;
    let connection = -1;
    const verify = tls?.verifyPeer;
    // Asked in a later turn at the earliest.
    const accepts = verify === undefined ? undefined : (certificate: Uint8Array, isVerified: boolean): boolean => {
      const refusal = verify(certificate, isVerified);
      if (refusal !== '') this.refusals.set(connection, refusal);
      return refusal === '';
    };
    connection = this.addon.connect(
      this.handle,
      address,
      port,
      options?.noDelay !== false,
      keepAlive !== undefined,
      keepAlive?.idleSec ?? 0,
      keepAlive?.intervalSec ?? 0,
      keepAlive?.probes ?? 0,
      bind?.address,
      bind?.port ?? 0,
      options?.socketOptions,
      tls?.context ?? -1,
      tls?.serverName ?? '',
      tls?.alpnProtocols === undefined ? undefined : packAlpn(tls.alpnProtocols),
      accepts,
    );
    if (accepts !== undefined) this.refusals.delete(connection);
    return connection;
  }

  sendBytes(connection: number, bytes: Uint8Array, offset: number, length: number): void {
    this.addon.sendBytes(this.handle, connection, bytes, offset, length);
  }

  setWatermarks(connection: number, low: number, high: number): void {
    this.addon.setWatermarks(this.handle, connection, low, high);
  }

  remoteAddress(connection: number): string {
    return this.addon.remoteAddress(this.handle, connection);
  }

  localAddress(connection: number): string {
    return this.addon.localAddress(this.handle, connection);
  }

  originalDestination(connection: number): string {
    return this.addon.originalDestination(this.handle, connection);
  }

  addTlsContext(config: TlsClientConfig): number {
    const { trust } = config;
    const texts = [config.cipherSuites, config.curves, config.signatureAlgorithms, trust?.trustedCa ?? '', trust?.crl ?? ''];
    for (const { chain, privateKey } of config.certificates) texts.push(chain, privateKey);
    return this.addon.addTlsContext(
      this.handle,
      TLS_VERSION_NUMBERS[config.minVersion],
      TLS_VERSION_NUMBERS[config.maxVersion],
      tlsFlags(config),
      trust?.maxDepth ?? -1,
      config.maxSessionKeys,
      texts,
      packAlpn(config.alpnProtocols),
    );
  }

  removeTlsContext(context: number): void {
    this.addon.removeTlsContext(this.handle, context);
  }

  tlsSession(connection: number): TlsSession | null {
    const session = this.addon.tlsSession(this.handle, connection);
    return session === null ? null : ringTlsSession(session);
  }

  tlsFailure(connection: number): TlsFailure | null {
    const failure = this.addon.tlsFailure(this.handle, connection);
    return failure === null ? null : ringTlsFailure(failure, this.refusals.get(connection) ?? '');
  }

  setTick(ms: number): void {
    this.addon.setTick(this.handle, ms);
  }

  close(): void {
    this.addon.close(this.handle);
  }
}
