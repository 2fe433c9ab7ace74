import { latin1, rangeEquals } from '../../headers/byte_range.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';

/** What is wrong with a request target. */
export const TargetCheck = {
  ok: 0,
  /** Neither origin-form nor absolute-form, nor what the method allows beside them. */
  badForm: 1,
  /** absolute-form of another scheme than http and https. */
  badScheme: 2,
  /** absolute-form without host, or with an impossible port; `*` of another method than OPTIONS; CONNECT to anything but `host:port`. */
  badUrl: 3,
  /** An authority with characters that no host has. */
  badAuthority: 4,
} as const;

const SLASH = 47;
const STAR = 42;
const MAX_PORT = 65535;

/**
 * Checks a request's target and Host, and takes absolute-form apart (RFC 9112 §3.2): its authority replaces Host, what follows
 * becomes the path. A path that is no origin-form afterwards (`*`, or absolute-form that is not allowed) is the caller's to answer.
 */
export function checkTarget(headers: HeaderMap, allowAbsoluteUrl: boolean): number {
  // RFC 9112 §3.2: more than one Host is refused, whatever the target says.
  const first = headers.find(HeaderId.authority);
  if (first >= 0 && headers.hasRepeats && headers.findNext(HeaderId.authority, first) >= 0) return TargetCheck.badAuthority;
  if (headers.pathLength > 0 && headers.bytes[headers.pathOffset] !== SLASH) {
    const result = isConnect(headers) ? takeAuthority(headers) : takeApart(headers, allowAbsoluteUrl);
    if (result !== TargetCheck.ok) return result;
  } else if (isConnect(headers)) {
    return TargetCheck.badUrl;
  }
  const k = headers.find(HeaderId.authority);
  return k < 0 || isAuthority(headers.bytes, headers.entries[k + 3], headers.entries[k + 4]) ? TargetCheck.ok : TargetCheck.badAuthority;
}

/** authority-form (RFC 9112 §3.2.3): host and port become Host, whatever that said, and there is no path. */
function takeAuthority(headers: HeaderMap): number {
  const { bytes, pathOffset, pathLength } = headers;
  const target = latin1(bytes, pathOffset, pathLength);
  const port = PORT.exec(target);
  if (port === null || port.index === 0 || Number(port[1]) > MAX_PORT || target.includes('/')) return TargetCheck.badUrl;
  if (headers.find(HeaderId.authority) < 0 || !headers.valueEquals(HeaderId.authority, target)) {
    headers.setBytes(HeaderId.authority, bytes, pathOffset, pathLength);
  }
  headers.pathLength = 0;
  headers.startLineOffset = -1;
  return TargetCheck.ok;
}

function takeApart(headers: HeaderMap, allowAbsoluteUrl: boolean): number {
  const { bytes, pathOffset, pathLength } = headers;
  if (pathLength === 1 && bytes[pathOffset] === STAR) {
    return headers.methodLength === 7 && rangeEquals(bytes, headers.methodOffset, 7, 'OPTIONS') ? TargetCheck.ok : TargetCheck.badUrl;
  }
  const match = ABSOLUTE_FORM.exec(latin1(bytes, pathOffset, pathLength));
  if (match === null) return TargetCheck.badForm;
  if (!allowAbsoluteUrl) return TargetCheck.ok;
  const scheme = match[1].toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return TargetCheck.badScheme;
  const authority = match[2];
  const port = PORT.exec(authority);
  // RFC 9110 §4.2.1: an empty host is an error; §4.2.4: so is userinfo from an untrusted source.
  if (authority === '' || authority.startsWith(':') || (port !== null && Number(port[1]) > MAX_PORT)) return TargetCheck.badUrl;
  if (authority.includes('@')) return TargetCheck.badAuthority;
  headers.set(HeaderId.authority, authority);
  headers.setPath(match[3] === '' ? '/' : match[3]);
  headers.isHttps = scheme === 'https';
  headers.hasScheme = true;
  return TargetCheck.ok;
}

const ABSOLUTE_FORM = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i;
const PORT = /:(\d+)$/;

/** Whether the method is CONNECT. */
export function isConnect(headers: HeaderMap): boolean {
  return headers.methodLength === 7 && rangeEquals(headers.bytes, headers.methodOffset, 7, 'CONNECT');
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

/** Methods served without allow_custom_methods: RFC 9110 §9.3, RFC 5789, and those of the WebDAV, UPnP and calendar RFCs. */
const REGISTERED: readonly string[] = [
  'ACL', 'BIND', 'CHECKOUT', 'CONNECT', 'COPY', 'DELETE', 'GET', 'HEAD', 'LINK', 'LOCK', 'MERGE', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL',
  'MOVE', 'M-SEARCH', 'NOTIFY', 'OPTIONS', 'PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PURGE', 'PUT', 'REBIND', 'REPORT', 'SEARCH', 'SOURCE',
  'SUBSCRIBE', 'TRACE', 'UNBIND', 'UNLINK', 'UNLOCK', 'UNSUBSCRIBE',
];

/** By length, so that one or two comparisons decide. */
const REGISTERED_BY_LENGTH: readonly (readonly string[])[] = Array.from({ length: 12 }, (_, length) => {
  const usual = ['GET', 'HEAD', 'POST', 'PUT'];
  return REGISTERED.filter((method) => method.length === length).sort((a, b) => usual.indexOf(b) - usual.indexOf(a));
});

/** Whether the method is a registered one; methods are case-sensitive (RFC 9110 §9.1). */
export function isRegisteredMethod(headers: HeaderMap): boolean {
  const n = headers.methodLength;
  if (n >= REGISTERED_BY_LENGTH.length) return false;
  const methods = REGISTERED_BY_LENGTH[n];
  for (let i = 0; i < methods.length; i++) if (rangeEquals(headers.bytes, headers.methodOffset, n, methods[i])) return true;
  return false;
}
