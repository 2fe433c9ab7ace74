import { Regex, RegexCaptures, RegexSubstitution } from '../matcher/regex.ts';
import type { RegexRewriteConfig } from './regex_rewrite.ts';
import type { PathMatcherConfig } from './route_config.ts';
import { bindRewrite, compileTemplate, type RewritePart } from './uri_template.ts';

const Kind = { prefix: 0, path: 1, path_separated_prefix: 2, regex: 3, connect: 4, uri_template: 5 } as const;
const SLASH = 47;

/** The path specifier of a route, over the bytes of the path without query. No allocation, but for regexes. */
export class PathMatcher {
  readonly isConnect: boolean;
  /** Whether finding a literal beginning does not yet mean a match. */
  readonly isPattern: boolean;
  private readonly kind: number;
  private readonly value: Uint8Array;
  private readonly caseSensitive: boolean;
  private readonly regex: Regex | null;

  constructor(config: PathMatcherConfig) {
    this.kind = Kind[config.kind];
    this.isConnect = config.kind === 'connect';
    const pattern = pathPattern(config);
    this.isPattern = pattern !== null;
    this.regex = pattern === null ? null : new Regex(pattern);
    if (config.kind === 'regex' || config.kind === 'connect' || config.kind === 'uri_template') {
      // A redirect's prefix_rewrite replaces as many bytes as the template has: Envoy takes it for the matched path.
      this.value = config.kind === 'uri_template' ? new Uint8Array(Buffer.from(config.template)) : EMPTY;
      this.caseSensitive = true;
    } else {
      this.caseSensitive = config.caseSensitive;
      this.value = new Uint8Array(Buffer.from(config.caseSensitive ? config.value : lowerAscii(config.value)));
    }
  }

  /** Whether `bytes[offset, offset + length)` matches; never true for `connect` (the method decides that). */
  matches(bytes: Uint8Array, offset: number, length: number): boolean {
    const n = this.value.length;
    switch (this.kind) {
      case Kind.prefix:
        return length >= n && this.startsAt(bytes, offset);
      case Kind.path:
        return length === n && this.startsAt(bytes, offset);
      case Kind.path_separated_prefix:
        return length >= n && (length === n || bytes[offset + n] === SLASH) && this.startsAt(bytes, offset);
      case Kind.regex:
      case Kind.uri_template:
        return this.regex?.matchesRange(bytes, offset, length) ?? false;
      default:
        return false;
    }
  }

  /** How much of a matching path (of `length` bytes, without query) a prefix_rewrite replaces. */
  matchedLength(length: number): number {
    return this.kind === Kind.regex || this.kind === Kind.connect ? length : this.value.length;
  }

  private startsAt(bytes: Uint8Array, offset: number): boolean {
    const value = this.value;
    // From the end: the paths of one table tend to begin alike.
    if (this.caseSensitive) {
      for (let i = value.length - 1; i >= 0; i--) if (bytes[offset + i] !== value[i]) return false;
      return true;
    }
    for (let i = value.length - 1; i >= 0; i--) {
      const byte = bytes[offset + i];
      if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== value[i]) return false;
    }
    return true;
  }
}

/** The RE2 pattern that a specifier comes down to, or null for those that need none. */
export function pathPattern(config: PathMatcherConfig): string | null {
  if (config.kind === 'regex') return config.regex;
  return config.kind === 'uri_template' ? compileTemplate(config.template).regex : null;
}

/** How a route changes the path. */
export interface PathRewrite {
  /** A path as it goes on. `path` and the result are Latin-1 texts, query included; `matchedLength` as the matcher says. */
  rewrite(path: string, matchedLength: number): string;
}

/** prefix_rewrite or regex_rewrite of one route. Allocates one string per rewritten path. */
export class PathRewriter implements PathRewrite {
  private readonly prefix: string;
  private readonly regex: RegexSubstitution | null;

  constructor(prefixRewrite: string, regexRewrite: RegexRewriteConfig | null) {
    this.prefix = Buffer.from(prefixRewrite).toString('latin1');
    this.regex = regexRewrite === null ? null : new RegexSubstitution(regexRewrite.regex, regexRewrite.substitution);
  }

  /** See PathRewrite. */
  rewrite(path: string, matchedLength: number): string {
    if (this.regex === null) return this.prefix + path.slice(matchedLength);
    const end = lengthWithoutQuery(path);
    return rewriteUtf8(this.regex, path.slice(0, end)) + path.slice(end);
  }
}

/** path_rewrite_policy by URI template: the values of a template's variables in another order and place. Allocates. */
export class TemplateRewriter implements PathRewrite {
  private readonly capturing: RegexCaptures;
  private readonly parts: readonly RewritePart[];

  /** Throws unless both were checked where they were read. */
  constructor(template: string, rewrite: string) {
    this.capturing = new RegexCaptures(compileTemplate(template).capturing);
    this.parts = bindRewrite(rewrite, template) ?? [];
  }

  /** The path as it goes on; a path that no longer matches the template stays. */
  rewrite(path: string): string {
    const end = lengthWithoutQuery(path);
    const groups = this.capturing.match(path.slice(0, end));
    if (groups === null) return path;
    let result = '';
    for (const part of this.parts) result += typeof part === 'string' ? part : groups[part];
    return result + path.slice(end);
  }
}

/** The compiled rewrite, or null when a route has none. */
export function compileRewriter(prefixRewrite: string, regexRewrite: RegexRewriteConfig | null): PathRewriter | null {
  return prefixRewrite === '' && regexRewrite === null ? null : new PathRewriter(prefixRewrite, regexRewrite);
}

/** Length of a path up to `?` or `#`. */
export function lengthWithoutQuery(path: string): number {
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c === 63 || c === 35) return i;
  }
  return path.length;
}

const EMPTY = new Uint8Array(0);

function rewriteUtf8(regex: RegexSubstitution, path: string): string {
  const text = Buffer.from(path, 'latin1').toString('utf8');
  return Buffer.from(regex.replaceAll(text), 'utf8').toString('latin1');
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (c) => c.toLowerCase());
}
