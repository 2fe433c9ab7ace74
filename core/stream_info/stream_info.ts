import type { UpstreamTls } from './upstream_tls.ts';

/** Protocol of one side of a stream; `none`: there is no such side. */
export const Protocol = { http10: 0, http11: 1, http2: 2, http3: 3, none: 4 } as const;
export type Protocol = (typeof Protocol)[keyof typeof Protocol];

/** As logs print them. */
export const PROTOCOL_TEXT: readonly string[] = ['HTTP/1.0', 'HTTP/1.1', 'HTTP/2', 'HTTP/3', ''];

/** Filter metadata (config.core.v3.Metadata.filter_metadata): namespace to struct, as plain data. */
export type MetadataStructs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What a stream's log line may want to know of the upstream host; implemented by `core/upstream/host.ts`. */
export interface UpstreamHostInfo {
  /** `ip:port` or a path. */
  readonly address: string;
  /** Host name from the configuration, '' if none. */
  readonly hostname: string;
  /** Metadata of the host; absent if none. */
  readonly metadata?: MetadataStructs;
  readonly locality?: { readonly region: string; readonly zone: string; readonly sub_zone: string };
}

/** What a log line may want to know of the route; implemented by `core/route/`. */
export interface RouteInfo {
  readonly routeName: string;
  readonly virtualHostName: string;
  /** Metadata of the route, and of its virtual host; absent if none. */
  readonly metadata?: MetadataStructs;
  readonly virtualHostMetadata?: MetadataStructs | undefined;
}

/** What TLS says of the downstream peer. */
export interface TlsInfo {
  readonly isPeerCertificatePresented: boolean;
  readonly isPeerCertificateValidated: boolean;
}

/** The connection's side of a stream; implemented by `core/network/connection.ts`. Addresses are text, made once per connection. */
export interface ConnectionInfo {
  /** Process-wide unique enough for logs: dense per worker. */
  readonly id: number;
  readonly remoteAddress: string;
  /** The same without its port (a path as it is). */
  readonly remoteHost: string;
  readonly localAddress: string;
  /** `ip:port` that the connection was going to before it was redirected here; '' or absent = it was not, or nobody asked. */
  readonly originalDestination?: string;
  readonly filterChainName: string;
  /** SNI, '' if none. */
  readonly requestedServerName: string;
  /** Absent on plain connections. */
  readonly tls?: TlsInfo;
  /** traffic_direction of the listener: 0 unspecified, 1 inbound, 2 outbound. */
  readonly listenerDirection?: number;
  /** Metadata of the listener, and of the filter chain; absent if none. */
  readonly listenerMetadata?: MetadataStructs | undefined;
  readonly filterChainMetadata?: MetadataStructs;
}

/** The connection to a host; implemented by `core/network/connection.ts`. */
export interface UpstreamConnectionInfo {
  readonly id: number;
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** null = plain. */
  readonly upstreamTls: UpstreamTls | null;
}

const TIMES = 15;
/** Beginning and end of the request. */
const CONTINUED_TIMES = [0, 1, 2];
/** Indexes of the times of an upstream request. */
const UPSTREAM_TIMES = [3, 4, 5, 6, 9, 10, 11, 13, 14];

/**
 * Facts about one stream that filters, log lines and stats read. Pooled: `reset()` restores every field.
 *
 * Times are milliseconds of the worker's monotonic clock (fractional), NaN = did not happen; `startTimeWallMs` is wall-clock.
 * Byte counts are bodies as they were on this side (after decoding chunked), header counts as received or sent on the wire.
 */
export class StreamInfo {
  /** All times; typed, so that writing one allocates nothing. Index: TIME_*. */
  private readonly times: Float64Array;
  protocol: Protocol;
  upstreamProtocol: Protocol;
  hasUpstreamProtocol: boolean;
  responseCode: number;
  responseFlags: number;
  /** Envoy's RESPONSE_CODE_DETAILS, '' = none. */
  responseCodeDetails: string;
  connectionTerminationDetails: string;
  upstreamTransportFailureReason: string;
  bytesReceived: number;
  bytesSent: number;
  responseHeaderBytes: number;
  responseTrailerBytes: number;
  upstreamWireBytesSent: number;
  upstreamWireBytesReceived: number;
  upstreamHeaderBytesSent: number;
  upstreamHeaderBytesReceived: number;
  downstreamWireBytesSent: number;
  downstreamWireBytesReceived: number;
  downstreamHeaderBytesSent: number;
  downstreamHeaderBytesReceived: number;
  upstreamHost: UpstreamHostInfo | null;
  /** Name of the cluster the stream went to, '' = none. */
  upstreamClusterName: string;
  /** The same with alt_stat_name applied (%UPSTREAM_CLUSTER%). */
  upstreamClusterObservabilityName: string;
  /** Metadata of that cluster; null = none. */
  upstreamClusterMetadata: MetadataStructs | null;
  upstreamLocalAddress: string;
  /** Where the connection really goes: one of the host's addresses. */
  upstreamRemoteAddress: string;
  upstreamConnectionId: number;
  /** Of that connection; null = it is plain, or there is none. */
  upstreamTls: UpstreamTls | null;
  upstreamAttemptCount: number;
  route: RouteInfo | null;
  /** Virtual cluster that the request matched, '' = none. */
  virtualClusterName: string;
  connection: ConnectionInfo | null;
  /** The client's address after x-forwarded-for rules (`ip:port`); '' = the connection's remote address. */
  downstreamRemoteAddress: string;
  /** A response to it had a report of its host's load: of retries none is looked for. */
  hasLoadReport: boolean;
  isHealthCheck: boolean;
  isInternalRequest: boolean;
  /** :scheme becomes that of the upstream connection (scheme_header_transformation.match_upstream). */
  schemeMatchesUpstream: boolean;
  /** Body of a local reply, '' = none (%LOCAL_REPLY_BODY%). */
  localReplyBody: string;
  /** Random number of the stream, [0, 2^31): runtime fractions, weighted clusters, request-id sampling. */
  random: number;
  /** Dynamic metadata by filter namespace; null until a filter sets some. */
  dynamicMetadata: Map<string, Record<string, unknown>> | null;
  /** Filter state by key; null until a filter sets some. */
  filterState: Map<string, unknown> | null;

  constructor() {
    this.times = new Float64Array(TIMES);
    this.protocol = Protocol.http11;
    this.upstreamProtocol = Protocol.http11;
    this.hasUpstreamProtocol = false;
    this.responseCode = 0;
    this.responseFlags = 0;
    this.responseCodeDetails = '';
    this.connectionTerminationDetails = '';
    this.upstreamTransportFailureReason = '';
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.responseHeaderBytes = 0;
    this.responseTrailerBytes = 0;
    this.upstreamWireBytesSent = 0;
    this.upstreamWireBytesReceived = 0;
    this.upstreamHeaderBytesSent = 0;
    this.upstreamHeaderBytesReceived = 0;
    this.downstreamWireBytesSent = 0;
    this.downstreamWireBytesReceived = 0;
    this.downstreamHeaderBytesSent = 0;
    this.downstreamHeaderBytesReceived = 0;
    this.upstreamHost = null;
    this.upstreamClusterName = '';
    this.upstreamClusterObservabilityName = '';
    this.upstreamClusterMetadata = null;
    this.upstreamLocalAddress = '';
    this.upstreamRemoteAddress = '';
    this.upstreamConnectionId = 0;
    this.upstreamTls = null;
    this.upstreamAttemptCount = 0;
    this.route = null;
    this.virtualClusterName = '';
    this.connection = null;
    this.downstreamRemoteAddress = '';
    this.hasLoadReport = false;
    this.isHealthCheck = false;
    this.isInternalRequest = false;
    this.schemeMatchesUpstream = false;
    this.localReplyBody = '';
    this.random = 0;
    this.dynamicMetadata = null;
    this.filterState = null;
  }

  /** Restores every field for the next stream that begins now; `clock` as in Io: [0] monotonic, [1] wall milliseconds. */
  reset(clock: Float64Array): void {
    const times = this.times;
    times[0] = clock[1];
    times[1] = clock[0];
    for (let i = 2; i < TIMES; i++) times[i] = NaN;
    this.protocol = Protocol.http11;
    this.upstreamProtocol = Protocol.http11;
    this.hasUpstreamProtocol = false;
    this.responseCode = 0;
    this.responseFlags = 0;
    this.responseCodeDetails = '';
    this.connectionTerminationDetails = '';
    this.upstreamTransportFailureReason = '';
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.responseHeaderBytes = 0;
    this.responseTrailerBytes = 0;
    this.upstreamWireBytesSent = 0;
    this.upstreamWireBytesReceived = 0;
    this.upstreamHeaderBytesSent = 0;
    this.upstreamHeaderBytesReceived = 0;
    this.downstreamWireBytesSent = 0;
    this.downstreamWireBytesReceived = 0;
    this.downstreamHeaderBytesSent = 0;
    this.downstreamHeaderBytesReceived = 0;
    this.upstreamHost = null;
    this.upstreamClusterName = '';
    this.upstreamClusterObservabilityName = '';
    this.upstreamClusterMetadata = null;
    this.upstreamLocalAddress = '';
    this.upstreamRemoteAddress = '';
    this.upstreamConnectionId = 0;
    this.upstreamTls = null;
    this.upstreamAttemptCount = 0;
    this.route = null;
    this.virtualClusterName = '';
    this.connection = null;
    this.downstreamRemoteAddress = '';
    this.hasLoadReport = false;
    this.isHealthCheck = false;
    this.isInternalRequest = false;
    this.schemeMatchesUpstream = false;
    this.localReplyBody = '';
    this.random = 0;
    this.dynamicMetadata = null;
    this.filterState = null;
  }

  /** Forgets what is known of the upstream but the sums of bytes: another try begins. */
  resetUpstream(): void {
    const { times } = this;
    for (const time of UPSTREAM_TIMES) times[time] = NaN;
    this.upstreamProtocol = Protocol.http11;
    this.hasUpstreamProtocol = false;
    this.upstreamTransportFailureReason = '';
    this.upstreamHost = null;
    this.upstreamLocalAddress = '';
    this.upstreamRemoteAddress = '';
    this.upstreamConnectionId = 0;
    this.upstreamTls = null;
  }

  /** There is a connection to the host. */
  onUpstreamConnection(connection: UpstreamConnectionInfo): void {
    this.upstreamConnectionId = connection.id;
    this.upstreamLocalAddress = connection.localAddress;
    this.upstreamRemoteAddress = connection.remoteAddress;
    this.upstreamTls = connection.upstreamTls;
  }

  /** Takes over what another knows of the upstream. */
  copyUpstreamFrom(other: StreamInfo): void {
    const { times } = this;
    for (const time of UPSTREAM_TIMES) times[time] = other.times[time];
    this.upstreamProtocol = other.upstreamProtocol;
    this.hasUpstreamProtocol = other.hasUpstreamProtocol;
    this.upstreamTransportFailureReason = other.upstreamTransportFailureReason;
    this.upstreamWireBytesSent = other.upstreamWireBytesSent;
    this.upstreamWireBytesReceived = other.upstreamWireBytesReceived;
    this.upstreamHeaderBytesSent = other.upstreamHeaderBytesSent;
    this.upstreamHeaderBytesReceived = other.upstreamHeaderBytesReceived;
    this.upstreamHost = other.upstreamHost;
    this.upstreamLocalAddress = other.upstreamLocalAddress;
    this.upstreamRemoteAddress = other.upstreamRemoteAddress;
    this.upstreamConnectionId = other.upstreamConnectionId;
    this.upstreamTls = other.upstreamTls;
  }

  /** Takes over what a stream that this one continues has seen of the client. */
  continueFrom(other: StreamInfo): void {
    for (const time of CONTINUED_TIMES) this.times[time] = other.times[time];
    this.protocol = other.protocol;
    this.bytesReceived = other.bytesReceived;
    this.downstreamWireBytesReceived = other.downstreamWireBytesReceived;
    this.downstreamHeaderBytesReceived = other.downstreamHeaderBytesReceived;
    this.downstreamRemoteAddress = other.downstreamRemoteAddress;
    this.isInternalRequest = other.isInternalRequest;
    this.hasLoadReport = other.hasLoadReport;
    this.isHealthCheck = other.isHealthCheck;
    this.filterState = other.filterState;
  }

  hasFlag(flag: number): boolean {
    return (this.responseFlags & flag) !== 0;
  }

  setFlag(flag: number): void {
    this.responseFlags |= flag;
  }

  // === times ===

  /** Wall clock at the start. */
  get startTimeWallMs(): number {
    return this.times[0];
  }

  set startTimeWallMs(value: number) {
    this.times[0] = value;
  }

  /** Monotonic clock at the start. */
  get startTimeMs(): number {
    return this.times[1];
  }

  set startTimeMs(value: number) {
    this.times[1] = value;
  }

  /** Last byte of the request received. */
  get requestCompleteMs(): number {
    return this.times[2];
  }

  set requestCompleteMs(value: number) {
    this.times[2] = value;
  }

  /** First byte sent to the upstream. */
  get firstUpstreamTxMs(): number {
    return this.times[3];
  }

  set firstUpstreamTxMs(value: number) {
    this.times[3] = value;
  }

  /** Last byte sent to the upstream. */
  get lastUpstreamTxMs(): number {
    return this.times[4];
  }

  set lastUpstreamTxMs(value: number) {
    this.times[4] = value;
  }

  /** First byte from the upstream. */
  get firstUpstreamRxMs(): number {
    return this.times[5];
  }

  set firstUpstreamRxMs(value: number) {
    this.times[5] = value;
  }

  /** Last byte from the upstream. */
  get lastUpstreamRxMs(): number {
    return this.times[6];
  }

  set lastUpstreamRxMs(value: number) {
    this.times[6] = value;
  }

  /** First byte of the response sent downstream. */
  get firstDownstreamTxMs(): number {
    return this.times[7];
  }

  set firstDownstreamTxMs(value: number) {
    this.times[7] = value;
  }

  /** Last byte of the response sent downstream. */
  get lastDownstreamTxMs(): number {
    return this.times[8];
  }

  set lastDownstreamTxMs(value: number) {
    this.times[8] = value;
  }

  /** The upstream connection was handed to this stream. */
  get upstreamPoolReadyMs(): number {
    return this.times[9];
  }

  set upstreamPoolReadyMs(value: number) {
    this.times[9] = value;
  }

  /** The upstream connection's connect began. */
  get upstreamConnectStartMs(): number {
    return this.times[10];
  }

  set upstreamConnectStartMs(value: number) {
    this.times[10] = value;
  }

  /** The upstream connection's connect ended. */
  get upstreamConnectEndMs(): number {
    return this.times[11];
  }

  set upstreamConnectEndMs(value: number) {
    this.times[11] = value;
  }

  /** The stream ended. */
  get endTimeMs(): number {
    return this.times[12];
  }

  set endTimeMs(value: number) {
    this.times[12] = value;
  }

  /** The upstream request was begun: a host was chosen and its pool asked. */
  get upstreamRequestStartMs(): number {
    return this.times[13];
  }

  set upstreamRequestStartMs(value: number) {
    this.times[13] = value;
  }

  /** First body byte from the upstream. */
  get firstUpstreamRxBodyMs(): number {
    return this.times[14];
  }

  set firstUpstreamRxBodyMs(value: number) {
    this.times[14] = value;
  }

  /** Whole milliseconds from the end of the request to `clock[0]`; not before that end. */
  msSinceRequestComplete(clock: Float64Array): number {
    return (clock[0] - this.times[2]) | 0;
  }

  /** Whole milliseconds from the start to `clock[0]`. */
  msSinceStart(clock: Float64Array): number {
    return (clock[0] - this.times[1]) | 0;
  }
}
