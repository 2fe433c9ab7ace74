import { describe, expect, test } from 'vitest';
import { joinStatName, sanitizeStatName } from './stat_name.ts';

describe('stat names', () => {
  test.each([
    ['127.0.0.1:80', '127.0.0.1_80'], ['[::1]:80', '[__1]_80'], ['http://a/b', 'http_a/b'], ['a:/b', 'a_b'],
    ['.a.b.', 'a.b'], ['a-b c', 'a-b c'], ['x\0y', 'x_y'], ['', ''], ['.', ''],
  ])('%j becomes %j', (name, expected) => {
    expect(sanitizeStatName(name)).toBe(expected);
  });

  test('joining leaves out what is empty', () => {
    expect([joinStatName('a', 'b'), joinStatName('', 'b'), joinStatName('a', '')]).toEqual(['a.b', 'b', 'a']);
  });
});
