import { withoutPort } from '../../base/cidr.ts';
import { rangeEquals } from '../../headers/byte_range.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderGroup, HeaderId } from '../../headers/header_names.ts';
import { HeaderValue } from '../../headers/header_value.ts';
import type { RouteTable } from '../../route/route_table.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import { applyForwardedFor, applyRemoteAddress, detectClient, setForwardedPort } from './client_address.ts';
import type { ManagerContext } from './manager_context.ts';

/** Headers that only trusted callers may set: removed from external requests. */
const INTERNAL_ONLY: readonly number[] = [
  HeaderId.envoyRetriableStatusCodes, HeaderId.envoyRetriableHeaderNames, HeaderId.envoyRetryOn, HeaderId.envoyRetryGrpcOn,
  HeaderId.envoyMaxRetries, HeaderId.envoyUpstreamAltStatName, HeaderId.envoyUpstreamRqTimeoutMs,
  HeaderId.envoyUpstreamRqPerTryTimeoutMs, HeaderId.envoyUpstreamRqTimeoutAltResponse, HeaderId.envoyExpectedRqTimeoutMs,
  HeaderId.envoyForceTrace, HeaderId.envoyHedgeOnPerTryTimeout, HeaderId.envoyIpTags,
];
const EDGE_ONLY: readonly number[] = [
  HeaderId.envoyDecoratorOperation, HeaderId.envoyDownstreamServiceCluster, HeaderId.envoyDownstreamServiceNode, HeaderId.envoyOriginalPath,
  HeaderId.envoyOriginalHost,
];

const HTTP = new HeaderValue('http');

/**
 * What the connection manager changes in a request before filters see it: hop-by-hop headers, x-forwarded-*, x-envoy-* of
 * untrusted callers, x-request-id (Envoy docs: configuration/http/http_conn_man/headers, header_sanitizing). Returns 0, or the
 * status with which the request is refused: nobody can tell who sent it.
 */
export function mutateRequestHeaders(headers: HeaderMap, context: ManagerContext, info: StreamInfo, routes: RouteTable, keepsUpgrade: boolean): number {
  const config = context.parts.config;
  removeHopByHop(headers, keepsUpgrade);
  if (headers.hasAny(HeaderGroup.hopByHop)) {
    const te = headers.find(HeaderId.te);
    if (te >= 0 && !rangeEquals(headers.bytes, headers.entries[te + 3], headers.entries[te + 4], 'trailers')) sanitizeTe(headers);
  }
  if (headers.find(HeaderId.envoyInternal) >= 0) headers.remove(HeaderId.envoyInternal);
  // Who said it had no certificate itself: whatever forward_client_cert_details says, only ALWAYS_FORWARD_ONLY lets it pass.
  if (headers.find(HeaderId.forwardedClientCert) >= 0 && !config.keepsForwardedClientCert) headers.remove(HeaderId.forwardedClientCert);

  let isEdge = false;
  if (config.useRemoteAddress) {
    applyRemoteAddress(headers, context, info);
    isEdge = !info.isInternalRequest;
  } else if (context.parts.ipDetection.length === 0) {
    applyForwardedFor(headers, context, info);
  } else {
    const status = detectClient(headers, context, info);
    if (status > 0) return status;
  }
  if (headers.find(HeaderId.forwardedProto) < 0) headers.setValue(HeaderId.forwardedProto, HTTP);
  if (config.appendForwardedPort && headers.find(HeaderId.forwardedPort) < 0) setForwardedPort(headers, info);
  if (config.schemeToOverwrite !== '') {
    headers.isHttps = config.schemeToOverwrite === 'https';
    headers.set(HeaderId.forwardedProto, config.schemeToOverwrite);
  } else if (!headers.hasScheme) {
    // absolute-form said it itself.
    headers.isHttps = isHttpsProto(headers);
  }
  headers.hasScheme = true;

  if (info.isInternalRequest) {
    headers.set(HeaderId.envoyInternal, 'true');
  } else {
    if (headers.hasAny(HeaderGroup.control)) {
      if (isEdge) removeAll(headers, EDGE_ONLY);
      removeAll(headers, INTERNAL_ONLY);
    }
    const ids = routes.internalOnlyHeaderIds;
    for (let i = 0; i < ids.length; i++) headers.remove(ids[i]);
  }
  if (config.addUserAgent) nameThisProxy(headers, context);
  if (context.via.length > 0) headers.appendBytes(HeaderId.via, context.via, 0, context.via.length);
  if (isEdge && info.downstreamRemoteAddress !== '') {
    const { connection, downstreamRemoteAddress: client } = info;
    headers.set(HeaderId.envoyExternalAddress, connection !== null && client === connection.remoteAddress ? connection.remoteHost : withoutPort(client));
  }
  if (config.generateRequestId && (isAbsentOrEmpty(headers, HeaderId.requestId) || (isEdge && !config.preserveExternalRequestId))) {
    context.parts.requestIds.set(headers);
  }
  return 0;
}

/** x-forwarded-proto in any case. */
function isHttpsProto(headers: HeaderMap): boolean {
  const k = headers.find(HeaderId.forwardedProto);
  if (k < 0 || headers.entries[k + 4] !== 5) return false;
  return headers.valueAt(k).toLowerCase() === 'https';
}

function isAbsentOrEmpty(headers: HeaderMap, id: number): boolean {
  const k = headers.find(id);
  return k < 0 || headers.entries[k + 4] === 0;
}

/** add_user_agent: the upstream learns which service calls. */
function nameThisProxy(headers: HeaderMap, context: ManagerContext): void {
  headers.set(HeaderId.envoyDownstreamServiceCluster, context.parts.node.cluster);
  if (isAbsentOrEmpty(headers, HeaderId.userAgent)) headers.set(HeaderId.userAgent, context.parts.node.cluster);
  if (context.parts.node.id !== '') headers.set(HeaderId.envoyDownstreamServiceNode, context.parts.node.id);
}

function removeAll(headers: HeaderMap, ids: readonly number[]): void {
  for (let i = 0; i < ids.length; i++) if (headers.find(ids[i]) >= 0) headers.remove(ids[i]);
}

/** TE goes no further, but for `trailers` (RFC 9110 §10.1.4). */
function sanitizeTe(headers: HeaderMap): void {
  if (headers.hasToken(HeaderId.te, 'trailers')) headers.set(HeaderId.te, 'trailers');
  else headers.remove(HeaderId.te);
}

/** Takes out of a message what is between one peer and us only (RFC 9110 §7.6.1), but for `te`; an upgrade keeps what says so. */
export function removeHopByHop(headers: HeaderMap, keepsUpgrade = false): void {
  if (!keepsUpgrade && headers.find(HeaderId.connection) >= 0) headers.remove(HeaderId.connection);
  if (!headers.hasAny(HeaderGroup.hopByHop)) return;
  if (!keepsUpgrade && headers.find(HeaderId.upgrade) >= 0) headers.remove(HeaderId.upgrade);
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
    headers.setValue(HeaderId.date, parts.dates.value);
  }
  const transformation = parts.config.serverHeaderTransformation;
  if (transformation === 'overwrite' || (transformation === 'append_if_absent' && headers.find(HeaderId.server) < 0)) {
    headers.setValue(HeaderId.server, context.serverName);
  }
  if (context.via.length > 0) headers.appendBytes(HeaderId.via, context.via, 0, context.via.length);
}

