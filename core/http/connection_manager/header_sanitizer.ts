import { withoutPort } from '../../base/cidr.ts';
import { type HeaderMap, rangeEquals } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import type { RouteTable } from '../../route/route_table.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import type { ManagerContext } from './manager_context.ts';

/** Headers that only trusted callers may set: removed from external requests. */
const INTERNAL_ONLY: readonly number[] = [
  HeaderId.envoyRetriableStatusCodes, HeaderId.envoyRetriableHeaderNames, HeaderId.envoyRetryOn, HeaderId.envoyRetryGrpcOn,
  HeaderId.envoyMaxRetries, HeaderId.envoyUpstreamAltStatName, HeaderId.envoyUpstreamRqTimeoutMs,
  HeaderId.envoyUpstreamRqPerTryTimeoutMs, HeaderId.envoyUpstreamRqTimeoutAltResponse, HeaderId.envoyExpectedRqTimeoutMs,
  HeaderId.envoyForceTrace, HeaderId.envoyHedgeOnPerTryTimeout,
];
const EDGE_ONLY: readonly number[] = [
  HeaderId.envoyDecoratorOperation, HeaderId.envoyDownstreamServiceCluster, HeaderId.envoyDownstreamServiceNode, HeaderId.envoyIpTags, HeaderId.envoyOriginalPath,
];

const HTTP = Buffer.from('http');

/**
 * What the connection manager changes in a request before filters see it: hop-by-hop headers, x-forwarded-*, x-envoy-* of
 * untrusted callers, x-request-id (Envoy docs: configuration/http/http_conn_man/headers, header_sanitizing).
 */
export function mutateRequestHeaders(headers: HeaderMap, context: ManagerContext, info: StreamInfo, routes: RouteTable, keepsUpgrade: boolean): void {
  const config = context.parts.config;
  if (!keepsUpgrade) {
    if (headers.find(HeaderId.connection) >= 0) headers.remove(HeaderId.connection);
    if (headers.find(HeaderId.upgrade) >= 0) headers.remove(HeaderId.upgrade);
  }
  if (headers.find(HeaderId.envoyInternal) >= 0) headers.remove(HeaderId.envoyInternal);
  if (headers.find(HeaderId.keepAlive) >= 0) headers.remove(HeaderId.keepAlive);
  if (headers.find(HeaderId.proxyConnection) >= 0) headers.remove(HeaderId.proxyConnection);
  if (headers.find(HeaderId.transferEncoding) >= 0) headers.remove(HeaderId.transferEncoding);
  const te = headers.find(HeaderId.te);
  if (te >= 0 && !rangeEquals(headers.bytes, headers.entries[te + 3], headers.entries[te + 4], 'trailers')) sanitizeTe(headers);
  if (headers.find(HeaderId.forwardedClientCert) >= 0) headers.remove(HeaderId.forwardedClientCert);

  let isEdge = false;
  if (config.useRemoteAddress) {
    isEdge = applyRemoteAddress(headers, context, info);
  } else {
    applyForwardedFor(headers, context, info);
  }
  if (headers.find(HeaderId.forwardedProto) < 0) headers.setBytes(HeaderId.forwardedProto, HTTP, 0, 4);
  if (config.schemeToOverwrite !== '') {
    headers.isHttps = config.schemeToOverwrite === 'https';
    headers.set(HeaderId.forwardedProto, config.schemeToOverwrite);
  } else if (!headers.hasScheme) {
    // absolute-form said it itself.
    headers.isHttps = headers.valueEquals(HeaderId.forwardedProto, 'https');
  }
  headers.hasScheme = true;

  if (info.isInternalRequest) {
    headers.set(HeaderId.envoyInternal, 'true');
  } else {
    if (isEdge) removeAll(headers, EDGE_ONLY);
    removeAll(headers, INTERNAL_ONLY);
    const ids = routes.internalOnlyHeaderIds;
    for (let i = 0; i < ids.length; i++) headers.remove(ids[i]);
  }
  if (context.via.length > 0) headers.appendBytes(HeaderId.via, context.via, 0, context.via.length);
  if (isEdge && info.downstreamRemoteAddress !== '') headers.set(HeaderId.envoyExternalAddress, withoutPort(info.downstreamRemoteAddress));
  if (config.generateRequestId && (headers.find(HeaderId.requestId) < 0 || (isEdge && !config.preserveExternalRequestId))) {
    context.parts.requestIds.set(headers);
  }
}

function removeAll(headers: HeaderMap, ids: readonly number[]): void {
  for (let i = 0; i < ids.length; i++) if (headers.find(ids[i]) >= 0) headers.remove(ids[i]);
}

/** TE goes no further, but for `trailers` (RFC 9110 §10.1.4). */
function sanitizeTe(headers: HeaderMap): void {
  if (headers.hasToken(HeaderId.te, 'trailers')) headers.set(HeaderId.te, 'trailers');
  else headers.remove(HeaderId.te);
}

/** use_remote_address: the peer is the client, x-forwarded-for is appended. Returns whether this is an edge request. */
function applyRemoteAddress(headers: HeaderMap, context: ManagerContext, info: StreamInfo): boolean {
  const config = context.parts.config;
  const connection = info.connection;
  const peer = connection === null ? '' : connection.remoteAddress;
  const peerIp = connection === null ? '' : connection.remoteHost;
  const hadForwardedFor = headers.find(HeaderId.forwardedFor) >= 0;
  let client = '';
  if (config.xffNumTrustedHops > 0) client = lastForwardedAddress(headers, config.xffNumTrustedHops - 1);
  info.downstreamRemoteAddress = client === '' ? peer : `${client}:0`;
  if (!config.skipXffAppend && peerIp !== '') {
    // A loopback peer is this machine: its own address says more to whoever reads the header elsewhere.
    appendList(headers, HeaderId.forwardedFor, isLoopback(peerIp) ? context.parts.localAddress : peerIp);
  }
  headers.setBytes(HeaderId.forwardedProto, HTTP, 0, 4);
  if (config.appendForwardedPort) headers.set(HeaderId.forwardedPort, portOf(info.connection?.localAddress ?? ''));
  info.isInternalRequest = !hadForwardedFor && context.parts.internal.isInternal(client === '' ? peerIp : client);
  return !info.isInternalRequest;
}

/** Trusting x-forwarded-for: its last address (behind the trusted hops) is the client for logs; alone and internal = internal. */
function applyForwardedFor(headers: HeaderMap, context: ManagerContext, info: StreamInfo): void {
  const k = headers.find(HeaderId.forwardedFor);
  if (k < 0) return;
  const client = lastForwardedAddress(headers, context.parts.config.xffNumTrustedHops);
  if (client === '') return;
  info.downstreamRemoteAddress = client.includes(':') ? `[${client}]:0` : `${client}:0`;
  const isSingle = !(headers.getAll(HeaderId.forwardedFor) ?? '').includes(',');
  info.isInternalRequest = isSingle && context.parts.internal.isInternal(client);
}

/** The address `skip` places from the right of x-forwarded-for, '' if there is none or it is no address. */
function lastForwardedAddress(headers: HeaderMap, skip: number): string {
  const value = headers.getAll(HeaderId.forwardedFor);
  if (value === undefined) return '';
  const parts = value.split(',');
  const at = parts.length - 1 - skip;
  if (at < 0) return '';
  const text = parts[at].trim();
  return /^[0-9a-fA-F.:]+$/.test(text) ? text : '';
}

function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1';
}

/** Appends with ',' and no blank, as Envoy does for x-forwarded-for. */
function appendList(headers: HeaderMap, id: number, value: string): void {
  headers.set(id, headers.find(id) < 0 ? value : `${headers.getAll(id)},${value}`);
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

/** Takes out of a response what is between the upstream and us only (RFC 9110 §7.6.1); an upgrade keeps what says so. */
export function removeHopByHop(headers: HeaderMap, keepsUpgrade = false): void {
  if (!keepsUpgrade) {
    if (headers.find(HeaderId.connection) >= 0) headers.remove(HeaderId.connection);
    if (headers.find(HeaderId.upgrade) >= 0) headers.remove(HeaderId.upgrade);
  }
  if (headers.find(HeaderId.transferEncoding) >= 0) headers.remove(HeaderId.transferEncoding);
  if (headers.find(HeaderId.keepAlive) >= 0) headers.remove(HeaderId.keepAlive);
  if (headers.find(HeaderId.proxyConnection) >= 0) headers.remove(HeaderId.proxyConnection);
}

/** What changes in a response before it goes out: hop-by-hop headers, `date`, `server`, `via`. `isUpgrade`: it switches protocols. */
export function mutateResponseHeaders(headers: HeaderMap, context: ManagerContext, isUpgrade: boolean): void {
  removeHopByHop(headers, isUpgrade);
  const parts = context.parts;
  if (headers.find(HeaderId.date) < 0) {
    parts.dates.update(parts.dispatcher.wallMs);
    headers.setBytes(HeaderId.date, parts.dates.bytes, 0, 29);
  }
  const transformation = parts.config.serverHeaderTransformation;
  if (transformation === 'overwrite' || (transformation === 'append_if_absent' && headers.find(HeaderId.server) < 0)) {
    headers.setBytes(HeaderId.server, context.serverName, 0, context.serverName.length);
  }
  if (context.via.length > 0) headers.appendBytes(HeaderId.via, context.via, 0, context.via.length);
}

