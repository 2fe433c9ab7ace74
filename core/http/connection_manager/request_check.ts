import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { needsNormalization, normalizePath, PathResult } from '../../headers/path_normalizer.ts';
import type { ConnectionManagerConfig } from './config.ts';

/** What is wrong with a request that parsed. */
export const RequestCheck = { ok: 0, missingHost: 1, badPath: 2, notRelative: 3, redirectToNormalPath: 4 } as const;

const SLASH = 47;
const HASH = 35;

/** Checks and completes a request whose target the codec found well-formed (request_target.ts): it has a Host, its path is one. */
export function checkRequest(headers: HeaderMap, minorVersion: number, config: ConnectionManagerConfig): number {
  if (headers.find(HeaderId.authority) < 0) {
    if (minorVersion === 1 || config.http1.defaultHostForHttp10 === '') return RequestCheck.missingHost;
    headers.set(HeaderId.authority, config.http1.defaultHostForHttp10);
  }
  return headers.pathLength > 0 && headers.bytes[headers.pathOffset] !== SLASH ? RequestCheck.notRelative : RequestCheck.ok;
}

/** Brings path and host into their usual form; a path with a fragment is refused. */
export function normalizeRequest(headers: HeaderMap, config: ConnectionManagerConfig, listenerPort: number): number {
  if (config.stripAnyHostPort || config.stripMatchingHostPort || config.stripTrailingHostDot) stripHost(headers, headers.find(HeaderId.authority), config, listenerPort);
  const bytes = headers.bytes;
  for (let p = headers.pathOffset, end = p + headers.pathLength; p < end; p++) if (bytes[p] === HASH) return RequestCheck.badPath;
  return needsNormalization(config) ? normalize(headers, config) : RequestCheck.ok;
}

function normalize(headers: HeaderMap, config: ConnectionManagerConfig): number {
  switch (normalizePath(headers, config)) {
    case PathResult.rejected:
      return RequestCheck.badPath;
    case PathResult.redirect:
      return RequestCheck.redirectToNormalPath;
    default:
      return RequestCheck.ok;
  }
}

function stripHost(headers: HeaderMap, k: number, config: ConnectionManagerConfig, listenerPort: number): void {
  let host = headers.valueAt(k);
  let port = '';
  const match = PORT.exec(host);
  if (match !== null) {
    port = match[0];
    host = host.slice(0, match.index);
  }
  if (config.stripAnyHostPort || (config.stripMatchingHostPort && port === `:${listenerPort}`)) port = '';
  if (config.stripTrailingHostDot && host.endsWith('.')) host = host.slice(0, -1);
  headers.set(HeaderId.authority, host + port);
}

/** What may be stripped: digits behind the last colon, and that not within brackets. */
const PORT = /:\d{1,5}$/;
