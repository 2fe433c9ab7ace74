/** Whether a certificate has one of the names that a peer should have. Thread: any. */
import type { SubjectAltName } from '../../../core/base/subject_alt_names.ts';
import type { StringMatcherConfig } from '../../../core/matcher/matcher_config.ts';
import { StringMatcher } from '../../../core/matcher/string_matcher.ts';

export interface SanMatcherConfig {
  readonly kind: SubjectAltName['kind'];
  /** Dotted, for otherNames; else ''. */
  readonly oid: string;
  readonly matcher: StringMatcherConfig;
}

/** One of match_typed_subject_alt_names. */
export class SanMatcher {
  private readonly kind: SubjectAltName['kind'];
  private readonly oid: string;
  private readonly matcher: StringMatcher;
  /** Names of DNS that are given in full match as host names do: any case, and the certificate may have a wildcard. */
  private readonly hostName: string | null;

  constructor({ kind, oid, matcher }: SanMatcherConfig) {
    this.kind = kind;
    this.oid = oid;
    this.matcher = new StringMatcher(matcher);
    this.hostName = kind === 'dns' && matcher.kind === 'exact' ? byteText(matcher.value) : null;
  }

  matches(name: SubjectAltName): boolean {
    if (name.kind !== this.kind || (name.kind === 'other' && name.oid !== this.oid)) return false;
    if (this.hostName !== null) return matchesHostName(this.hostName, name.value);
    return this.matcher.matchesText(name.value);
  }
}

/** Whether one of the names is in a list that was given in full, whatever kind it is of. */
export function hasOneOf(names: readonly SubjectAltName[], wanted: readonly string[]): boolean {
  const texts = wanted.map(byteText);
  return names.some(({ kind, value }) => texts.some((text) => (kind === 'dns' ? matchesHostName(text, value) : text === value)));
}

/** Whether a host name is among the names of DNS. */
export function hasHostName(names: readonly SubjectAltName[], hostName: string): boolean {
  const text = byteText(hostName);
  return names.some(({ kind, value }) => kind === 'dns' && matchesHostName(text, value));
}

/** A character for each byte, as names of certificates are. */
function byteText(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/**
 * Whether a host name is one that a certificate's DNS name stands for. A wildcard is a single `*` in the first label, which is not
 * the only one; it stands for any characters of that label, but not in an internationalised one.
 */
export function matchesHostName(hostName: string, pattern: string): boolean {
  const name = lowerAscii(hostName);
  const wanted = lowerAscii(pattern);
  if (name === wanted) return true;
  const nameDot = name.indexOf('.');
  const wantedDot = wanted.indexOf('.');
  if (nameDot < 0 || wantedDot < 0 || name.slice(nameDot) !== wanted.slice(wantedDot)) return false;
  const label = wanted.slice(0, wantedDot);
  const star = label.indexOf('*');
  if (star < 0 || wanted.includes('*', star + 1) || label.startsWith('xn--')) return false;
  const before = label.slice(0, star);
  const after = label.slice(star + 1);
  return nameDot >= before.length + after.length && name.startsWith(before) && name.slice(0, nameDot).endsWith(after);
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
