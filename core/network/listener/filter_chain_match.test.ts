import { describe, expect, it } from 'vitest';
import { ANY_CONNECTION } from '../../../test/support/in_process_worker.ts';
import type { CompiledFilterChain } from './active_listener.ts';
import { FilterChainMatcher } from './filter_chain_match.ts';
import type { FilterChainMatchConfig } from './listener_config.ts';

const factory = {
  onNewConnection: () => {
    throw new Error('not asked for');
  },
};

/** Name of the chain chosen for a connection to `local` from `remote`; '' = none. */
function choose(matches: Record<string, Partial<FilterChainMatchConfig>>, local: string, remote: string, hasDefault = false): string {
  const configs = Object.entries(matches).map(([name, match]) => ({ name, match: { ...ANY_CONNECTION, ...match }, filters: [], transportSocket: null, transportSocketConnectTimeoutMs: 0 }));
  const chains: CompiledFilterChain[] = configs.map(({ name }) => ({ name, factory }));
  const matcher = new FilterChainMatcher(configs, chains, hasDefault ? { name: 'default', factory } : null);
  return matcher.find(() => local, () => remote)?.name ?? '';
}

describe('FilterChainMatcher', () => {
  it.each<[string, Record<string, Partial<FilterChainMatchConfig>>, string, string, string]>([
    ['no criteria', { a: {} }, '1.1.1.1:80', '2.2.2.2:5', 'a'],
    ['port', { a: { destinationPort: 80 }, b: { destinationPort: 81 } }, '1.1.1.1:81', '2.2.2.2:5', 'b'],
    ['a port before no port', { a: {}, b: { destinationPort: 80 } }, '1.1.1.1:80', '2.2.2.2:5', 'b'],
    ['no port when none fits', { a: {}, b: { destinationPort: 80 } }, '1.1.1.1:90', '2.2.2.2:5', 'a'],
    ['the longest destination prefix', { a: { prefixRanges: ['10.0.0.0/8'] }, b: { prefixRanges: ['10.1.0.0/16', '9.0.0.0/8'] }, c: {} }, '10.1.2.3:80', '2.2.2.2:5', 'b'],
    ['IPv6 destination', { a: { prefixRanges: ['::1/128'] }, b: {} }, '[::1]:80', '[::1]:5', 'a'],
    ['the port counts before the prefix', { a: { destinationPort: 80 }, b: { prefixRanges: ['10.1.2.3/32'] } }, '10.1.2.3:80', '2.2.2.2:5', 'a'],
    ['server names never fit plaintext', { a: { serverNames: ['x'] }, b: {} }, '1.1.1.1:80', '2.2.2.2:5', 'b'],
    ['raw_buffer', { a: { transportProtocol: 'raw_buffer' }, b: { transportProtocol: 'tls' }, c: {} }, '1.1.1.1:80', '2.2.2.2:5', 'a'],
    ['application protocols never fit plaintext', { a: { applicationProtocols: ['h2'] }, b: {} }, '1.1.1.1:80', '2.2.2.2:5', 'b'],
    ['direct source prefix', { a: { directSourcePrefixRanges: ['2.0.0.0/8'] }, b: {} }, '1.1.1.1:80', '2.2.2.2:5', 'a'],
    ['source prefix', { a: { sourcePrefixRanges: ['2.0.0.0/8'] }, b: { sourcePrefixRanges: ['2.2.0.0/16'] } }, '1.1.1.1:80', '2.2.2.2:5', 'b'],
    ['source port', { a: { sourcePorts: [4, 5] }, b: {} }, '1.1.1.1:80', '2.2.2.2:5', 'a'],
    ['source port that does not fit', { a: { sourcePorts: [4] }, b: {} }, '1.1.1.1:80', '2.2.2.2:5', 'b'],
    ['same ip', { a: { sourceType: 'same_ip_or_loopback' }, b: { sourceType: 'external' } }, '1.1.1.1:80', '1.1.1.1:5', 'a'],
    ['loopback', { a: { sourceType: 'same_ip_or_loopback' }, b: { sourceType: 'external' } }, '127.0.0.1:80', '127.0.0.2:5', 'a'],
    ['external', { a: { sourceType: 'same_ip_or_loopback' }, b: { sourceType: 'external' } }, '1.1.1.1:80', '2.2.2.2:5', 'b'],
    ['no way back', { a: { destinationPort: 80, sourcePorts: [1] }, b: {} }, '1.1.1.1:80', '2.2.2.2:5', ''],
    ['a criterion of a single chain counts', { a: { destinationPort: 81 } }, '1.1.1.1:80', '2.2.2.2:5', ''],
  ])('%s', (_name, matches, local, remote, expected) => {
    expect(choose(matches, local, remote)).toBe(expected);
  });

  it('falls back to the default chain', () => {
    expect(choose({ a: { destinationPort: 81 } }, '1.1.1.1:80', '2.2.2.2:5', true)).toBe('default');
    expect(choose({}, '1.1.1.1:80', '2.2.2.2:5', true)).toBe('default');
  });
});
