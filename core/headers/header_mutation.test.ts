import { describe, expect, it } from 'vitest';
import { headerMap, headerPairs } from '../../test/support/header_map.ts';
import type { HeaderMap } from './header_map.ts';
import { HeaderMutator, isModifiableHeader, type HeaderAddConfig, type HeaderMutationsConfig } from './header_mutation.ts';
import { HeaderNames } from './header_names.ts';

type Pairs = [string, string][];

const add = (name: string, value: string, action: HeaderAddConfig['action'] = 'append_if_exists_or_add', keepEmptyValue = false): HeaderAddConfig =>
  ({ name, value, action, keepEmptyValue });

/** `%REQ(x)%` only, read from the map that is being changed. */
function compileValue(format: string) {
  const name = /^%REQ\((.*)\)%$/.exec(format)?.[1] ?? '';
  return { formatToString: (headers: HeaderMap) => headers.getByName(name) ?? '' };
}

function run(levels: HeaderMutationsConfig[], pairs: Pairs, retain = false): Pairs {
  const names = new HeaderNames();
  const mutator = new HeaderMutator<HeaderMap>(levels, names, compileValue);
  const headers = headerMap(names, pairs);
  if (retain) headers.retain();
  mutator.evaluate(headers, headers);
  return headerPairs(headers);
}

describe('HeaderMutator', () => {
  it.each<[string, HeaderMutationsConfig, Pairs, Pairs]>([
    ['appends a line', { add: [add('x-a', '2')], remove: [] }, [['x-a', '1']], [['x-a', '1'], ['x-a', '2']]],
    ['joins where one line is all there may be', { add: [add('user-agent', 'b')], remove: [] }, [['user-agent', 'a']], [['user-agent', 'a,b']]],
    ['adds to nothing', { add: [add('user-agent', 'b'), add('x-a', '1')], remove: [] }, [], [['user-agent', 'b'], ['x-a', '1']]],
    ['add_if_absent leaves what is there', { add: [add('x-a', '2', 'add_if_absent'), add('x-b', '2', 'add_if_absent')], remove: [] }, [['x-a', '1']], [['x-a', '1'], ['x-b', '2']]],
    ['overwrites all lines', { add: [add('x-a', '3', 'overwrite_if_exists_or_add')], remove: [] }, [['x-a', '1'], ['x-a', '2']], [['x-a', '3']]],
    ['an overwritten header moves to the end', { add: [add('x-a', '3', 'overwrite_if_exists_or_add')], remove: [] }, [['x-a', '1'], ['x-b', '2']], [['x-b', '2'], ['x-a', '3']]],
    ['overwrite adds', { add: [add('x-a', '3', 'overwrite_if_exists_or_add')], remove: [] }, [], [['x-a', '3']]],
    ['overwrite_if_exists does not add', { add: [add('x-a', '3', 'overwrite_if_exists'), add('x-b', '3', 'overwrite_if_exists')], remove: [] }, [['x-a', '1']], [['x-a', '3']]],
    ['removes first', { add: [add('x-a', '2')], remove: ['x-a'] }, [['x-a', '1'], ['x-b', '1']], [['x-b', '1'], ['x-a', '2']]],
    ['skips empty values', { add: [add('x-a', ''), add('x-b', '%REQ(nope)%')], remove: [] }, [], []],
    ['keeps empty values when told to', { add: [add('x-a', '', 'append_if_exists_or_add', true), add('x-b', '%REQ(nope)%', 'add_if_absent', true)], remove: [] }, [], [['x-a', ''], ['x-b', '']]],
    ['%% is a percent sign', { add: [add('x-a', '100%%')], remove: [] }, [], [['x-a', '100%']]],
    ['formats', { add: [add('x-b', '%REQ(x-a)%')], remove: [] }, [['x-a', '1']], [['x-a', '1'], ['x-b', '1']]],
    ['formats see the headers before this level', { add: [add('x-a', 'new', 'overwrite_if_exists_or_add'), add('x-b', '%REQ(x-a)%')], remove: [] }, [['x-a', 'old']], [['x-a', 'new'], ['x-b', 'old']]],
    ['joins formatted values', { add: [add('via', '%REQ(x-a)%')], remove: [] }, [['via', 'a'], ['x-a', 'b']], [['via', 'a,b'], ['x-a', 'b']]],
    ['writes UTF-8', { add: [add('x-a', 'é')], remove: [] }, [], [['x-a', 'Ã©']]],
  ])('%s', (_, config, before, after) => {
    expect(run([config], before)).toEqual(after);
    expect(run([config], before, true)).toEqual(after);
  });

  it('applies levels in order, later ones seeing earlier ones', () => {
    const levels = [{ add: [add('x-a', '1')], remove: [] }, { add: [add('x-b', '%REQ(x-a)%'), add('x-a', '2', 'overwrite_if_exists_or_add')], remove: [] }];
    expect(run(levels, [])).toEqual([['x-a', '2'], ['x-b', '1']]);
  });

  it('is empty when no level changes anything', () => {
    expect(new HeaderMutator<null>([{ add: [], remove: [] }], new HeaderNames(), compileValue as never).isEmpty).toBe(true);
  });

  it('adds constants without changing the bytes of other headers', () => {
    expect(run([{ add: [add('x-c', '3')], remove: ['x-b'] }], [['x-a', '1'], ['x-b', '2']])).toEqual([['x-a', '1'], ['x-c', '3']]);
  });
});

describe('isModifiableHeader', () => {
  it.each([['x-a', true], [':path', false], ['Host', false], ['hosts', true]])('%s: %s', (name, expected) => {
    expect(isModifiableHeader(name)).toBe(expected);
  });
});
