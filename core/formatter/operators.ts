/**
 * The operators of substitution formats: which arguments each takes, whether a length may follow, and what it compiles to.
 * Names and rules: configuration/observability/access_log/usage. Control plane (compile time).
 */
import { AddressField, AddressPart, AddressSource } from './address_field.ts';
import { compileCel } from './cel_expression.ts';
import { CelField } from './cel_field.ts';
import { coalesceOperator } from './coalesce_field.ts';
import { DurationField, StreamDurationField, TIME_POINT_NAMES, TimePoint } from './duration_field.ts';
import type { Field } from './field.ts';
import type { FormatEnvironment } from './format_environment.ts';
import type { OperatorToken } from './format_parser.ts';
import { GrpcStatusField, GrpcStatusStyle } from './grpc_status_field.ts';
import { HeaderField, HeaderSource, HeaderWithoutQueryField, PathField, StreamIdField } from './header_field.ts';
import { FilterStateField, MetadataField, MetadataSource } from './metadata_field.ts';
import { noteNeeds, NumberField, NumberKind } from './number_field.ts';
import { QueryParamField } from './query_param_field.ts';
import { RequestedServerNameField } from './server_name_field.ts';
import { ConstantField, FlagsField, TextField, TextKind } from './text_field.ts';
import { DEFAULT_LOCAL_TIME_FORMAT, DEFAULT_TIME_FORMAT, TimeField } from './time_field.ts';
import { UniqueIdField } from './unique_id_field.ts';
import { UPSTREAM_TLS_TEXTS, UpstreamPeerTimeField, UpstreamTlsField } from './upstream_tls_field.ts';
import { XfccField } from './xfcc_field.ts';

/** A field, or a sentence that says why there is none. */
export type FieldOrError = Field | string;

interface OperatorSpec {
  readonly args: 'none' | 'optional' | 'required';
  readonly length: boolean;
  build(args: string, environment: FormatEnvironment, maxLength: number): FieldOrError;
}

const OPERATORS = new Map<string, OperatorSpec>();

/** An operator without arguments and length. */
function plain(name: string, build: (environment: FormatEnvironment) => Field): void {
  OPERATORS.set(name, { args: 'none', length: false, build: (_args, environment) => build(environment) });
}

function withArgs(name: string, args: 'optional' | 'required', length: boolean, build: (args: string, environment: FormatEnvironment, maxLength: number) => FieldOrError): void {
  OPERATORS.set(name, { args, length, build });
}

/** Operator names in order of declaration. */
export function operatorNames(): string[] {
  return [...OPERATORS.keys()];
}

/** Compiles one operator, or says what is wrong with it. */
export function buildField(token: OperatorToken, environment: FormatEnvironment): FieldOrError {
  const { name, args, maxLength } = token;
  const where = `at position ${token.position}`;
  const spec = OPERATORS.get(name);
  if (spec === undefined) return `unknown operator %${name}% ${where}; ${suggest(name)}`;
  if (spec.args === 'none' && args !== '') return `%${name}% ${where} takes no arguments, but has (${args})`;
  if (spec.args === 'required' && args === '') return `%${name}% ${where} needs arguments: %${name}(...)%`;
  if (!spec.length && maxLength >= 0) return `%${name}% ${where} cannot be given a maximum length, but has :${maxLength}`;
  const field = spec.build(args, environment, maxLength);
  return typeof field === 'string' ? `%${name}(${args})% ${where}: ${field}` : field;
}

function suggest(name: string): string {
  const known = operatorNames();
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(name, candidate) })).sort((a, b) => a.distance - b.distance);
  const near = ranked.filter((row) => row.distance <= Math.max(2, Math.floor(name.length / 3))).slice(0, 3);
  const parts = name.split('_').filter((part) => part.length > 2);
  const related = known.filter((candidate) => parts.length > 0 && parts.every((part) => candidate.includes(part))).slice(0, 3);
  const names = near.length > 0 ? near.map((row) => row.candidate) : related.length > 0 ? related : [ranked[0].candidate];
  return `did you mean ${names.map((candidate) => `%${candidate}%`).join(' or ')}?`;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = row;
  }
  return previous[b.length];
}

// === requests and responses ===

const TOKEN = /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/;

function headerOperator(source: HeaderSource): (args: string, environment: FormatEnvironment) => HeaderField | string {
  return (args, environment) => {
    const names = args.split('?');
    if (names.length > 2) return 'more than one alternative header; expected (NAME?ALTERNATIVE)';
    for (const name of names) {
      if (!TOKEN.test(name)) return `${JSON.stringify(name)} is not a header name`;
    }
    const ids = names.map((name) => (name === '' ? 0 : environment.names.intern(name)));
    return new HeaderField(source, ids[0], ids[1] ?? 0);
  };
}

function pathOperator(args: string): FieldOrError {
  const [query = '', source = ''] = args.split(':');
  if (query !== '' && query !== 'WQ' && query !== 'NQ') return `${JSON.stringify(query)} is none of WQ (with query), NQ (without)`;
  if (source !== '' && source !== 'ORIG' && source !== 'PATH' && source !== 'ORIG_OR_PATH') return `${JSON.stringify(source)} is none of ORIG, PATH, ORIG_OR_PATH`;
  return new PathField(query !== 'NQ', source !== 'PATH', source !== 'ORIG');
}

function grpcStatusOperator(args: string): FieldOrError {
  switch (args) {
    case '':
    case 'CAMEL_STRING': return new GrpcStatusField(GrpcStatusStyle.camel);
    case 'SNAKE_STRING': return new GrpcStatusField(GrpcStatusStyle.snake);
    case 'NUMBER': return new GrpcStatusField(GrpcStatusStyle.number);
    default: return `${JSON.stringify(args)} is none of CAMEL_STRING, SNAKE_STRING, NUMBER`;
  }
}

for (const name of ['REQ', 'REQUEST_HEADER', 'STREAM_INFO_REQ']) withArgs(name, 'required', true, headerOperator(HeaderSource.request));
for (const name of ['RESP', 'RESPONSE_HEADER']) withArgs(name, 'required', true, headerOperator(HeaderSource.response));
for (const name of ['TRAILER', 'RESPONSE_TRAILER']) withArgs(name, 'required', true, headerOperator(HeaderSource.trailers));
withArgs('REQ_WITHOUT_QUERY', 'required', true, (args, environment) => {
  const header = headerOperator(HeaderSource.request)(args, environment);
  return typeof header === 'string' ? header : new HeaderWithoutQueryField(header);
});
withArgs('PATH', 'optional', true, pathOperator);
withArgs('QUERY_PARAM', 'required', true, (args) => new QueryParamField(args));
plain('PROTOCOL', () => new TextField(TextKind.protocol));
plain('RESPONSE_CODE', () => new NumberField(NumberKind.responseCode));
withArgs('RESPONSE_CODE_DETAILS', 'optional', false, (args) =>
  new TextField(args === 'ALLOW_WHITESPACES' ? TextKind.responseCodeDetailsVerbatim : TextKind.responseCodeDetails));
withArgs('GRPC_STATUS', 'optional', false, grpcStatusOperator);
plain('GRPC_STATUS_NUMBER', () => new GrpcStatusField(GrpcStatusStyle.number));
plain('LOCAL_REPLY_BODY', () => new TextField(TextKind.localReplyBody));
plain('STREAM_ID', () => new StreamIdField());
withArgs('XFCC_VALUE', 'required', false, (args) => XfccField.of(args));

// === sizes ===

const SIZES: Readonly<Record<string, NumberKind>> = {
  BYTES_RECEIVED: NumberKind.bytesReceived,
  BYTES_SENT: NumberKind.bytesSent,
  // QUIC's: other transports leave retransmission to the kernel.
  BYTES_RETRANSMITTED: NumberKind.zero,
  PACKETS_RETRANSMITTED: NumberKind.zero,
  REQUEST_HEADERS_BYTES: NumberKind.requestHeaderBytes,
  RESPONSE_HEADERS_BYTES: NumberKind.responseHeaderBytes,
  RESPONSE_TRAILERS_BYTES: NumberKind.responseTrailerBytes,
  UPSTREAM_WIRE_BYTES_SENT: NumberKind.upstreamWireBytesSent,
  UPSTREAM_WIRE_BYTES_RECEIVED: NumberKind.upstreamWireBytesReceived,
  DOWNSTREAM_WIRE_BYTES_SENT: NumberKind.downstreamWireBytesSent,
  DOWNSTREAM_WIRE_BYTES_RECEIVED: NumberKind.downstreamWireBytesReceived,
  UPSTREAM_HEADER_BYTES_SENT: NumberKind.upstreamHeaderBytesSent,
  UPSTREAM_HEADER_BYTES_RECEIVED: NumberKind.upstreamHeaderBytesReceived,
  DOWNSTREAM_HEADER_BYTES_SENT: NumberKind.downstreamHeaderBytesSent,
  DOWNSTREAM_HEADER_BYTES_RECEIVED: NumberKind.downstreamHeaderBytesReceived,
  // HTTP/1 does not compress headers: the decompressed sizes are the same.
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: NumberKind.upstreamHeaderBytesSent,
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED: NumberKind.upstreamHeaderBytesReceived,
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: NumberKind.downstreamHeaderBytesSent,
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED: NumberKind.downstreamHeaderBytesReceived,
  CONNECTION_ID: NumberKind.connectionId,
  UPSTREAM_CONNECTION_ID: NumberKind.upstreamConnectionId,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: NumberKind.upstreamAttemptCount,
};
for (const [name, kind] of Object.entries(SIZES)) {
  plain(name, (environment) => {
    noteNeeds(kind, environment.needs);
    return new NumberField(kind);
  });
}

// === times ===

function timeOperator(isLocal: boolean, isEmitTime: boolean): (args: string, environment: FormatEnvironment) => FieldOrError {
  return (args, environment) => {
    if (/%n|[\r\n\0]/.test(args)) return 'a time format must not contain a line break';
    const format = args !== '' ? args : isLocal ? DEFAULT_LOCAL_TIME_FORMAT : DEFAULT_TIME_FORMAT;
    return new TimeField(format, isLocal, isEmitTime, environment.nowWallMs);
  };
}

const UNITS_PER_MS: Readonly<Record<string, number>> = { ms: 1, us: 1e3, ns: 1e6 };

function commonDuration(args: string): FieldOrError {
  const parts = args.split(':');
  if (parts.length !== 2 && parts.length !== 3) return 'expected (START:END) or (START:END:PRECISION)';
  const units = UNITS_PER_MS[parts[2] ?? 'ms'];
  if (units === undefined) return `${JSON.stringify(parts[2])} is no precision; expected ms, us or ns`;
  return new DurationField(TIME_POINT_NAMES[parts[0]] ?? TimePoint.never, TIME_POINT_NAMES[parts[1]] ?? TimePoint.never, units);
}

withArgs('START_TIME', 'optional', false, timeOperator(false, false));
withArgs('START_TIME_LOCAL', 'optional', false, timeOperator(true, false));
withArgs('EMIT_TIME', 'optional', false, timeOperator(false, true));
withArgs('EMIT_TIME_LOCAL', 'optional', false, timeOperator(true, true));
withArgs('COMMON_DURATION', 'required', false, commonDuration);
plain('DURATION', (environment) => new StreamDurationField(environment.nowWallMs));
plain('REQUEST_DURATION', () => new DurationField(TimePoint.downstreamRxBegin, TimePoint.downstreamRxEnd, 1));
plain('REQUEST_TX_DURATION', () => new DurationField(TimePoint.downstreamRxBegin, TimePoint.upstreamTxEnd, 1));
plain('RESPONSE_DURATION', () => new DurationField(TimePoint.downstreamRxBegin, TimePoint.upstreamRxBegin, 1));
plain('RESPONSE_TX_DURATION', () => new DurationField(TimePoint.upstreamRxBegin, TimePoint.downstreamTxEnd, 1));
plain('UPSTREAM_CONNECTION_POOL_READY_DURATION', () => new DurationField(TimePoint.upstreamRequestStart, TimePoint.upstreamPoolReady, 1));

// === why a stream ended ===

plain('RESPONSE_FLAGS', () => new FlagsField(false));
plain('RESPONSE_FLAGS_LONG', () => new FlagsField(true));
plain('CUSTOM_FLAGS', () => new ConstantField(''));
plain('CONNECTION_TERMINATION_DETAILS', () => new TextField(TextKind.connectionTerminationDetails));
plain('UPSTREAM_TRANSPORT_FAILURE_REASON', () => new TextField(TextKind.upstreamTransportFailureReason));

// === addresses ===

const ADDRESSES: readonly (readonly [string, AddressSource])[] = [
  ['UPSTREAM_REMOTE', AddressSource.upstreamRemote], ['UPSTREAM_LOCAL', AddressSource.upstreamLocal],
  ['DOWNSTREAM_REMOTE', AddressSource.downstreamRemote], ['DOWNSTREAM_DIRECT_REMOTE', AddressSource.downstreamDirectRemote],
  ['DOWNSTREAM_LOCAL', AddressSource.downstreamLocal], ['DOWNSTREAM_DIRECT_LOCAL', AddressSource.downstreamLocal],
];
for (const [name, source] of ADDRESSES) {
  plain(`${name}_ADDRESS`, () => new AddressField(source, AddressPart.whole));
  plain(`${name}_ADDRESS_WITHOUT_PORT`, () => new AddressField(source, AddressPart.withoutPort));
  plain(`${name}_PORT`, () => new AddressField(source, AddressPart.port));
}
// Of internal listeners only.
plain('DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID', () => new ConstantField(''));
plain('DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID', () => new ConstantField(''));

// === upstream, route, process ===

plain('UPSTREAM_HOST', () => new AddressField(AddressSource.upstreamHost, AddressPart.whole));
plain('UPSTREAM_HOST_NAME', () => new AddressField(AddressSource.upstreamHostName, AddressPart.whole));
plain('UPSTREAM_HOST_NAME_WITHOUT_PORT', () => new AddressField(AddressSource.upstreamHostName, AddressPart.withoutPort));
plain('UPSTREAM_CLUSTER', () => new TextField(TextKind.upstreamCluster));
plain('UPSTREAM_CLUSTER_RAW', () => new TextField(TextKind.upstreamClusterRaw));
plain('UPSTREAM_PROTOCOL', () => new TextField(TextKind.upstreamProtocol));
plain('VIRTUAL_CLUSTER_NAME', () => new TextField(TextKind.virtualClusterName));
plain('ROUTE_NAME', () => new TextField(TextKind.routeName));
plain('FILTER_CHAIN_NAME', () => new TextField(TextKind.filterChainName));
plain('ACCESS_LOG_TYPE', () => new TextField(TextKind.accessLogType));
plain('UNIQUE_ID', (environment) => new UniqueIdField(environment.random));
plain('HOSTNAME', (environment) => new ConstantField(environment.hostname));
withArgs('ENVIRONMENT', 'required', true, (args, environment) => new ConstantField(environment.variables[args] ?? '-'));

function serverNameOperator(args: string): FieldOrError {
  const [order = '', source = ''] = args.split(':');
  if (order !== '' && order !== 'SNI_ONLY' && order !== 'SNI_FIRST' && order !== 'HOST_FIRST') return `${JSON.stringify(order)} is none of SNI_ONLY, SNI_FIRST, HOST_FIRST`;
  if (source !== '' && source !== 'ORIG_OR_HOST' && source !== 'HOST' && source !== 'ORIG') return `${JSON.stringify(source)} is none of ORIG_OR_HOST, HOST, ORIG`;
  return new RequestedServerNameField(order, source);
}
withArgs('REQUESTED_SERVER_NAME', 'optional', false, serverNameOperator);

// === metadata and filter state ===

const METADATA_SOURCES: Readonly<Record<string, MetadataSource>> = {
  DYNAMIC: MetadataSource.dynamic,
  CLUSTER: MetadataSource.cluster,
  ROUTE: MetadataSource.route,
  UPSTREAM_HOST: MetadataSource.upstreamHost,
  LISTENER: MetadataSource.listener,
  LISTENER_FILTER_CHAIN: MetadataSource.filterChain,
  VIRTUAL_HOST: MetadataSource.virtualHost,
};

function metadataOperator(source: MetadataSource): (args: string, environment: FormatEnvironment, maxLength: number) => FieldOrError {
  return (args, _environment, maxLength) => {
    const [namespace = '', ...path] = args.split(':');
    return new MetadataField(source, namespace, path, maxLength);
  };
}

function filterStateOperator(args: string, _environment: FormatEnvironment, maxLength: number): FieldOrError {
  const [key = '', how = 'TYPED', field = ''] = args.split(':');
  if (key === '') return 'a key is needed: (KEY:PLAIN), (KEY:TYPED) or (KEY:FIELD:NAME)';
  if (how !== 'PLAIN' && how !== 'TYPED' && how !== 'FIELD') return `${JSON.stringify(how)} is none of PLAIN, TYPED, FIELD`;
  if (how === 'FIELD' && field === '') return 'FIELD needs a name: (KEY:FIELD:NAME)';
  return new FilterStateField(key, how !== 'TYPED', how === 'FIELD' ? field : '', maxLength);
}

withArgs('DYNAMIC_METADATA', 'required', true, metadataOperator(MetadataSource.dynamic));
withArgs('CLUSTER_METADATA', 'required', false, metadataOperator(MetadataSource.cluster));
withArgs('UPSTREAM_METADATA', 'required', false, metadataOperator(MetadataSource.upstreamHost));
withArgs('METADATA', 'required', true, (args, environment, maxLength) => {
  const colon = args.indexOf(':');
  const type = colon < 0 ? args : args.slice(0, colon);
  const source = METADATA_SOURCES[type];
  if (source === undefined) return `${JSON.stringify(type)} is none of ${Object.keys(METADATA_SOURCES).join(', ')}`;
  return metadataOperator(source)(colon < 0 ? '' : args.slice(colon + 1), environment, maxLength);
});
withArgs('FILTER_STATE', 'required', true, filterStateOperator);
// State shared with the upstream connection: nothing sets it.
withArgs('UPSTREAM_FILTER_STATE', 'required', true, (args, environment, maxLength) => {
  const checked = filterStateOperator(args, environment, maxLength);
  return typeof checked === 'string' ? checked : new ConstantField(null);
});

withArgs('COALESCE', 'required', true, (args, environment) => coalesceOperator(args, environment, buildField));

// === TLS of the connection to the host ===

for (const name of UPSTREAM_TLS_TEXTS) plain(name, () => new UpstreamTlsField(name));
for (const name of ['UPSTREAM_PEER_CERT_V_START', 'UPSTREAM_PEER_CERT_V_END']) {
  withArgs(name, 'optional', false, (args, environment) => {
    const checked = timeOperator(false, false)(args, environment);
    return typeof checked === 'string' ? checked : new UpstreamPeerTimeField(args === '' ? DEFAULT_TIME_FORMAT : args, name.endsWith('END'));
  });
}

// === what a plaintext downstream connection never has: valid everywhere, always missing ===

const NEVER = [
  'ROUNDTRIP_DURATION', 'DOWNSTREAM_HANDSHAKE_DURATION', 'DOWNSTREAM_TRANSPORT_FAILURE_REASON', 'TRACE_ID',
  'DOWNSTREAM_TLS_VERSION', 'DOWNSTREAM_TLS_CIPHER', 'DOWNSTREAM_TLS_SESSION_ID', 'DOWNSTREAM_PEER_SUBJECT',
  'DOWNSTREAM_PEER_ISSUER', 'DOWNSTREAM_PEER_SERIAL', 'DOWNSTREAM_PEER_CERT', 'DOWNSTREAM_PEER_FINGERPRINT_1',
  'DOWNSTREAM_PEER_FINGERPRINT_256', 'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1', 'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256',
  'DOWNSTREAM_PEER_CHAIN_SERIALS', 'DOWNSTREAM_PEER_URI_SAN', 'DOWNSTREAM_PEER_DNS_SAN', 'DOWNSTREAM_PEER_IP_SAN',
  'DOWNSTREAM_PEER_EMAIL_SAN', 'DOWNSTREAM_PEER_OTHERNAME_SAN', 'DOWNSTREAM_LOCAL_SUBJECT', 'DOWNSTREAM_LOCAL_URI_SAN',
  'DOWNSTREAM_LOCAL_DNS_SAN', 'DOWNSTREAM_LOCAL_IP_SAN', 'DOWNSTREAM_LOCAL_EMAIL_SAN', 'DOWNSTREAM_LOCAL_OTHERNAME_SAN',
  'TLS_JA3_FINGERPRINT', 'TLS_JA4_FINGERPRINT',
];
for (const name of NEVER) plain(name, () => new ConstantField(null));
const CERTIFICATE_TIMES = ['DOWNSTREAM_PEER_CERT_V_START', 'DOWNSTREAM_PEER_CERT_V_END'];
for (const name of CERTIFICATE_TIMES) {
  withArgs(name, 'optional', false, (args, environment) => {
    const checked = timeOperator(false, false)(args, environment);
    return typeof checked === 'string' ? checked : new ConstantField(null);
  });
}

for (const name of ['CEL', 'TYPED_CEL']) {
  withArgs(name, 'required', true, (args, _environment, maxLength) => {
    const expression = compileCel(args);
    return typeof expression === 'string' ? expression : new CelField(expression, name === 'TYPED_CEL', maxLength);
  });
}
