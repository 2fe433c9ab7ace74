import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import type { StringMatcher } from '../../matcher/string_matcher.ts';
import { isUpgrade } from './framing.ts';

/**
 * Takes out what RFC 9110 §7.8 lets a server ignore: h2c with its settings, what `ignored` (ignore_http_11_upgrade) names, and, as
 * it demands, all of HTTP/1.0.
 */
export function dropIgnoredUpgrade(headers: HeaderMap, minorVersion: number, ignored: readonly StringMatcher[]): void {
  if (!isUpgrade(headers)) return;
  if (minorVersion === 0) {
    headers.remove(HeaderId.upgrade);
    return;
  }
  if (headers.hasToken(HeaderId.upgrade, 'h2c')) {
    headers.remove(HeaderId.upgrade);
    headers.remove(HeaderId.http2Settings);
    headers.remove(HeaderId.connection);
    return;
  }
  if (ignored.length > 0) dropMatching(headers, ignored);
}

function dropMatching(headers: HeaderMap, ignored: readonly StringMatcher[]): void {
  const asked = list(headers, HeaderId.upgrade);
  const kept = asked.filter((upgrade) => !ignored.some((matcher) => matcher.matchesText(upgrade)));
  if (kept.length === asked.length) return;
  if (kept.length > 0) {
    headers.set(HeaderId.upgrade, kept.join(','));
    return;
  }
  headers.remove(HeaderId.upgrade);
  const connection = list(headers, HeaderId.connection).filter((token) => token.toLowerCase() !== 'upgrade');
  if (connection.length > 0) headers.set(HeaderId.connection, connection.join(','));
  else headers.remove(HeaderId.connection);
}

function list(headers: HeaderMap, id: number): string[] {
  return (headers.getAll(id) ?? '').split(',').map((token) => token.trim()).filter((token) => token !== '');
}
