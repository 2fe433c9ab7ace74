import { describe, expect, it } from 'vitest';
import type { HeaderAddConfig } from '../../../../core/headers/header_mutation.ts';
import { FakeRoute, FilterBench } from '../../../../test/support/filter_harness.ts';
import { HeaderMutationFilter, HeaderMutationShared } from './header_mutation_filter.ts';
import type { HeaderMutationConfig } from '../../../../core/route/header_mutation_list.ts';
import { Mutations, type MutationsConfig } from './mutations.ts';
import type { QueryMutationConfig } from './query_mutations.ts';

const append = (name: string, value: string, overrides: Partial<HeaderAddConfig> = {}): HeaderMutationConfig => ({
  kind: 'append', add: { name, value, action: 'append_if_exists_or_add', keepEmptyValue: false, ...overrides },
});
const remove = (name: string): HeaderMutationConfig => ({ kind: 'remove', name });
const query = (key: string, value: string, action: 'append_if_exists_or_add' | 'add_if_absent' | 'overwrite_if_exists_or_add' | 'overwrite_if_exists'): QueryMutationConfig =>
  ({ kind: 'append', key, value, action });

function setUp(config: Partial<MutationsConfig>, mostSpecificWins = false) {
  const bench = new FilterBench();
  const compile = (level: Partial<MutationsConfig>) =>
    new Mutations({ request: [], response: [], requestTrailers: [], responseTrailers: [], query: [], ...level }, bench.names, bench.context.formatEnvironment);
  const shared = new HeaderMutationShared(compile(config), mostSpecificWins);
  return { bench, compile, stream: (levels: readonly Mutations[] = []) => bench.stream(new HeaderMutationFilter(shared), new FakeRoute(levels)) };
}

/** Headers without :path. */
const headers = (pairs: readonly [string, string][] | null) => pairs?.filter(([name]) => name !== ':path');

describe('request headers', () => {
  it('change in the order in which the mutations are written', () => {
    const { stream } = setUp({ request: [append('x-a', '1'), append('x-b', '[%REQ(x-a)%]'), remove('x-a'), append('x-c', '[%REQ(x-a)%]')] });
    expect(headers(stream().request().upstream.headers)).toEqual([['x-b', '[1]'], ['x-c', '[]']]);
  });

  it('follow the append action', () => {
    const { stream } = setUp({
      request: [
        append('x-append', 'new'), append('x-absent', 'new', { action: 'add_if_absent' }), append('x-over', 'new', { action: 'overwrite_if_exists_or_add' }),
        append('x-exists', 'new', { action: 'overwrite_if_exists' }),
      ],
    });
    const old = [['x-append', 'old'], ['x-absent', 'old'], ['x-over', 'old'], ['x-exists', 'old']] as const;
    expect(headers(stream().request(old).upstream.headers)).toEqual([['x-append', 'old'], ['x-absent', 'old'], ['x-append', 'new'], ['x-over', 'new'], ['x-exists', 'new']]);
    expect(headers(stream().request().upstream.headers)).toEqual([['x-append', 'new'], ['x-absent', 'new'], ['x-over', 'new']]);
  });

  it('get an empty value only where it is kept', () => {
    const { stream } = setUp({ request: [append('x-a', '%REQ(x-no)%'), append('x-b', '%REQ(x-no)%', { keepEmptyValue: true }), append('x-c', '')] });
    expect(headers(stream().request().upstream.headers)).toEqual([['x-b', '']]);
  });

  it('whose names match go away with remove_on_match, but for the host', () => {
    const { stream } = setUp({ request: [{ kind: 'remove_on_match', matcher: { kind: 'regex', regex: '(x-p.*|host)' } }] });
    const sent = stream().request([['x-p1', '1'], ['x-keep', '1'], [':authority', 'h'], ['x-p2', '2'], ['x-p1', '3']]);
    expect(headers(sent.upstream.headers)).toEqual([['x-keep', '1'], ['host', 'h']]);
  });
});

describe('responses and trailers', () => {
  it('change too, formats reading request and status', () => {
    const { stream } = setUp({ response: [append('x-r', '%RESPONSE_CODE% %REQ(x-a)%'), remove('x-old')] });
    const answered = stream().request([['x-a', 'v']]).response([[':status', '404'], ['x-old', '1']]);
    expect(answered.downstream.headers).toEqual([['x-r', '404 v']]);
  });

  it('have their own lists', () => {
    const { stream } = setUp({ requestTrailers: [append('x-rq', '1')], responseTrailers: [remove('x-t'), append('x-rs', '1')] });
    const done = stream().request([[':method', 'POST']], false).requestTrailersOf([['x-t', '1']]).response([], false).responseTrailersOf([['x-t', '1'], ['x-u', '2']]);
    expect(done.upstream.trailers).toEqual([['x-t', '1'], ['x-rq', '1']]);
    expect(done.downstream.trailers).toEqual([['x-u', '2'], ['x-rs', '1']]);
  });
});

describe('levels of a route', () => {
  it.each([
    [false, ['filter', 'route', 'host', 'table']],
    [true, ['filter', 'table', 'host', 'route']],
  ])('come after the filter; the most specific one wins: %s', (mostSpecificWins, order) => {
    const level = (value: string) => ({ request: [append('x-l', value)], response: [append('x-l', value)] });
    const { compile, stream } = setUp(level('filter'), mostSpecificWins);
    const done = stream(['table', 'host', 'route'].map((value) => compile(level(value)))).request().response();
    expect(headers(done.upstream.headers)?.map(([, value]) => value)).toEqual(order);
    expect(done.downstream.headers?.map(([, value]) => value)).toEqual(order);
  });
});

describe('query parameters', () => {
  const ALL: QueryMutationConfig[] = [
    { kind: 'remove', key: 'gone' }, query('add', '%REQ(x-v)%', 'append_if_exists_or_add'), query('ab', 'n', 'add_if_absent'), query('ow', 'n', 'overwrite_if_exists'),
    query('owa', 'n', 'overwrite_if_exists_or_add'),
  ];

  it.each([
    ['/x?gone=1&z=1&ab=o&ow=o&owa=o&add=0&a=1&gone=2&ow=p', '/x?a=1&ab=o&add=0&add=v&ow=n&owa=n&z=1'],
    ['/x', '/x?ab=n&add=v&owa=n'],
    ['/x?', '/x?ab=n&add=v&owa=n'],
    ['/x?novalue&e=&%zz=1&p=a+b&%41=1', '/x?%zz=1&A=1&ab=n&add=v&e=&novalue=&owa=n&p=a+b'],
    ['/x?a=1&a=2&=3&b=c=d;e', '/x?=3&a=1&a=2&ab=n&add=v&b=c=d;e&owa=n'],
  ])('%s becomes %s', (path, expected) => {
    const { stream } = setUp({ query: ALL });
    expect(stream().request([[':path', path], ['x-v', 'v']]).upstreamHeader(':path')).toBe(expected);
  });

  it('go away with their question mark', () => {
    const { stream } = setUp({ query: [{ kind: 'remove', key: 'a' }] });
    expect(stream().request([[':path', '/x?a=1']]).upstreamHeader(':path')).toBe('/x');
  });

  it('cannot end the request line, whoever writes them', () => {
    const { stream } = setUp({ query: [query('a', '%REQ(x-v)%', 'append_if_exists_or_add')] });
    expect(stream().request([[':path', '/x?b=%0d%0aGET%20/&c=%23'], ['x-v', '1 2']]).upstreamHeader(':path')).toBe('/x?a=1%202&b=%0D%0AGET%20/&c=%23');
  });
});
