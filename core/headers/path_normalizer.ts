/** Path normalisation of the connection manager (RFC 3986 §6.2.2; Envoy: normalize_path, merge_slashes, path_with_escaped_slashes_action). */
import { latin1 } from './byte_range.ts';
import type { HeaderMap } from './header_map.ts';

export interface PathNormalization {
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly pathWithEscapedSlashesAction: 'keep_unchanged' | 'reject_request' | 'unescape_and_redirect' | 'unescape_and_forward';
}

/** What became of a path. */
export const PathResult = { unchanged: 0, changed: 1, rejected: 2, redirect: 3 } as const;

/** Whether a configuration asks for anything: decided once, so that nothing is paid when it does not. */
export function needsNormalization(config: PathNormalization): boolean {
  return config.normalizePath || config.mergeSlashes || config.pathWithEscapedSlashesAction !== 'keep_unchanged';
}

/** Normalises :path in place. A query is never touched. Allocates strings only when there is something to change. */
export function normalizePath(headers: HeaderMap, config: PathNormalization): number {
  if (headers.pathLength === 0 || !mayChange(headers)) return PathResult.unchanged;
  const whole = latin1(headers.bytes, headers.pathOffset, headers.pathLength);
  const query = whole.indexOf('?');
  const path = query < 0 ? whole : whole.slice(0, query);
  let next = path;
  let redirects = false;
  if (config.pathWithEscapedSlashesAction !== 'keep_unchanged' && ESCAPED_SLASH.test(next)) {
    if (config.pathWithEscapedSlashesAction === 'reject_request') return PathResult.rejected;
    next = next.replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
    redirects = config.pathWithEscapedSlashesAction === 'unescape_and_redirect';
  }
  if (config.normalizePath) {
    if (next.includes('%00')) return PathResult.rejected;
    const normal = removeDotSegments(escapeUnusual(unescapeUnreserved(next).replaceAll('\\', '/')));
    if (normal === null) return PathResult.rejected;
    next = normal;
  }
  if (config.mergeSlashes) next = next.replace(/\/{2,}/g, '/');
  if (next === path) return PathResult.unchanged;
  headers.setPath(query < 0 ? next : next + whole.slice(query));
  return redirects ? PathResult.redirect : PathResult.changed;
}

const ESCAPED_SLASH = /%2f|%5c/i;

const UNUSUAL = new Uint8Array(256);
for (const character of '%\\ "<>^`{|}') UNUSUAL[character.charCodeAt(0)] = 1;

/** Whether the path has a byte that any of the rules could act on: one of the unusual ones, '//' or a dot behind a slash. */
function mayChange(headers: HeaderMap): boolean {
  const bytes = headers.bytes;
  let previous = 0;
  for (let p = headers.pathOffset, end = p + headers.pathLength; p < end; p++) {
    const c = bytes[p];
    if (c === 63) return false;
    if (UNUSUAL[c] !== 0 || (previous === 47 && (c === 46 || c === 47))) return true;
    previous = c;
  }
  return false;
}

/** %41 becomes A: only for characters that never need escaping (RFC 3986 §2.3). */
function unescapeUnreserved(path: string): string {
  return path.replace(/%([0-9a-fA-F]{2})/g, (whole, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : whole;
  });
}

/** Characters that no URI has (RFC 3986 §2) are escaped. */
function escapeUnusual(path: string): string {
  return path.replace(/[ "<>^`{|}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** RFC 3986 §5.2.4; null when the path does not begin with a slash. */
function removeDotSegments(path: string): string | null {
  if (!path.startsWith('/')) return null;
  const output: string[] = [];
  const segments = path.slice(1).split('/');
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i];
    const isLast = i === segments.length - 1;
    if (segment === '.') {
      if (isLast) output.push('');
    } else if (segment === '..') {
      output.pop();
      if (isLast) output.push('');
    } else {
      output.push(segment);
    }
  }
  return `/${output.join('/')}`;
}
