/** Regular expressions in RE2 syntax, matched in time linear in the input whatever the pattern. */
import { RE2JS, RE2JSException } from 're2js';
import { latin1 } from '../headers/byte_range.ts';
import { toNativeRegex } from './native_regex.ts';

const DUPLICATE_NAME = 'duplicate capture group name';
/** The beginning of a named group, or what must not be taken for one: an escape, a quotation, a character class. */
const NAMED_GROUP = /\\Q[^]*?(?:\\E|$)|\\[^]|\[\^?\]?(?:\\[^]|\[:\w+:\]|[^\]\\])*\]|\(\?P?<\w+>/g;

/** Compiles for the linear-time engine. Nobody asks for groups by name, so names may repeat, as in RE2. Throws RE2JSException. */
export function compileRe2(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSException) || !error.message.includes(DUPLICATE_NAME)) throw error;
    return RE2JS.compile(pattern.replace(NAMED_GROUP, (text) => (text.startsWith('(?') ? '(' : text)));
  }
}

/** Why a pattern is none, in RE2's words, or undefined. Config time. */
export function regexSyntaxError(pattern: string): string | undefined {
  try {
    compileRe2(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof RE2JSException) return re2Message(error.message);
    throw error;
  }
}

/** What the library says in other words than RE2. */
const RE2_WORDS: Readonly<Record<string, string>> = {
  'missing closing )': 'missing )',
  'missing closing ]': 'missing ]',
  'trailing backslash at end of expression': 'trailing \\',
  'missing argument to repetition operator': 'no argument for repetition operator',
  'invalid repeat count': 'invalid repetition size',
  'invalid nested repetition operator': 'bad repetition operator',
  'invalid or unsupported Perl syntax': 'invalid perl operator',
  'invalid named capture': 'invalid named capture group',
};

function re2Message(message: string): string {
  const [, reason = message, where] = /^error parsing regexp: (.*?)(?:: `(.*)`)?$/s.exec(message) ?? [];
  const words = RE2_WORDS[reason] ?? reason;
  return where === undefined ? words : `${words}: ${where}`;
}

/** Number of capturing groups of a valid pattern. */
export function groupCount(pattern: string): number {
  return compileRe2(pattern).groupCount();
}

/**
 * One compiled pattern. Cost per match of a 30-byte path: 50 to 90 ns when the pattern qualified for the native engine, 150 to
 * 600 ns on the linear-time one, 40 ns of it for making the string.
 */
export class Regex {
  readonly pattern: string;
  /** Beside a native one made only when bytes beyond ASCII come: compiling it costs more than all the rest of a route. */
  private linear: RE2JS | null;
  private readonly native: RegExp | null;

  /** Throws on an invalid pattern: check with `regexSyntaxError` where configuration is read. */
  constructor(pattern: string) {
    this.pattern = pattern;
    this.native = toNativeRegex(pattern);
    this.linear = this.native === null ? compileRe2(pattern) : null;
  }

  /** Whether the native engine runs it (for tests and benchmarks). */
  get isNative(): boolean {
    return this.native !== null;
  }

  /** Whether the whole range matches. Bytes are UTF-8; a range that is not valid UTF-8 never matches. */
  matchesRange(bytes: Uint8Array, offset: number, length: number): boolean {
    if (isAscii(bytes, offset, length)) return this.matchesAscii(latin1(bytes, offset, length));
    const text = utf8OrNull(bytes, offset, length);
    return text !== null && this.matchesLinearly(text);
  }

  /** Whether the whole text matches; each character is one byte of UTF-8 (as header values come as strings). */
  matches(text: string): boolean {
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) > 127) {
        const bytes = Buffer.from(text, 'latin1');
        return this.matchesRange(bytes, 0, bytes.length);
      }
    }
    return this.matchesAscii(text);
  }

  private matchesAscii(text: string): boolean {
    return this.native !== null ? this.native.test(text) : this.matchesLinearly(text);
  }

  private matchesLinearly(text: string): boolean {
    this.linear ??= compileRe2(this.pattern);
    return this.linear.testExact(text);
  }
}

/**
 * Replaces every match of a pattern; `\0` .. `\9` in the substitution stand for groups, `\\` for a backslash. As RE2 does: a
 * group that the pattern does not have makes the whole substitution void, any other escape ends it there.
 */
export class RegexSubstitution {
  private readonly linear: RE2JS;
  /** Literal texts and group numbers; null: void. */
  private readonly replacement: readonly (string | number)[] | null;

  /** Throws on an invalid pattern: check with `regexSyntaxError` where configuration is read. */
  constructor(pattern: string, substitution: string) {
    this.linear = compileRe2(pattern);
    const parts = parseSubstitution(substitution);
    const groups = this.linear.groupCount();
    this.replacement = parts.some((part) => typeof part === 'number' && part > groups) ? null : parts;
  }

  /** The text with all non-overlapping matches replaced, left to right. */
  replaceAll(text: string): string {
    const replacement = this.replacement;
    if (replacement === null) return text;
    const matcher = this.linear.matcher(text);
    let result = '';
    let from = 0;
    while (matcher.find()) {
      result += text.slice(from, matcher.start());
      for (const part of replacement) result += typeof part === 'string' ? part : matcher.group(part) ?? '';
      from = matcher.end();
    }
    return from === 0 && result === '' ? text : result + text.slice(from);
  }
}

/** A pattern asked for its groups. */
export class RegexCaptures {
  private readonly linear: RE2JS;

  /** Throws on an invalid pattern: check where configuration is read. */
  constructor(pattern: string) {
    this.linear = compileRe2(pattern);
  }

  /** The groups of a full match, whole text first; null: no match. Allocates. */
  match(text: string): string[] | null {
    const matcher = this.linear.matcher(text);
    if (!matcher.matches()) return null;
    return Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '');
  }
}

/** Why a substitution will not do what it seems to say (see `RegexSubstitution`), or undefined. Config time. */
export function substitutionWarning(pattern: string, substitution: string): string | undefined {
  const highest = groupCount(pattern);
  for (let i = 0; i < substitution.length; i++) {
    if (substitution[i] !== '\\') continue;
    const next = substitution[++i];
    if (next === '\\') continue;
    if (next === undefined || next < '0' || next > '9') return `the substitution ends at offset ${i - 1}: a backslash must be followed by a digit or a backslash`;
    if (Number(next) > highest) return `the substitution asks for group ${next}, the pattern has ${highest}: nothing will be replaced`;
  }
  return undefined;
}

function parseSubstitution(substitution: string): (string | number)[] {
  const parts: (string | number)[] = [];
  let literal = '';
  for (let i = 0; i < substitution.length; i++) {
    if (substitution[i] !== '\\') {
      literal += substitution[i];
      continue;
    }
    const next = substitution[++i] ?? '';
    if (next === '\\') {
      literal += '\\';
      continue;
    }
    if (next < '0' || next > '9') break;
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(Number(next));
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

function isAscii(bytes: Uint8Array, offset: number, length: number): boolean {
  let seen = 0;
  for (let i = offset, end = offset + length; i < end; i++) seen |= bytes[i];
  return seen < 128;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8OrNull(bytes: Uint8Array, offset: number, length: number): string | null {
  try {
    // Shared memory cannot be decoded in place; non-ASCII values are rare enough for a copy.
    return decoder.decode(bytes.slice(offset, offset + length));
  } catch {
    return null;
  }
}
