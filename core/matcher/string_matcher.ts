import type { StringMatcherConfig } from './matcher_config.ts';
import { Regex } from './regex.ts';

/** Kinds as small integers for the switch. */
const Kind = { exact: 0, prefix: 1, suffix: 2, contains: 3, regex: 4 } as const;

/**
 * One compiled envoy.type.matcher.v3.StringMatcher. Compares bytes: no allocation but for regexes (which make one string).
 * Case is ignored for ASCII letters only.
 */
export class StringMatcher {
  private readonly kind: number;
  /** UTF-8; lower case when case is ignored. */
  private readonly value: Uint8Array;
  private readonly ignoreCase: boolean;
  private readonly regex: Regex | null;

  constructor(config: StringMatcherConfig) {
    this.kind = Kind[config.kind];
    if (config.kind === 'regex') {
      this.value = EMPTY;
      this.ignoreCase = false;
      this.regex = new Regex(config.regex);
    } else {
      this.ignoreCase = config.ignoreCase;
      this.value = new Uint8Array(Buffer.from(config.value));
      if (config.ignoreCase) lowerAscii(this.value);
      this.regex = null;
    }
  }

  /** Whether a range of bytes matches. */
  matchesRange(bytes: Uint8Array, offset: number, length: number): boolean {
    const n = this.value.length;
    switch (this.kind) {
      case Kind.exact:
        return length === n && this.equalsAt(bytes, offset);
      case Kind.prefix:
        return length >= n && this.equalsAt(bytes, offset);
      case Kind.suffix:
        return length >= n && this.equalsAt(bytes, offset + length - n);
      case Kind.contains:
        for (let i = 0; i <= length - n; i++) if (this.equalsAt(bytes, offset + i)) return true;
        return false;
      default:
        return this.regex?.matchesRange(bytes, offset, length) ?? false;
    }
  }

  /** Whether a text matches whose characters are bytes (Latin-1). For values that are strings already. */
  matchesText(text: string): boolean {
    if (this.regex !== null) return this.regex.matches(text);
    const bytes = Buffer.from(text, 'latin1');
    return this.matchesRange(bytes, 0, bytes.length);
  }

  private equalsAt(bytes: Uint8Array, offset: number): boolean {
    const value = this.value;
    if (!this.ignoreCase) {
      for (let i = 0; i < value.length; i++) if (bytes[offset + i] !== value[i]) return false;
      return true;
    }
    for (let i = 0; i < value.length; i++) {
      const byte = bytes[offset + i];
      if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== value[i]) return false;
    }
    return true;
  }
}

const EMPTY = new Uint8Array(0);

function lowerAscii(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] >= 65 && bytes[i] <= 90) bytes[i] += 32;
}
