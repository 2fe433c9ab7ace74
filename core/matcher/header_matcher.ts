import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId, type HeaderNames } from '../headers/header_names.ts';
import type { HeaderMatcherConfig } from './matcher_config.ts';
import { StringMatcher } from './string_matcher.ts';

/**
 * One compiled envoy.config.route.v3.HeaderMatcher. Several headers of one name are matched joined with ','. A missing header
 * fails whatever it is compared with, inverted or not, unless it is to be treated as empty. No allocation, but for regexes and
 * repeated headers.
 */
export class HeaderMatcher {
  private readonly nameId: number;
  private readonly invert: boolean;
  private readonly treatMissingAsEmpty: boolean;
  private readonly matcher: StringMatcher | null;
  private readonly isRange: boolean;
  private readonly start: number;
  private readonly end: number;
  private readonly present: boolean;

  constructor(config: HeaderMatcherConfig, names: HeaderNames) {
    this.nameId = names.intern(config.name);
    this.invert = config.invert;
    this.treatMissingAsEmpty = config.treatMissingAsEmpty;
    this.matcher = config.kind === 'string' ? new StringMatcher(config.matcher) : null;
    this.isRange = config.kind === 'range';
    this.start = config.kind === 'range' ? config.start : 0;
    this.end = config.kind === 'range' ? config.end : 0;
    this.present = config.kind === 'present' ? config.present : true;
  }

  matches(headers: HeaderMap): boolean {
    const nameId = this.nameId;
    if (nameId < HeaderId.authority) return this.matchesPseudo(headers, nameId);
    const k = headers.find(nameId);
    if (k < 0) return this.missing();
    // The only one of its name: the usual case, matched where it lies.
    if (headers.findNext(nameId, k) < 0) return this.matchesRange(headers.bytes, headers.entries[k + 3], headers.entries[k + 4]);
    const joined = Buffer.from(headers.getAll(nameId) ?? '', 'latin1');
    return this.matchesRange(joined, 0, joined.length);
  }

  private matchesPseudo(headers: HeaderMap, nameId: number): boolean {
    switch (nameId) {
      case HeaderId.method:
        return headers.methodLength === 0 ? this.missing() : this.matchesRange(headers.bytes, headers.methodOffset, headers.methodLength);
      case HeaderId.path:
        return headers.pathLength === 0 ? this.missing() : this.matchesRange(headers.bytes, headers.pathOffset, headers.pathLength);
      case HeaderId.scheme:
        if (headers.methodLength === 0) return this.missing();
        return headers.isHttps ? this.matchesRange(HTTPS, 0, 5) : this.matchesRange(HTTPS, 0, 4);
      case HeaderId.status: {
        const status = headers.status;
        if (status === 0) return this.missing();
        DIGITS[0] = 48 + Math.floor(status / 100);
        DIGITS[1] = 48 + (Math.floor(status / 10) % 10);
        DIGITS[2] = 48 + (status % 10);
        return this.matchesRange(DIGITS, 0, 3);
      }
      default:
        return this.missing();
    }
  }

  private missing(): boolean {
    if (this.treatMissingAsEmpty) return this.matchesRange(HTTPS, 0, 0);
    return this.matcher === null && !this.isRange && this.present === this.invert;
  }

  private matchesRange(bytes: Uint8Array, offset: number, length: number): boolean {
    let result: boolean;
    if (this.matcher !== null) result = this.matcher.matchesRange(bytes, offset, length);
    else if (this.isRange) result = this.inRange(bytes, offset, length);
    else result = this.present;
    return result !== this.invert;
  }

  /** A whole decimal integer, sign and surrounding blanks allowed, in [start, end). */
  private inRange(bytes: Uint8Array, offset: number, length: number): boolean {
    let p = offset;
    let end = offset + length;
    while (p < end && isBlank(bytes[p])) p++;
    while (end > p && isBlank(bytes[end - 1])) end--;
    const negative = bytes[p] === MINUS;
    if (p < end && (negative || bytes[p] === PLUS)) p++;
    if (p === end) return false;
    let value = 0;
    for (; p < end; p++) {
      const digit = bytes[p] - 48;
      if (digit < 0 || digit > 9) return false;
      value = value * 10 + digit;
      if (value >= INT64_LIMIT) return false;
    }
    if (negative) value = -value;
    return value >= this.start && value < this.end;
  }
}

/** Whether all match; true for none. */
export function matchesAllHeaders(matchers: readonly HeaderMatcher[], headers: HeaderMap): boolean {
  for (let i = 0; i < matchers.length; i++) if (!matchers[i].matches(headers)) return false;
  return true;
}

/** Compiles a list of matchers. Config time: interns the names. */
export function compileHeaderMatchers(configs: readonly HeaderMatcherConfig[], names: HeaderNames): HeaderMatcher[] {
  return configs.map((config) => new HeaderMatcher(config, names));
}

const HTTPS = new Uint8Array([0x68, 0x74, 0x74, 0x70, 0x73]);
const DIGITS = new Uint8Array(3);
const MINUS = 45;
const PLUS = 43;
/** 2^63 and more is no 64-bit integer. */
const INT64_LIMIT = 2 ** 63;

function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}
