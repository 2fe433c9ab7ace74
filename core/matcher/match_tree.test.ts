import { describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import { matchInput } from '../../test/support/route_config.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import type { ConnectionInfo, StreamInfo } from '../stream_info/stream_info.ts';
import type { StringMatcherConfig } from './matcher_config.ts';
import { compileMatchTree } from './match_tree.ts';
import type { MatchInputConfig, MatchPredicateConfig, MatchTreeConfig, ValuePredicateConfig } from './match_tree_config.ts';

const names = new HeaderNames();
const connection: ConnectionInfo = { id: 1, remoteAddress: '10.0.0.9:1234', remoteHost: '10.0.0.9', localAddress: '[::1]:443', filterChainName: '', requestedServerName: 'sni.test' };

function run(config: MatchTreeConfig<string>, info: Partial<StreamInfo> = {}, headers: [string, string][] = [], path = '/p?q=v%20w&r'): string | null {
  const tree = compileMatchTree(config, { names, runtime: new RuntimeSnapshot({}), action: (action: string) => action });
  return tree.match(matchInput(headerMap(names, [[':method', 'GET'], [':path', path], ...headers]), { info: { connection, ...info } }));
}

const exact = (value: string): StringMatcherConfig => ({ kind: 'exact', value, ignoreCase: false });
const leaf = (action: string) => ({ kind: 'action' as const, action });
const header: MatchInputConfig = { kind: 'request_header', name: 'x' };
const list = (predicate: MatchPredicateConfig): MatchTreeConfig<string> => ({ kind: 'list', matchers: [{ predicate, onMatch: leaf('yes') }], onNoMatch: leaf('no') });
const single = (input: MatchInputConfig, matcher: ValuePredicateConfig): MatchTreeConfig<string> => list({ kind: 'single', input, matcher });

describe('inputs', () => {
  it.each<[string, MatchInputConfig, string | null]>([
    ['query parameter, undecoded', { kind: 'query_param', name: 'q' }, 'v%20w'],
    ['query parameter without value', { kind: 'query_param', name: 'r' }, ''],
    ['missing query parameter', { kind: 'query_param', name: 's' }, null],
    ['source address after x-forwarded-for', { kind: 'source_ip' }, '192.0.2.1'],
    ['source port', { kind: 'source_port' }, '0'],
    ['source address of the connection', { kind: 'direct_source_ip' }, '10.0.0.9'],
    ['destination address', { kind: 'destination_ip' }, '::1'],
    ['destination port', { kind: 'destination_port' }, '443'],
    ['not a local source', { kind: 'source_type' }, null],
    ['server name', { kind: 'server_name' }, 'sni.test'],
    ['filter state', { kind: 'filter_state', name: 'k' }, 'stäte'],
    ['missing filter state', { kind: 'filter_state', name: 'l' }, null],
    ['dynamic metadata', { kind: 'dynamic_metadata', filter: 'f', path: ['a', 'b'] }, 'meta'],
    ['constant', { kind: 'constant', value: 'c' }, 'c'],
    ['absent constant', { kind: 'constant', value: null }, null],
  ])('%s', (_, input, expected) => {
    const info = { downstreamRemoteAddress: '192.0.2.1:0', filterState: new Map([['k', 'stäte']]), dynamicMetadata: new Map([['f', { a: { b: 'meta' } }]]) };
    expect(run(single(input, { kind: 'string', matcher: exact(expected ?? '') }), info)).toBe(expected === null ? 'no' : 'yes');
    expect(run({ kind: 'exact_map', input, entries: [[expected ?? '', leaf('found')]], onNoMatch: null }, info)).toBe(expected === null ? null : 'found');
  });

  it.each([['127.0.0.1:5', '10.0.0.1:80'], ['[::1]:5', '10.0.0.1:80'], ['10.0.0.1:5', '10.0.0.1:80']])('%s to %s is a local source', (remoteAddress, localAddress) => {
    const info = { connection: { ...connection, remoteAddress, localAddress } };
    expect(run(single({ kind: 'source_type' }, { kind: 'string', matcher: exact('local') }), info)).toBe('yes');
  });
});

describe('predicates', () => {
  const yes: MatchPredicateConfig = { kind: 'single', input: { kind: 'constant', value: 'a' }, matcher: { kind: 'string', matcher: exact('a') } };
  const no: MatchPredicateConfig = { kind: 'not', predicate: yes };
  it.each<[MatchPredicateConfig, string]>([
    [yes, 'yes'], [no, 'no'], [{ kind: 'and', predicates: [yes, no] }, 'no'], [{ kind: 'and', predicates: [yes, yes] }, 'yes'], [{ kind: 'or', predicates: [no, yes] }, 'yes'],
    [{ kind: 'or', predicates: [no, no] }, 'no'],
  ])('%j: %s', (predicate, expected) => {
    expect(run(list(predicate))).toBe(expected);
  });

  it('takes addresses in ranges', () => {
    const ip: ValuePredicateConfig = { kind: 'ip', ranges: ['10.0.0.0/8', '2001:db8::/32'] };
    const answers = ['10.1.2.3', '11.1.2.3', '2001:db8::5', 'nonsense', ''].map((value) => run(single(header, ip), {}, [['x', value]]));
    expect(answers).toEqual(['yes', 'no', 'yes', 'no', 'no']);
  });

  it('takes metadata of any type, and nothing else', () => {
    const matcher: ValuePredicateConfig = { kind: 'metadata', value: { kind: 'number', value: 3 }, invert: false };
    const input: MatchInputConfig = { kind: 'dynamic_metadata', filter: 'f', path: ['n'] };
    const info = { dynamicMetadata: new Map([['f', { n: 3 }]]) };
    expect([run(single(input, matcher), info), run(single(input, { ...matcher, invert: true }), info), run(single(header, { ...matcher, invert: true }), info, [['x', '3']])]).toEqual(['yes', 'no', 'no']);
  });
});

describe('branches', () => {
  const nested = (action: string): MatchTreeConfig<string> => ({ kind: 'exact_map', input: { kind: 'request_header', name: 'y' }, entries: [['y', leaf(action)]], onNoMatch: null });
  const at = (tree: MatchTreeConfig<string>, x: string, y = ''): string | null => run(tree, {}, [['x', x], ['y', y]]);

  it('prefers the longest prefix whose branch leads somewhere', () => {
    const tree: MatchTreeConfig<string> = { kind: 'prefix_map', input: header, entries: [['', leaf('any')], ['a', leaf('a')], ['ab', { kind: 'tree', tree: nested('ab') }]], onNoMatch: leaf('none') };
    expect([at(tree, 'abc', 'y'), at(tree, 'abc'), at(tree, 'b'), run(tree)]).toEqual(['ab', 'a', 'any', 'none']);
  });

  it('prefers exact domains, then the most specific wildcard, then any', () => {
    const entries = [{ domains: ['a.b.c'], onMatch: leaf('exact') }, { domains: ['*.b.c'], onMatch: { kind: 'tree' as const, tree: nested('below b.c') } }, { domains: ['*.c', '*'], onMatch: leaf('wide') }];
    const tree: MatchTreeConfig<string> = { kind: 'domains', input: header, entries, onNoMatch: leaf('none') };
    expect([at(tree, 'a.b.c'), at(tree, 'x.b.c', 'y'), at(tree, 'x.b.c'), at(tree, 'b.c'), at(tree, 'else'), at(tree, '')]).toEqual(['exact', 'below b.c', 'wide', 'wide', 'wide', 'none']);
  });

  it('prefers the narrowest range; exclusive ones only when they are it', () => {
    const entries = [
      { ranges: ['10.0.0.0/8'], onMatch: leaf('wide'), exclusive: false },
      { ranges: ['10.1.0.0/16'], onMatch: leaf('exclusive'), exclusive: true },
      { ranges: ['10.1.1.0/24'], onMatch: { kind: 'tree' as const, tree: nested('narrow') }, exclusive: false },
    ];
    const tree: MatchTreeConfig<string> = { kind: 'ip_ranges', input: header, entries, onNoMatch: leaf('none') };
    expect([at(tree, '10.1.1.1', 'y'), at(tree, '10.1.1.1'), at(tree, '10.1.2.1'), at(tree, '10.2.0.1'), at(tree, '11.0.0.1'), at(tree, 'x')]).toEqual(['narrow', 'wide', 'exclusive', 'wide', 'none', 'none']);
  });
});
