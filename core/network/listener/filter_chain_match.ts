import { Cidr, withoutPort } from '../../base/cidr.ts';
import type { CompiledFilterChain, FilterChainFinder } from './active_listener.ts';
import type { FilterChainConfig, FilterChainMatchConfig } from './listener_config.ts';

/** What is known of a connection when its chain is chosen. Plaintext connections have no SNI, ALPN, and `raw_buffer`. */
interface Candidate {
  readonly localIp: string;
  readonly localPort: number;
  readonly remoteIp: string;
  readonly remotePort: number;
}

interface Entry {
  readonly match: FilterChainMatchConfig;
  readonly chain: CompiledFilterChain;
}

/**
 * Chooses a filter chain (envoy.config.listener.v3.FilterChainMatch): the criteria are looked at one after another, at each the
 * most specific value that fits is kept and the others are dropped, without going back.
 *
 *   destination port -> destination IP -> server name -> transport protocol -> ALPN -> direct source IP -> source type -> source IP -> source port
 */
export class FilterChainMatcher implements FilterChainFinder {
  private readonly entries: readonly Entry[];
  private readonly fallback: CompiledFilterChain | null;
  /** Set when there is nothing to choose. */
  private readonly only: CompiledFilterChain | null;

  constructor(configs: readonly FilterChainConfig[], chains: readonly CompiledFilterChain[], fallback: CompiledFilterChain | null) {
    this.entries = configs.map((config, i) => ({ match: config.match, chain: chains[i] }));
    this.fallback = fallback;
    this.only = configs.length === 1 && isUnconditional(configs[0].match) ? chains[0] : configs.length === 0 ? fallback : null;
  }

  find(localAddress: () => string, remoteAddress: () => string): CompiledFilterChain | null {
    if (this.only !== null) return this.only;
    const local = localAddress();
    const remote = remoteAddress();
    const candidate = { localIp: withoutPort(local), localPort: portOf(local), remoteIp: withoutPort(remote), remotePort: portOf(remote) };
    let entries = this.entries;
    for (const criterion of CRITERIA) {
      entries = mostSpecific(entries, (match) => criterion(match, candidate));
      if (entries.length === 0) return this.fallback;
    }
    return entries[0].chain;
  }
}

/** -1 = does not fit; 0 = says nothing; more = the more specific. */
type Criterion = (match: FilterChainMatchConfig, candidate: Candidate) => number;

const CRITERIA: readonly Criterion[] = [
  (match, candidate) => (match.destinationPort === 0 ? 0 : match.destinationPort === candidate.localPort ? 1 : -1),
  (match, candidate) => longestPrefix(match.prefixRanges, candidate.localIp),
  (match) => (match.serverNames.length === 0 ? 0 : -1),
  (match) => (match.transportProtocol === '' ? 0 : match.transportProtocol === 'raw_buffer' ? 1 : -1),
  (match) => (match.applicationProtocols.length === 0 ? 0 : -1),
  (match, candidate) => longestPrefix(match.directSourcePrefixRanges, candidate.remoteIp),
  (match, candidate) => sourceType(match, candidate),
  (match, candidate) => longestPrefix(match.sourcePrefixRanges, candidate.remoteIp),
  (match, candidate) => (match.sourcePorts.length === 0 ? 0 : match.sourcePorts.includes(candidate.remotePort) ? 1 : -1),
];

function mostSpecific(entries: readonly Entry[], score: (match: FilterChainMatchConfig) => number): readonly Entry[] {
  let best = -1;
  let kept: Entry[] = [];
  for (const entry of entries) {
    const value = score(entry.match);
    if (value < 0 || value < best) continue;
    if (value > best) kept = [];
    best = value;
    kept.push(entry);
  }
  return kept;
}

/** 1 + prefix length of the longest range that contains the address; 0 without ranges; -1 when none fits. */
function longestPrefix(ranges: readonly string[], ip: string): number {
  if (ranges.length === 0) return 0;
  let best = -1;
  for (const text of ranges) {
    if (!Cidr.parse(text).contains(ip)) continue;
    const slash = text.indexOf('/');
    best = Math.max(best, 1 + (slash < 0 ? 128 : Number(text.slice(slash + 1))));
  }
  return best;
}

const LOOPBACK = [Cidr.parse('127.0.0.0/8'), Cidr.parse('::1/128')];

function sourceType(match: FilterChainMatchConfig, candidate: Candidate): number {
  if (match.sourceType === 'any') return 0;
  const isLocal = candidate.remoteIp === candidate.localIp || LOOPBACK.some((range) => range.contains(candidate.remoteIp));
  return isLocal === (match.sourceType === 'same_ip_or_loopback') ? 1 : -1;
}

function isUnconditional(match: FilterChainMatchConfig): boolean {
  return (
    match.destinationPort === 0 && match.prefixRanges.length === 0 && match.serverNames.length === 0 && match.transportProtocol === '' &&
    match.applicationProtocols.length === 0 && match.directSourcePrefixRanges.length === 0 && match.sourceType === 'any' &&
    match.sourcePrefixRanges.length === 0 && match.sourcePorts.length === 0
  );
}

function portOf(address: string): number {
  const colon = address.lastIndexOf(':');
  return colon < 0 ? 0 : Number(address.slice(colon + 1));
}
