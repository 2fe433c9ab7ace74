import { describe, expect, test } from 'vitest';
import { jsonDocument, LazyList, LazyObject, withoutUndefined } from './json_pieces.ts';

const print = (value: Parameters<typeof jsonDocument>[0]) => [...jsonDocument(value)].join('');

describe('JSON pieces', () => {
  test.each([
    [{}], [[]], [{ a: {}, b: [] }], [{ a: [1, 'two', true, null, { c: [[]] }], 'd"e': -0.5 }], ['text'],
  ])('%j is printed with one space per level', (value) => {
    expect(print(value)).toBe(`${JSON.stringify(value, null, 1)}\n`);
  });

  test('lazy lists and objects look like the real ones', () => {
    const lazy = new LazyObject(() => [['list', new LazyList(() => [1, { a: 2 }])], ['none', new LazyList(() => [])], ['empty', new LazyObject(() => [])]]);
    expect(print(lazy)).toBe(`${JSON.stringify({ list: [1, { a: 2 }], none: [], empty: {} }, null, 1)}\n`);
  });

  test('items are made one by one as they are printed', () => {
    let made = 0;
    const list = new LazyList(function* () {
      for (;;) yield made++;
    });
    const pieces = jsonDocument(list);
    for (let i = 0; i < 6; i++) pieces.next();
    expect(made).toBe(3);
  });

  test('angle brackets are escaped', () => {
    expect(print({ '<k>': 'a<b>' })).toBe('{\n "\\u003ck\\u003e": "a\\u003cb\\u003e"\n}\n');
  });

  test('fields that are undefined are left out', () => {
    expect(withoutUndefined({ a: 1, b: undefined })).toEqual({ a: 1 });
  });
});
