/**
 * What CEL expressions can name: Envoy's attributes (docs: intro/arch_overview/advanced/attributes), read from a stream when an
 * expression asks. An attribute without a value is absent: `has()` is false, anything else makes the expression fail.
 */
import type { CelInput } from '@bufbuild/cel';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { PROTOCOL_TEXT, Protocol, type StreamInfo } from '../stream_info/stream_info.ts';
import { celLibrary } from './cel_library.ts';
import type { FormatContext } from './format_context.ts';
import { grpcStatusOf } from './grpc_status_field.ts';

/** Whose attributes are meant; set for the time of an evaluation. */
export interface CelSubject {
  context: FormatContext;
}

type Attribute = (context: FormatContext) => unknown;

/** A map whose values are read when they are asked for. One for all evaluations of a thread. */
export class AttributeMap extends Map<string, CelInput> {
  private readonly subject: CelSubject;
  private readonly attributes: Readonly<Record<string, Attribute>>;

  constructor(subject: CelSubject, attributes: Readonly<Record<string, Attribute>>) {
    super();
    this.subject = subject;
    this.attributes = attributes;
  }

  override get(key: string): CelInput | undefined {
    const attribute = Object.hasOwn(this.attributes, key) ? this.attributes[key] : undefined;
    const value = attribute?.(this.subject.context);
    return value === undefined || value === null ? undefined : (value as CelInput);
  }

  override has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  override get size(): number {
    return Object.keys(this.attributes).length;
  }

  override *keys(): MapIterator<string> {
    yield* Object.keys(this.attributes);
  }

  override *entries(): MapIterator<[string, CelInput]> {
    for (const key of Object.keys(this.attributes)) {
      const value = this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  override [Symbol.iterator](): MapIterator<[string, CelInput]> {
    return this.entries();
  }
}

/** The roots of all attributes, for the stream that `subject` names. */
export function celRoots(subject: CelSubject): Record<string, CelInput> {
  const roots: Record<string, CelInput> = {
    request: new AttributeMap(subject, REQUEST), response: new AttributeMap(subject, RESPONSE), source: new AttributeMap(subject, SOURCE),
    destination: new AttributeMap(subject, DESTINATION), connection: new AttributeMap(subject, CONNECTION), upstream: new AttributeMap(subject, UPSTREAM),
    xds: new AttributeMap(subject, XDS), metadata: new AttributeMap(subject, METADATA),
    get filter_state() {
      return filterState(subject.context.info);
    },
    // Nothing sets any.
    get upstream_filter_state() {
      return isUpstreamKnown(subject.context.info) ? new Map() : (undefined as unknown as CelInput);
    },
  };
  // Names that every object has are none of ours.
  return Object.setPrototypeOf(roots, null) as Record<string, CelInput>;
}

const REQUEST: Readonly<Record<string, Attribute>> = {
  path: ({ requestHeaders }) => requestHeaders?.get(HeaderId.path),
  url_path: ({ requestHeaders }) => requestHeaders?.get(HeaderId.path)?.replace(/\?.*$/s, ''),
  host: ({ requestHeaders }) => requestHeaders?.get(HeaderId.authority),
  scheme: ({ requestHeaders }) => requestHeaders?.get(HeaderId.scheme),
  method: ({ requestHeaders }) => requestHeaders?.get(HeaderId.method),
  headers: ({ requestHeaders }) => headersOf(requestHeaders),
  referer: ({ requestHeaders }) => requestHeaders?.getByName('referer'),
  useragent: ({ requestHeaders }) => requestHeaders?.get(HeaderId.userAgent),
  time: ({ info }) => (info === null ? undefined : timestamp(info.startTimeWallMs)),
  id: ({ requestHeaders }) => requestHeaders?.get(HeaderId.requestId),
  protocol: ({ info }) => (info === null || info.protocol === Protocol.none ? undefined : PROTOCOL_TEXT[info.protocol]),
  query: ({ requestHeaders }) => queryOf(requestHeaders),
  duration: ({ info }) => (info === null ? undefined : duration(info.endTimeMs - info.startTimeMs)),
  size: ({ info }) => integer(info?.bytesReceived),
  total_size: ({ info, requestHeaders }) => (info === null ? undefined : integer(info.bytesReceived + (requestHeaders?.byteSize() ?? 0))),
};

const RESPONSE: Readonly<Record<string, Attribute>> = {
  code: ({ info }) => (info === null || info.responseCode === 0 ? undefined : integer(info.responseCode)),
  code_details: ({ info }) => nonEmpty(info?.responseCodeDetails),
  flags: ({ info }) => integer(info?.responseFlags),
  grpc_status: (context) => {
    const status = grpcStatusOf(context);
    // Without one the HTTP status says what it would be; that of no response is unknown.
    return integer(status < 0 ? 2 : status);
  },
  headers: ({ responseHeaders }) => headersOf(responseHeaders),
  trailers: ({ responseTrailers }) => headersOf(responseTrailers) ?? new Map(),
  size: ({ info }) => integer(info?.bytesSent),
  total_size: ({ info, responseHeaders, responseTrailers }) =>
    info === null ? undefined : integer(info.bytesSent + (responseHeaders?.byteSize() ?? 0) + (responseTrailers?.byteSize() ?? 0)),
  backend_latency: ({ info }) => (info === null ? undefined : duration(info.lastUpstreamRxMs - info.firstUpstreamTxMs)),
};

const SOURCE: Readonly<Record<string, Attribute>> = {
  address: ({ info }) => remoteOf(info),
  port: ({ info }) => portOf(remoteOf(info)),
};

const DESTINATION: Readonly<Record<string, Attribute>> = {
  address: ({ info }) => info?.connection?.localAddress,
  port: ({ info }) => portOf(info?.connection?.localAddress),
};

const CONNECTION: Readonly<Record<string, Attribute>> = {
  id: ({ info }) => celUint(info?.connection?.id),
  mtls: ({ info }) => info?.connection?.tls?.isPeerCertificatePresented === true,
  requested_server_name: ({ info }) => info?.connection?.requestedServerName,
  termination_details: ({ info }) => nonEmpty(info?.connectionTerminationDetails),
};

const UPSTREAM: Readonly<Record<string, Attribute>> = {
  address: ({ info }) => nonEmpty(info?.upstreamRemoteAddress === '' ? info.upstreamHost?.address : info?.upstreamRemoteAddress),
  port: ({ info }) => portOf(info?.upstreamRemoteAddress === '' ? info.upstreamHost?.address : info?.upstreamRemoteAddress),
  local_address: ({ info }) => nonEmpty(info?.upstreamLocalAddress),
  transport_failure_reason: ({ info }) => (isUpstreamKnown(info) ? info?.upstreamTransportFailureReason : undefined),
  request_attempt_count: ({ info }) => celUint(info?.upstreamAttemptCount),
  cx_pool_ready_duration: ({ info }) => (info === null ? undefined : duration(info.upstreamPoolReadyMs - info.upstreamRequestStartMs)),
  locality: ({ info }) => info?.upstreamHost?.locality,
  tls_version: ({ info }) => info?.upstreamTls?.session.version,
  subject_peer_certificate: ({ info }) => (isSecured(info) ? (info?.upstreamTls?.peer?.subject ?? '') : undefined),
  dns_san_peer_certificate: ({ info }) => info?.upstreamTls?.peer?.namesOf('dns')[0],
  uri_san_peer_certificate: ({ info }) => info?.upstreamTls?.peer?.namesOf('uri')[0],
  sha256_peer_certificate_digest: ({ info }) => (isSecured(info) ? (info?.upstreamTls?.peer?.sha256 ?? '') : undefined),
  subject_local_certificate: ({ info }) => (isSecured(info) ? (info?.upstreamTls?.own?.subject ?? '') : undefined),
  dns_san_local_certificate: ({ info }) => info?.upstreamTls?.own?.namesOf('dns')[0],
  uri_san_local_certificate: ({ info }) => info?.upstreamTls?.own?.namesOf('uri')[0],
};

const XDS: Readonly<Record<string, Attribute>> = {
  cluster_name: ({ info }) => nonEmpty(info?.upstreamClusterName),
  cluster_metadata: ({ info }) => structs(info?.upstreamClusterName === '' ? null : info, info?.upstreamClusterMetadata),
  listener_direction: ({ info }) => integer(info?.connection?.listenerDirection),
  listener_metadata: ({ info }) => structs(info?.connection, info?.connection?.listenerMetadata),
  route_name: ({ info }) => info?.route?.routeName,
  route_metadata: ({ info }) => structs(info?.route, info?.route?.metadata),
  virtual_host_name: ({ info }) => info?.route?.virtualHostName,
  virtual_host_metadata: ({ info }) => structs(info?.route, info?.route?.virtualHostMetadata),
  upstream_host_metadata: ({ info }) => structs(info?.upstreamHost, info?.upstreamHost?.metadata),
  filter_chain_name: ({ info }) => info?.connection?.filterChainName,
};

const METADATA: Readonly<Record<string, Attribute>> = {
  filter_metadata: ({ info }) => new Map(info?.dynamicMetadata ?? []),
};

/** TLS on the connection to the host: what certificates do not say is '' then. */
function isSecured(info: StreamInfo | null): boolean {
  return (info?.upstreamTls ?? null) !== null;
}

/** What filters left for others under a name; objects have no value here. */
function filterState(info: StreamInfo | null): Map<string, CelInput> {
  const values = new Map<string, CelInput>();
  for (const [key, value] of info?.filterState ?? []) if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') values.set(key, value);
  return values;
}

/** Metadata of something that is there, as the message it is in Envoy. */
function structs(holder: object | null | undefined, namespaces: Readonly<Record<string, unknown>> | null | undefined): unknown {
  if (holder === null || holder === undefined) return undefined;
  const isEmpty = namespaces === null || namespaces === undefined || Object.keys(namespaces).length === 0;
  return isEmpty ? {} : { filter_metadata: namespaces };
}

/** Headers by name, pseudo-headers among them, several of one name joined; made when an expression asks for them. */
function headersOf(headers: HeaderMap | null): Map<string, string> | undefined {
  if (headers === null) return undefined;
  const map = new Map<string, string>();
  for (const [name, id] of PSEUDO) {
    const value = headers.get(id);
    if (value !== undefined) map.set(name, value);
  }
  headers.forEach((name, value) => {
    const known = map.get(name);
    map.set(name, known === undefined ? value : `${known},${value}`);
  });
  return new HeaderValues(map);
}

/** `host` is another name of `:authority`. */
class HeaderValues extends Map<string, string> {
  override get(key: string): string | undefined {
    const name = typeof key === 'string' ? key.toLowerCase() : key;
    return super.get(name === 'host' ? ':authority' : name);
  }

  override has(key: string): boolean {
    return this.get(key) !== undefined;
  }
}

const PSEUDO: readonly (readonly [string, number])[] = [
  [':method', HeaderId.method], [':path', HeaderId.path], [':authority', HeaderId.authority], [':scheme', HeaderId.scheme], [':status', HeaderId.status],
];

function queryOf(headers: HeaderMap | null): string | undefined {
  const path = headers?.get(HeaderId.path);
  if (path === undefined) return undefined;
  const at = path.indexOf('?');
  return at < 0 ? '' : path.slice(at + 1).replace(/#.*$/s, '');
}

/** Whether the stream came as far as asking for a host. */
function isUpstreamKnown(info: StreamInfo | null): boolean {
  return info !== null && (info.upstreamHost !== null || info.upstreamAttemptCount > 0);
}

function remoteOf(info: StreamInfo | null): string | undefined {
  if (info === null) return undefined;
  return info.downstreamRemoteAddress === '' ? info.connection?.remoteAddress : info.downstreamRemoteAddress;
}

function portOf(address: string | undefined): bigint | undefined {
  const port = /:(\d+)$/.exec(address ?? '')?.[1];
  return port === undefined ? undefined : BigInt(port);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function integer(value: number | undefined): bigint | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : BigInt(Math.trunc(value));
}

function celUint(value: number | undefined): unknown {
  return value === undefined ? undefined : celLibrary().cel.celUint(BigInt(value));
}

const NANOS_PER_MS = 1e6;
const NANOS_PER_SECOND = 1_000_000_000n;

/** A google.protobuf.Duration, or nothing for a time that did not pass. */
function duration(ms: number): unknown {
  if (Number.isNaN(ms)) return undefined;
  const { protobuf, wkt } = celLibrary();
  const nanos = BigInt(Math.round(ms * NANOS_PER_MS));
  return protobuf.create(wkt.DurationSchema, { seconds: nanos / NANOS_PER_SECOND, nanos: Number(nanos % NANOS_PER_SECOND) });
}

function timestamp(wallMs: number): unknown {
  const { protobuf, wkt } = celLibrary();
  const seconds = Math.floor(wallMs / 1000);
  // Beyond microseconds a double has no digits left.
  return protobuf.create(wkt.TimestampSchema, { seconds: BigInt(seconds), nanos: Math.round((wallMs - seconds * 1000) * 1000) * 1000 });
}
