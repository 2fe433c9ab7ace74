import { canonicalIp, withoutPort } from '../../base/cidr.ts';
import { forwardedAddress, hasSingleForwardedAddress, withUnknownPort } from '../../headers/forwarded_for.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { HeaderValue } from '../../headers/header_value.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import { IpDetectionResult } from '../original_ip_detection.ts';
import type { ManagerContext } from './manager_context.ts';

const HTTP = new HeaderValue('http');

/**
 * use_remote_address: the peer is the client, or said truly who is (xff_num_trusted_hops); x-forwarded-for is appended and
 * x-forwarded-proto and -port are ours to set. Sets the stream's client address and whether the request is internal.
 */
export function applyRemoteAddress(headers: HeaderMap, context: ManagerContext, info: StreamInfo): void {
  const config = context.parts.config;
  const connection = info.connection;
  const peer = connection === null ? '' : connection.remoteAddress;
  const peerIp = connection === null ? '' : connection.remoteHost;
  const hops = config.xffNumTrustedHops;
  const hadForwardedFor = headers.find(HeaderId.forwardedFor) >= 0;
  const client = hops > 0 ? forwardedAddress(headers, hops - 1) : '';
  info.downstreamRemoteAddress = client === '' ? peer : withUnknownPort(client);
  if (!config.skipXffAppend) appendPeer(headers, context, peerIp);
  // What a trusted hop said stands.
  if (hops === 0 || headers.find(HeaderId.forwardedProto) < 0) headers.setValue(HeaderId.forwardedProto, HTTP);
  if (config.appendForwardedPort && (hops === 0 || headers.find(HeaderId.forwardedPort) < 0)) setForwardedPort(headers, info);
  info.isInternalRequest = !hadForwardedFor && context.parts.internal.isInternal(client === '' ? peerIp : client);
}

/**
 * The peer is trusted: the last address of x-forwarded-for (behind the trusted hops) is the client; alone and internal makes the
 * request internal.
 */
export function applyForwardedFor(headers: HeaderMap, context: ManagerContext, info: StreamInfo): void {
  if (headers.find(HeaderId.forwardedFor) < 0) return;
  const client = forwardedAddress(headers, context.parts.config.xffNumTrustedHops);
  if (client === '') return;
  info.downstreamRemoteAddress = withUnknownPort(client);
  info.isInternalRequest = hasSingleForwardedAddress(headers) && context.parts.internal.isInternal(client);
}

/** original_ip_detection_extensions: the first that finds an address says who the client is. Returns a status to refuse the request with, or 0. */
export function detectClient(headers: HeaderMap, context: ManagerContext, info: StreamInfo): number {
  const peerIp = info.connection?.remoteHost ?? '';
  const extensions = context.parts.ipDetection;
  for (let i = 0; i < extensions.length; i++) {
    RESULT.reset();
    extensions[i].detect(headers, peerIp, RESULT);
    if (RESULT.rejectStatus > 0) {
      context.parts.stats.rqRejectedViaIpDetection.inc();
      return RESULT.rejectStatus;
    }
    if (RESULT.address !== '') break;
  }
  if (!RESULT.skipsAppend) appendPeer(headers, context, peerIp);
  if (RESULT.address === '') return 0;
  info.downstreamRemoteAddress = withUnknownPort(RESULT.address);
  info.isInternalRequest = RESULT.isTrusted && context.parts.internal.isInternal(RESULT.address);
  return 0;
}

/** Used up within one call. */
const RESULT = new IpDetectionResult();

/** Sets x-forwarded-port to the port that the client connected to. */
export function setForwardedPort(headers: HeaderMap, info: StreamInfo): void {
  const local = info.connection?.localAddress ?? '';
  if (canonicalIp(withoutPort(local)) !== null) headers.set(HeaderId.forwardedPort, local.slice(local.lastIndexOf(':') + 1));
}

/** Appends the peer to x-forwarded-for, with ',' and no blank. */
function appendPeer(headers: HeaderMap, context: ManagerContext, peerIp: string): void {
  // A Unix socket has no address to pass on.
  if (peerIp === '' || peerIp.startsWith('/') || peerIp.startsWith('@')) return;
  if (peerIp.startsWith('127.') || peerIp === '::1') {
    // A loopback peer is this machine: its own address says more to whoever reads the header elsewhere.
    appendText(headers, context.parts.localAddress);
  } else {
    appendText(headers, context.parts.config.mapsIpv4ToIpv6 && !peerIp.includes(':') ? `::ffff:${peerIp}` : peerIp);
  }
}

function appendText(headers: HeaderMap, text: string): void {
  const before = headers.getAll(HeaderId.forwardedFor);
  headers.set(HeaderId.forwardedFor, before === undefined ? text : `${before},${text}`);
}
