import { withoutPort } from '../base/cidr.ts';
import { XxHash64 } from '../base/xxhash64.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { FIRST_REGULAR_ID, HeaderId, type HeaderNames } from '../headers/header_names.ts';
import { RegexSubstitution } from '../matcher/regex.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import { cookieValue, setCookieText } from './cookies.ts';
import type { CookieHashConfig, HashPolicyConfig } from './hash_policy_config.ts';
import { queryParameterValue } from './query_parameter.ts';

/** What a value of the filter state must offer to be hashed by: 64 bits in signed halves. */
export interface HashableState {
  readonly hashHigh: number;
  readonly hashLow: number;
}

/** One way to a hash: leaves it in `hash` and answers true, or answers false. */
interface HashMethod {
  readonly isTerminal: boolean;
  evaluate(headers: HeaderMap, info: StreamInfo | null, hash: XxHash64, cookies: string[] | null): boolean;
}

/**
 * The hash policies of one route, compiled. Hashes are combined by rotating the older one left by one bit and mixing the newer
 * one in (Envoy: HashPolicyImpl::generateHash). Shared by the route's streams; the result stands until the next call.
 */
export class HashPolicy {
  readonly hash: XxHash64;
  private readonly methods: readonly HashMethod[];
  private readonly scratch: XxHash64;

  constructor(configs: readonly HashPolicyConfig[], names: HeaderNames) {
    this.methods = configs.map((config) => compileMethod(config, names));
    this.hash = new XxHash64();
    this.scratch = new XxHash64();
  }

  /**
   * Whether the request has a hash; then it is in `hash`. Cookies that policies make are added to `cookies` as Set-Cookie texts;
   * with null none is made. Without `info` only what stands in headers counts. Allocates the texts that are hashed.
   */
  compute(headers: HeaderMap, info: StreamInfo | null, cookies: string[] | null): boolean {
    const { hash, scratch, methods } = this;
    hash.high = 0;
    hash.low = 0;
    let hasHash = false;
    for (let i = 0; i < methods.length; i++) {
      if (methods[i].evaluate(headers, info, scratch, cookies)) {
        hash.combine(scratch.high, scratch.low);
        hasHash = true;
      }
      if (hasHash && methods[i].isTerminal) break;
    }
    return hasHash;
  }
}

/** The compiled policies, or null when there are none. */
export function compileHashPolicy(configs: readonly HashPolicyConfig[], names: HeaderNames): HashPolicy | null {
  return configs.length === 0 ? null : new HashPolicy(configs, names);
}

/** `value mod divisor` of an unsigned 64-bit value in halves; 0 < divisor < 2^32. */
export function hashModulo(high: number, low: number, divisor: number): number {
  let rest = (high >>> 0) % divisor;
  rest = (rest * 65536 + (low >>> 16)) % divisor;
  return (rest * 65536 + (low & 0xffff)) % divisor;
}

function compileMethod(config: HashPolicyConfig, names: HeaderNames): HashMethod {
  switch (config.kind) {
    case 'header':
      return new HeaderHash(config, names);
    case 'cookie':
      return new CookieHash(config);
    case 'source_ip':
      return new SourceIpHash(config.terminal);
    case 'query_parameter':
      return new QueryParameterHash(config);
    default:
      return new FilterStateHash(config);
  }
}

class HeaderHash implements HashMethod {
  readonly isTerminal: boolean;
  private readonly nameId: number;
  private readonly rewrite: RegexSubstitution | null;

  constructor(config: HashPolicyConfig & { kind: 'header' }, names: HeaderNames) {
    this.isTerminal = config.terminal;
    this.nameId = names.intern(config.name);
    this.rewrite = config.rewrite === null ? null : new RegexSubstitution(config.rewrite.regex, config.rewrite.substitution);
  }

  evaluate(headers: HeaderMap, _info: StreamInfo | null, hash: XxHash64): boolean {
    if (this.nameId < FIRST_REGULAR_ID) {
      const value = headers.get(this.nameId);
      if (value === undefined) return false;
      hash.hashText(this.rewritten(value));
      return true;
    }
    const k = headers.find(this.nameId);
    if (k < 0) return false;
    if (this.rewrite === null && headers.findNext(this.nameId, k) < 0) {
      hash.hash(headers.bytes, headers.entries[k + 3], headers.entries[k + 4]);
      return true;
    }
    this.hashAll(headers, k, hash);
    return true;
  }

  /** Several values hash alike whatever their order: sorted, each seeded with the hash of those before. */
  private hashAll(headers: HeaderMap, first: number, hash: XxHash64): void {
    const values: string[] = [];
    for (let k = first; k >= 0; k = headers.findNext(this.nameId, k)) values.push(this.rewritten(headers.valueAt(k)));
    values.sort();
    hash.hashText(values[0]);
    for (let i = 1; i < values.length; i++) hash.hashText(values[i], hash.high, hash.low);
  }

  private rewritten(value: string): string {
    if (this.rewrite === null) return value;
    return Buffer.from(this.rewrite.replaceAll(Buffer.from(value, 'latin1').toString('utf8')), 'utf8').toString('latin1');
  }
}

class CookieHash implements HashMethod {
  readonly isTerminal: boolean;
  private readonly config: CookieHashConfig;

  constructor(config: CookieHashConfig) {
    this.isTerminal = config.terminal;
    this.config = config;
  }

  evaluate(headers: HeaderMap, info: StreamInfo | null, hash: XxHash64, cookies: string[] | null): boolean {
    const known = cookieValue(headers, this.config.name);
    if (known !== '') {
      hash.hashText(known);
      return true;
    }
    if (this.config.ttlSeconds < 0 || cookies === null) return false;
    // The same for all requests of a connection, so that several in flight get one cookie.
    hash.hashText(`${info?.connection?.remoteAddress ?? ''}${info?.connection?.localAddress ?? ''}`);
    const value = hex(hash.high) + hex(hash.low);
    cookies.push(setCookieText(this.config, value));
    hash.hashText(value);
    return true;
  }
}

class SourceIpHash implements HashMethod {
  readonly isTerminal: boolean;

  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal;
  }

  evaluate(_headers: HeaderMap, info: StreamInfo | null, hash: XxHash64): boolean {
    if (info === null) return false;
    const address = withoutPort(info.downstreamRemoteAddress !== '' ? info.downstreamRemoteAddress : info.connection?.remoteAddress ?? '');
    if (address === '' || address.startsWith('/')) return false;
    hash.hashText(address);
    return true;
  }
}

class QueryParameterHash implements HashMethod {
  readonly isTerminal: boolean;
  private readonly name: string;

  constructor(config: HashPolicyConfig & { kind: 'query_parameter' }) {
    this.isTerminal = config.terminal;
    this.name = Buffer.from(config.name).toString('latin1');
  }

  evaluate(headers: HeaderMap, _info: StreamInfo | null, hash: XxHash64): boolean {
    const value = queryParameterValue(headers.get(HeaderId.path) ?? '', this.name);
    if (value === undefined) return false;
    hash.hashText(value);
    return true;
  }
}

class FilterStateHash implements HashMethod {
  readonly isTerminal: boolean;
  private readonly key: string;

  constructor(config: HashPolicyConfig & { kind: 'filter_state' }) {
    this.isTerminal = config.terminal;
    this.key = config.key;
  }

  evaluate(_headers: HeaderMap, info: StreamInfo | null, hash: XxHash64): boolean {
    const state = info?.filterState?.get(this.key) as Partial<HashableState> | null | undefined;
    if (typeof state?.hashHigh !== 'number' || typeof state.hashLow !== 'number') return false;
    hash.high = state.hashHigh;
    hash.low = state.hashLow;
    return true;
  }
}

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, '0');
}
