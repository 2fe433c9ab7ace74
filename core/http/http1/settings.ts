import { ENTRY_WORDS, type HeaderMap } from '../../headers/header_map.ts';
import type { PreserveCaseConfig } from '../../headers/header_spelling.ts';
import type { StringMatcher } from '../../matcher/string_matcher.ts';
import type { Counter } from '../../stats/stats.ts';

/** headers_with_underscores_action. */
export const UnderscoreAction = { allow: 0, rejectRequest: 1, dropHeader: 2 } as const;

/** What an HTTP/1 codec is configured with; shared by all connections of a filter chain or cluster. */
export interface Http1Settings {
  readonly maxHeadersCount: number;
  /** Largest head in bytes. */
  readonly maxHeadersBytes: number;
  readonly allowChunkedLength: boolean;
  readonly enableTrailers: boolean;
  readonly properCaseWords: boolean;
  readonly acceptHttp10: boolean;
  /** Methods that are not registered (RFC 9110 §16.1 and the WebDAV family) are forwarded too. */
  readonly allowCustomMethods: boolean;
  /** absolute-form targets are taken apart; else they are no path. */
  readonly allowAbsoluteUrl: boolean;
  /** Upgrades that are treated as if nobody had asked for them. */
  readonly ignoredUpgrades: readonly StringMatcher[];
  /** Upstream only: the request target is in absolute-form (RFC 9112 §3.2.2). */
  readonly sendsFullUrl: boolean;
  /** Names are forwarded as the peer of this side spelled them; null = in lower case. */
  readonly preserveCase: PreserveCaseConfig | null;
  readonly underscores: number;
  /** Someone reads header byte counts (access logs). */
  readonly countsHeaderBytes: boolean;
  readonly droppedHeadersWithUnderscores: Counter;
  readonly rejectedWithUnderscores: Counter;
  /** A peer broke the protocol: counts `*_cx_protocol_error`. */
  onProtocolError(): void;
}

const UNDERSCORE = 95;

/** Applies headers_with_underscores_action to all names; false = refuse the request. */
export function applyUnderscoreAction(headers: HeaderMap, settings: Http1Settings): boolean {
  const entries = headers.entries;
  for (let k = 0, end = headers.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
    const line = entries[k];
    if (line < 0) continue;
    for (let i = 0, n = entries[k + 2]; i < n; i++) {
      if (headers.bytes[line + i] !== UNDERSCORE) continue;
      if (settings.underscores === UnderscoreAction.rejectRequest) {
        settings.rejectedWithUnderscores.inc();
        return false;
      }
      settings.droppedHeadersWithUnderscores.inc();
      headers.removeAt(k);
      break;
    }
  }
  return true;
}
