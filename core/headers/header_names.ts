/**
 * Interned header names: lower-case text <-> small integer, found by a hash that the parser computes while it scans.
 *
 * Ids are per thread and only grow. Names that someone reads or writes are interned at config time; a name nobody asked for
 * has id 0 and costs nothing. `:authority` and `host` are one name (id `authority`), written as `host` on HTTP/1.
 */
const TABLE_SIZE = 8192;
const TABLE_MASK = TABLE_SIZE - 1;

/** Ids that the code itself uses; the order is their value. */
const WELL_KNOWN = [
  '', ':method', ':path', ':scheme', ':status', ':protocol', 'host', 'connection', 'content-length', 'transfer-encoding',
  'keep-alive', 'te', 'upgrade', 'proxy-connection', 'trailer', 'expect', 'date', 'server', 'via', 'x-request-id',
  'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-envoy-upstream-service-time',
  'x-envoy-expected-rq-timeout-ms', 'x-envoy-internal', 'x-envoy-external-address', 'x-envoy-original-path',
  'x-envoy-original-host', 'x-envoy-attempt-count', 'x-envoy-overloaded', 'x-envoy-ratelimited',
  'x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms', 'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-max-retries', 'x-envoy-retry-on', 'x-envoy-retry-grpc-on', 'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names', 'x-envoy-hedge-on-per-try-timeout', 'x-envoy-force-trace',
  'x-envoy-decorator-operation', 'x-envoy-ip-tags', 'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-stream-duration-ms', 'x-envoy-immediate-health-check-fail', 'x-envoy-degraded',
  'x-envoy-upstream-canary', 'x-envoy-upstream-healthchecked-cluster', 'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node', 'x-forwarded-client-cert', 'x-client-trace-id', 'content-type', 'location', 'origin',
  'user-agent', 'referer', 'cookie', 'set-cookie', 'accept', 'accept-encoding', 'accept-language', 'authorization',
  'cache-control', 'etag', 'vary', 'content-encoding', 'grpc-status', 'grpc-message', 'grpc-timeout',
  'access-control-request-method', 'access-control-request-headers', 'access-control-request-private-network',
  'access-control-allow-origin', 'access-control-allow-methods', 'access-control-allow-headers',
  'access-control-expose-headers', 'access-control-max-age', 'access-control-allow-credentials',
  'access-control-allow-private-network', 'x-envoy-is-timeout-retry', 'proxy-status', 'http2-settings', 'alt-svc',
  'last-modified', 'if-none-match', 'if-modified-since', 'content-range', 'range',
] as const;

const id = (name: (typeof WELL_KNOWN)[number]): number => WELL_KNOWN.indexOf(name);

/** Ids of names the code itself uses. */
export const HeaderId = {
  method: id(':method'), path: id(':path'), scheme: id(':scheme'), status: id(':status'), protocol: id(':protocol'),
  authority: id('host'), connection: id('connection'), contentLength: id('content-length'),
  transferEncoding: id('transfer-encoding'), keepAlive: id('keep-alive'), te: id('te'), upgrade: id('upgrade'),
  proxyConnection: id('proxy-connection'), trailer: id('trailer'), expect: id('expect'), date: id('date'),
  server: id('server'), via: id('via'), requestId: id('x-request-id'), forwardedFor: id('x-forwarded-for'),
  forwardedProto: id('x-forwarded-proto'), forwardedHost: id('x-forwarded-host'), forwardedPort: id('x-forwarded-port'),
  envoyUpstreamServiceTime: id('x-envoy-upstream-service-time'),
  envoyExpectedRqTimeoutMs: id('x-envoy-expected-rq-timeout-ms'), envoyInternal: id('x-envoy-internal'),
  envoyExternalAddress: id('x-envoy-external-address'), envoyOriginalPath: id('x-envoy-original-path'),
  envoyOriginalHost: id('x-envoy-original-host'), envoyAttemptCount: id('x-envoy-attempt-count'),
  envoyOverloaded: id('x-envoy-overloaded'), envoyUpstreamRqTimeoutMs: id('x-envoy-upstream-rq-timeout-ms'),
  envoyUpstreamRqPerTryTimeoutMs: id('x-envoy-upstream-rq-per-try-timeout-ms'),
  envoyUpstreamRqTimeoutAltResponse: id('x-envoy-upstream-rq-timeout-alt-response'),
  envoyRatelimited: id('x-envoy-ratelimited'), envoyIsTimeoutRetry: id('x-envoy-is-timeout-retry'),
  envoyMaxRetries: id('x-envoy-max-retries'), envoyRetryOn: id('x-envoy-retry-on'),
  envoyRetryGrpcOn: id('x-envoy-retry-grpc-on'), envoyRetriableStatusCodes: id('x-envoy-retriable-status-codes'),
  envoyRetriableHeaderNames: id('x-envoy-retriable-header-names'),
  envoyHedgeOnPerTryTimeout: id('x-envoy-hedge-on-per-try-timeout'), envoyForceTrace: id('x-envoy-force-trace'),
  envoyDecoratorOperation: id('x-envoy-decorator-operation'), envoyIpTags: id('x-envoy-ip-tags'),
  envoyUpstreamAltStatName: id('x-envoy-upstream-alt-stat-name'),
  envoyUpstreamStreamDurationMs: id('x-envoy-upstream-stream-duration-ms'),
  envoyImmediateHealthCheckFail: id('x-envoy-immediate-health-check-fail'), envoyDegraded: id('x-envoy-degraded'),
  envoyUpstreamCanary: id('x-envoy-upstream-canary'),
  envoyUpstreamHealthcheckedCluster: id('x-envoy-upstream-healthchecked-cluster'),
  envoyDownstreamServiceCluster: id('x-envoy-downstream-service-cluster'),
  envoyDownstreamServiceNode: id('x-envoy-downstream-service-node'),
  forwardedClientCert: id('x-forwarded-client-cert'), contentType: id('content-type'), location: id('location'),
  origin: id('origin'), userAgent: id('user-agent'), referer: id('referer'), accept: id('accept'),
  acceptEncoding: id('accept-encoding'), authorization: id('authorization'), cacheControl: id('cache-control'), setCookie: id('set-cookie'), cookie: id('cookie'), grpcTimeout: id('grpc-timeout'), vary: id('vary'),
  grpcStatus: id('grpc-status'), grpcMessage: id('grpc-message'), etag: id('etag'),
  accessControlRequestMethod: id('access-control-request-method'),
  accessControlRequestPrivateNetwork: id('access-control-request-private-network'),
  accessControlAllowOrigin: id('access-control-allow-origin'),
  accessControlAllowMethods: id('access-control-allow-methods'),
  accessControlAllowHeaders: id('access-control-allow-headers'),
  accessControlExposeHeaders: id('access-control-expose-headers'),
  accessControlMaxAge: id('access-control-max-age'),
  accessControlAllowCredentials: id('access-control-allow-credentials'),
  accessControlAllowPrivateNetwork: id('access-control-allow-private-network'), proxyStatus: id('proxy-status'), http2Settings: id('http2-settings'),
} as const;

/**
 * Names that few messages carry, by what they are for: a map knows whether it may hold one of a group (`HeaderMap.hasAny`), so that
 * code which looks for many of them looks for none as a rule.
 */
export const HeaderGroup = {
  /** What concerns one connection only, but for `connection` itself (RFC 9110 §7.6.1). */
  hopByHop: 1,
  /** What a caller tells the proxy: x-envoy-*, but for what the proxy itself tells every upstream or client. */
  control: 2,
} as const;

const HOP_BY_HOP: ReadonlySet<string> = new Set(['transfer-encoding', 'keep-alive', 'te', 'upgrade', 'proxy-connection']);
const TOLD_BY_US: ReadonlySet<string> = new Set([
  'x-envoy-internal', 'x-envoy-external-address', 'x-envoy-upstream-service-time', 'x-envoy-attempt-count',
]);

function groupOf(name: string): number {
  if (HOP_BY_HOP.has(name)) return HeaderGroup.hopByHop;
  return name.startsWith('x-envoy-') && !TOLD_BY_US.has(name) ? HeaderGroup.control : 0;
}

/** Ids below this are pseudo-headers held outside the entry list. */
export const FIRST_REGULAR_ID = id('host');

/** Hash of a name from four of its bytes: cheap, and good enough for a table at 1/16 load. */
export function nameHash(length: number, first: number, middle: number, last: number): number {
  return (length + Math.imul(first, 31) + Math.imul(last, 17) + Math.imul(middle, 7) + (middle << 5)) & TABLE_MASK;
}

/** One thread's interning table. */
export class HeaderNames {
  /** Hash table of ids (0 = empty), linear probing. */
  readonly table = new Uint16Array(TABLE_SIZE);
  /** Offset of each id's lower-case bytes in `bytes`, and length. */
  readonly offsets = new Int32Array(4096);
  readonly lengths = new Int32Array(4096);
  /** The `HeaderGroup` of each id, 0 = none. */
  readonly groups = new Uint8Array(4096);
  /** Each name's bytes, then `: ` and room up to a multiple of four, so that lines are begun four bytes at a time. */
  readonly bytes = new Uint8Array(256 << 10);
  readonly view = new DataView(this.bytes.buffer);
  /** By the offsets of `bytes`: 0x20 where a letter stands, which a peer may write in either case, else 0. */
  readonly caseBits = new DataView(new ArrayBuffer(this.bytes.length));
  private readonly texts: string[] = [];
  private readonly ids = new Map<string, number>();
  private used = 0;

  constructor() {
    for (const name of WELL_KNOWN) this.add(name);
    this.ids.set(':authority', HeaderId.authority);
  }

  /** Id of a name in any case; interns it. Config time only. Throws beyond 4095 names (a configuration nobody has). */
  intern(name: string): number {
    const text = name.toLowerCase();
    return this.ids.get(text) ?? this.add(text);
  }

  /** Id of a name if it is interned, else 0. */
  find(name: string): number {
    return this.ids.get(name) ?? this.ids.get(name.toLowerCase()) ?? 0;
  }

  /** Lower-case text of an id ('host' for the authority). */
  text(nameId: number): string {
    return this.texts[nameId] ?? '';
  }

  /** Number of ids in use. */
  get size(): number {
    return this.texts.length;
  }

  private add(text: string): number {
    const nameId = this.texts.length;
    if (nameId >= this.offsets.length || this.used + text.length + 8 > this.bytes.length) throw new Error('header name table is full');
    this.texts.push(text);
    this.ids.set(text, nameId);
    this.offsets[nameId] = this.used;
    this.lengths[nameId] = text.length;
    this.groups[nameId] = groupOf(text);
    for (let i = 0; i < text.length; i++) {
      const byte = text.charCodeAt(i);
      this.bytes[this.used + i] = byte;
      if (byte >= 97 && byte <= 122) this.caseBits.setUint8(this.used + i, 32);
    }
    this.bytes[this.used + text.length] = 58;
    this.bytes[this.used + text.length + 1] = 32;
    this.used = (this.used + text.length + 5) & ~3;
    if (nameId !== 0 && text.charCodeAt(0) !== 58) {
      const o = this.offsets[nameId];
      const n = text.length;
      let slot = nameHash(n, this.bytes[o], this.bytes[o + (n >> 1)], this.bytes[o + n - 1]);
      while (this.table[slot] !== 0) slot = (slot + 1) & TABLE_MASK;
      this.table[slot] = nameId;
    }
    return nameId;
  }
}
