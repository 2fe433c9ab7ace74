import type { TurnBuffer } from '../../buffer/turn_buffer.ts';
import { ENTRY_WORDS, type HeaderMap } from '../../headers/header_map.ts';
import { latin1, rangeEquals } from '../../headers/byte_range.ts';
import { rangeHasToken } from '../../headers/token_list.ts';
import { HeaderGroup, HeaderId } from '../../headers/header_names.ts';
import { BodyKind } from '../codec.ts';
import { settleBlanks } from './header_blanks.ts';

/** Results of the framing rules below BodyKind: errors. */
export const FramingError = {
  /** content-length that is no plain decimal, or more than one (RFC 9112 §6.3 rule 5). */
  badContentLength: -1,
  /** transfer-encoding together with content-length (RFC 9112 §6.1: ought to be handled as an error). */
  lengthAndChunked: -2,
  /** A transfer-encoding other than exactly `chunked` (RFC 9112 §6.1). */
  badTransferEncoding: -3,
  /** A 1xx or 204 that says how long its body is (RFC 9110 §8.6, RFC 9112 §6.1). */
  bodyNotAllowed: -4,
} as const;

/** Decides how a message's body is framed; instances hold the length so that nothing is allocated. */
export class Framing {
  /** Body length when the kind is `length`. */
  length: number;

  constructor() {
    this.length = 0;
  }

  /** RFC 9112 §6.3 for a request: a BodyKind, or a FramingError. */
  request(headers: HeaderMap, minorVersion: number, allowChunkedLength: boolean): number {
    const te = headers.find(HeaderId.transferEncoding);
    const cl = headers.find(HeaderId.contentLength);
    if (te >= 0) {
      if (minorVersion === 0 || !isChunked(headers, te)) return FramingError.badTransferEncoding;
      if (cl >= 0) {
        if (!allowChunkedLength) return FramingError.lengthAndChunked;
        headers.remove(HeaderId.contentLength);
      }
      return BodyKind.chunked;
    }
    if (cl < 0) return BodyKind.none;
    return this.contentLength(headers, cl);
  }

  /** RFC 9112 §6.3 for the response to a request: HEAD, 1xx, 204 and 304 have no body; 1xx and 204 may not say that they have one. */
  response(headers: HeaderMap, minorVersion: number, isHead: boolean): number {
    const status = headers.status;
    const te = headers.find(HeaderId.transferEncoding);
    const cl = headers.find(HeaderId.contentLength);
    if (te >= 0) {
      if (cl >= 0) return FramingError.lengthAndChunked;
      if (!isChunked(headers, te)) return FramingError.badTransferEncoding;
      if (status < 200 || status === 204) return FramingError.bodyNotAllowed;
      if (isHead || status === 304) return BodyKind.none;
      return minorVersion === 0 ? FramingError.badTransferEncoding : BodyKind.chunked;
    }
    if (cl >= 0) {
      const kind = this.contentLength(headers, cl);
      if (kind === BodyKind.length && (status < 200 || status === 204)) return FramingError.bodyNotAllowed;
      return kind >= 0 && (isHead || status === 304) ? BodyKind.none : kind;
    }
    return isHead || status < 200 || status === 204 || status === 304 ? BodyKind.none : BodyKind.untilClose;
  }

  private contentLength(headers: HeaderMap, k: number): number {
    const digits = headers.entries[k + 4];
    const at = headers.entries[k + 3];
    if (digits === 0 || digits > 15 || headers.findNext(HeaderId.contentLength, k) >= 0) return FramingError.badContentLength;
    let value = 0;
    for (let i = 0; i < digits; i++) {
      const digit = headers.bytes[at + i] - 48;
      if (digit < 0 || digit > 9) return FramingError.badContentLength;
      value = value * 10 + digit;
    }
    this.length = value;
    return value === 0 ? BodyKind.none : BodyKind.length;
  }
}

function isChunked(headers: HeaderMap, k: number): boolean {
  if (headers.findNext(HeaderId.transferEncoding, k) >= 0) return false;
  const at = headers.entries[k + 3];
  const length = headers.entries[k + 4];
  if (rangeEquals(headers.bytes, at, length, 'chunked')) return true;
  return length === 7 && latin1(headers.bytes, at, length).toLowerCase() === 'chunked';
}

/** Whether the peer wants this connection kept after the message (RFC 9112 §9.3). */
export function wantsKeepAlive(headers: HeaderMap, minorVersion: number): boolean {
  const k = headers.find(HeaderId.connection);
  if (k < 0) return minorVersion === 1;
  const at = headers.entries[k + 3];
  const length = headers.entries[k + 4];
  // The usual case first: one header, exactly `keep-alive`.
  if (minorVersion === 1 && length === 10 && rangeEquals(headers.bytes, at, 10, 'keep-alive') && headers.findNext(HeaderId.connection, k) < 0) return true;
  if (headers.hasToken(HeaderId.connection, 'close')) return false;
  return minorVersion === 1 || headers.hasToken(HeaderId.connection, 'keep-alive');
}

/** Names of which a message has one line: repeated ones are joined with ',' where they arrive, as Envoy forwards them. */
const JOINED: readonly number[] = [
  HeaderId.connection, HeaderId.te, HeaderId.upgrade, HeaderId.expect, HeaderId.via, HeaderId.requestId, HeaderId.forwardedFor,
  HeaderId.forwardedProto, HeaderId.contentType, HeaderId.userAgent, HeaderId.origin, HeaderId.vary, HeaderId.accept,
  HeaderId.acceptEncoding, HeaderId.authorization, HeaderId.cacheControl, HeaderId.etag, HeaderId.referer, HeaderId.server, HeaderId.date,
  HeaderId.forwardedClientCert,
];

/** Joins repeated lines of names that have one line, and gives all the usual blanks. Rare: only called when `hasRepeats`. */
export function settleLines(headers: HeaderMap, turn: TurnBuffer): void {
  settleBlanks(headers, turn);
  for (const id of JOINED) {
    const k = headers.find(id);
    if (k >= 0 && headers.findNext(id, k) >= 0) headers.set(id, headers.getAll(id) ?? '');
  }
}

/**
 * What access logs call header bytes received: names, values and 3 more of each. A message without headers counts 3, as Envoy's
 * numbers do.
 */
export function receivedHeaderBytes(headers: HeaderMap): number {
  return headers.count === 0 ? 3 : headers.lineBytes(3);
}

/** The same of a head with more than `maxHeaders` lines, as Envoy finds out: with the line that is too many and the name of the next. */
export function excessHeaderBytes(headers: HeaderMap, maxHeaders: number): number {
  const bytes = headers.lineBytes(3);
  return headers.count <= maxHeaders + 1 ? bytes : bytes - 3 - headers.entries[(maxHeaders + 1) * ENTRY_WORDS + 4];
}

/** Whether the headers ask for an upgrade: `connection: upgrade` and an `upgrade` field (RFC 9110 §7.8). */
export function isUpgrade(headers: HeaderMap): boolean {
  return headers.hasAny(HeaderGroup.hopByHop) && headers.find(HeaderId.upgrade) >= 0 && headers.hasToken(HeaderId.connection, 'upgrade');
}

/**
 * Removes the headers that `connection` names (RFC 9110 §7.6.1), keeping `te: trailers`. Returns false when it names a
 * pseudo-header or an x-forwarded-* header: such a request is refused.
 */
export function sanitizeConnectionHeader(headers: HeaderMap): boolean {
  const k = headers.find(HeaderId.connection);
  if (k < 0) return true;
  const at = headers.entries[k + 3];
  const length = headers.entries[k + 4];
  const only = headers.findNext(HeaderId.connection, k) < 0;
  if (only && ((length === 10 && rangeEquals(headers.bytes, at, 10, 'keep-alive')) || (length === 5 && rangeEquals(headers.bytes, at, 5, 'close')))) return true;
  const value = headers.getAll(HeaderId.connection) ?? '';
  let kept = '';
  for (const raw of value.split(',')) {
    const token = raw.trim().toLowerCase();
    if (token === '' || token === 'close' || token === 'keep-alive' || token === 'connection' || token === 'upgrade') {
      if (token !== '') kept = kept === '' ? token : `${kept},${token}`;
      continue;
    }
    if (token.startsWith(':') || token === 'x-forwarded-for' || token === 'x-forwarded-host' || token === 'x-forwarded-proto') return false;
    if (token === 'te') {
      const te = headers.find(HeaderId.te);
      if (te >= 0 && rangeHasToken(headers.bytes, headers.entries[te + 3], headers.entries[te + 4], 'trailers')) headers.set(HeaderId.te, 'trailers');
      else headers.remove(HeaderId.te);
      continue;
    }
    headers.removeByName(token);
  }
  // The names are gone, so is their mention.
  if (kept === '') headers.remove(HeaderId.connection);
  return true;
}
