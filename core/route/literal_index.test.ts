import { describe, expect, it } from 'vitest';
import { GramCounts, type LiteralFactor, LiteralIndex } from './literal_index.ts';
import { ANYTHING, WITHIN_SEGMENT } from './regex_shape.ts';

const bytes = (text: string): number[] => [...Buffer.from(text)];

/** The factor of `text`, where `~` is any bytes and `_` any within a segment, among the outlines of `others`. */
function rarest(text: string, ...others: string[]): string | undefined {
  const outline = (of: string): number[] => bytes(of).map((byte) => (byte === 126 ? ANYTHING : byte === 95 ? WITHIN_SEGMENT : byte));
  const counts = new GramCounts();
  for (const each of [text, ...others]) counts.add(outline(each));
  const found = counts.rarest(outline(text));
  return found === undefined ? undefined : `${Buffer.from(found.factor.literal).toString()} ${found.factor.at} ${found.count}`;
}

function find(path: string, literals: readonly (readonly [literal: string, at: number])[], best = literals.length, accepts = (_route: number) => true, size = 4, ignoreCase = false): { found: number; asked: number[] } {
  const asked: number[] = [];
  const index = new LiteralIndex<null>(literals.map(([literal, at], i): [number, LiteralFactor] => [i, { literal: bytes(literal), at, size }]), size, ignoreCase);
  const text = Buffer.from(`before${path}after`);
  const found = index.find(text, 6, path.length, best, {
    accepts: (route) => {
      asked.push(route);
      return accepts(route);
    },
  }, null);
  return { found, asked };
}

describe('GramCounts', () => {
  it('finds the run of bytes that the fewest share', () => {
    expect(rarest('~/users/1~', '~/users/2~', '~/users/3~')).toBe('/users/1 4 1');
    expect(rarest('/ab~/abcd_/xyz~')).toBe('/abcd 0 1');
    expect(rarest('/~a_b')).toBeUndefined();
    expect(rarest('/a~/bc_/x')).toBe('/bc 0 1');
    // A longer run that others have too says less than two bytes that nobody has.
    expect(rarest('~/users/~/q~', '~/users/~/r~')).toBe('/q 0 1');
    expect(rarest('~abcabcabc~', '~cabc~')).toBe('abcabcabc 0 1');
  });
});

describe('LiteralIndex', () => {
  it('finds a literal anywhere in the path and nowhere else', () => {
    expect(find('/x/users/1', [['/users', 2]]).found).toBe(0);
    expect(find('/users', [['/users', 0]]).found).toBe(0);
    expect(find('/user', [['/users', 0]]).found).toBe(1);
    // What stands around the path is none of it.
    expect(find('/use', [['/useafter', 0], ['ore/use', 0]]).found).toBe(2);
    expect(find('abc', [['abca', 0]]).found).toBe(1);
    expect(find('/\u00e9\u00e9', [['\u00e9\u00e9', 0]], 1).found).toBe(1);
  });

  it('finds short literals by all their bytes', () => {
    for (const [size, literal] of [[3, '/ab'], [2, 'ab']] as const) {
      expect(find('/x/ab', [[literal, 0]], 1, () => true, size).found).toBe(0);
      expect(find(literal, [[literal, 0]], 1, () => true, size).found).toBe(0);
      expect(find('/x/a', [[literal, 0]], 1, () => true, size).found).toBe(1);
      expect(find('a', [[literal, 0]], 1, () => true, size).found).toBe(1);
    }
  });

  it('may ignore case', () => {
    expect(find('/X/UsErS/1', [['/users', 2]], 1, () => true, 4, true).found).toBe(0);
    expect(find('/X/UsErS/1', [['/users', 2]], 1, () => true, 4, false).found).toBe(1);
  });

  it('asks only routes whose whole literal stands there, lowest number first, below the best', () => {
    const literals = [['/users/2', 0], ['/users/1', 0], ['/users', 0], ['sers/1', 1]] as const;
    expect(find('/x/users/1', literals, 4, () => false).asked).toEqual([1, 2, 3]);
    expect(find('/x/users/1', literals)).toEqual({ found: 1, asked: [1] });
    expect(find('/x/users/1', literals, 1)).toEqual({ found: 1, asked: [] });
    expect(find('/x/users/1', literals, 4, (route) => route === 3).found).toBe(3);
  });
});
