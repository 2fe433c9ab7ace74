import { type HeaderMap, latin1, rangeEquals } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { needsNormalization, normalizePath, PathResult } from '../../headers/path_normalizer.ts';
import type { ConnectionManagerConfig } from './config.ts';

/** What is wrong with a request that parsed. */
export const RequestCheck = { ok: 0, lowVersion: 1, missingHost: 2, badAuthority: 3, badPath: 4, notRelative: 5, redirectToNormalPath: 6 } as const;

const SLASH = 47;
const HASH = 35;

/**
 * Checks and completes what HTTP/1 says of a request's target (RFC 9112 §3.2): absolute-form becomes origin-form with the host
 * of the target; exactly one Host with nothing but host characters; a path without fragment.
 */
export function checkRequest(headers: HeaderMap, minorVersion: number, config: ConnectionManagerConfig, listenerPort: number): number {
  if (minorVersion === 0 && !config.http1.acceptHttp10) return RequestCheck.lowVersion;
  // RFC 9112 §3.2: more than one Host is refused, whatever the target says.
  const first = headers.find(HeaderId.authority);
  if (first >= 0 && headers.findNext(HeaderId.authority, first) >= 0) return RequestCheck.badAuthority;
  if (headers.pathLength > 0 && headers.bytes[headers.pathOffset] !== SLASH) {
    const result = checkTarget(headers, config);
    if (result !== RequestCheck.ok) return result;
  }
  const k = headers.find(HeaderId.authority);
  if (k < 0) {
    if (minorVersion === 1 || config.http1.defaultHostForHttp10 === '') return RequestCheck.missingHost;
    headers.set(HeaderId.authority, config.http1.defaultHostForHttp10);
  } else {
    if (!isAuthority(headers.bytes, headers.entries[k + 3], headers.entries[k + 4])) return RequestCheck.badAuthority;
    if (config.stripAnyHostPort || config.stripMatchingHostPort || config.stripTrailingHostDot) stripHost(headers, k, config, listenerPort);
  }
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

/** A target that is not origin-form: authority-form (CONNECT), asterisk-form, absolute-form. */
function checkTarget(headers: HeaderMap, config: ConnectionManagerConfig): number {
  const { bytes, pathOffset, pathLength } = headers;
  if (headers.methodLength === 7 && rangeEquals(bytes, headers.methodOffset, 7, 'CONNECT')) {
    if (headers.find(HeaderId.authority) < 0 || !headers.valueEquals(HeaderId.authority, latin1(bytes, pathOffset, pathLength))) {
      headers.setBytes(HeaderId.authority, bytes, pathOffset, pathLength);
    }
    headers.pathLength = 0;
    headers.startLineChanged();
    return RequestCheck.ok;
  }
  if (pathLength === 1 && bytes[pathOffset] === 42) return RequestCheck.notRelative;
  const text = latin1(bytes, pathOffset, pathLength);
  const match = /^https?:\/\/([^/?#]*)(.*)$/i.exec(text);
  if (match === null || !config.http1.allowAbsoluteUrl) return RequestCheck.badAuthority;
  const authority = match[1];
  // RFC 9110 §4.2.1: an empty host is an error; §4.2.4: so is userinfo from an untrusted source.
  if (authority === '' || authority.startsWith(':') || authority.includes('@')) return RequestCheck.badAuthority;
  headers.set(HeaderId.authority, authority);
  const rest = match[2];
  headers.setPath(rest === '' ? '/' : rest.startsWith('/') ? rest : `/${rest}`);
  return RequestCheck.ok;
}

/** uri-host [ ":" port ] of RFC 3986 §3.2, loosely: no blanks, no controls, no delimiters that could hide another host. */
function isAuthority(bytes: Uint8Array, offset: number, length: number): boolean {
  for (let p = offset, end = offset + length; p < end; p++) {
    if (AUTHORITY[bytes[p]] === 0) return false;
  }
  return true;
}

const AUTHORITY = new Uint8Array(256);
for (const ch of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:[]%") AUTHORITY[ch.charCodeAt(0)] = 1;

function stripHost(headers: HeaderMap, k: number, config: ConnectionManagerConfig, listenerPort: number): void {
  let host = headers.valueAt(k);
  const colon = host.lastIndexOf(':');
  if (colon > host.lastIndexOf(']')) {
    const port = host.slice(colon + 1);
    if (config.stripAnyHostPort || (config.stripMatchingHostPort && port === String(listenerPort))) host = host.slice(0, colon);
  }
  if (config.stripTrailingHostDot && host.endsWith('.')) host = host.slice(0, -1);
  headers.set(HeaderId.authority, host);
}
