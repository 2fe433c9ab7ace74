import { describe, expect, it } from 'vitest';
import { median, pairedRatios, spreadOf } from './statistics.ts';

describe('median', () => {
  it('is the middle of an odd count, in any order', () => {
    expect(median([30, 1, 2])).toBe(2);
  });
  it('is the mean of the middle two of an even count', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
  it('is NaN for no values', () => {
    expect(median([])).toBeNaN();
  });
  it('leaves its input as it was', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('spreadOf', () => {
  it('tells least, middle and greatest', () => {
    expect(spreadOf([5, 9, 7])).toEqual({ median: 7, min: 5, max: 9 });
  });
});

describe('pairedRatios', () => {
  it('divides within a round, so that a slow round cancels out', () => {
    const value = new Map([[0, 8], [1, 16], [2, 8]]);
    const reference = new Map([[0, 10], [1, 20], [2, 10]]);
    expect(pairedRatios(value, reference)).toEqual({ median: 0.8, min: 0.8, max: 0.8 });
  });
  it('leaves out rounds that one side lacks', () => {
    expect(pairedRatios(new Map([[0, 1], [1, 9]]), new Map([[0, 2]]))).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
  });
  it('is NaN when no round is common', () => {
    expect(pairedRatios(new Map([[0, 1]]), new Map([[1, 1]])).median).toBeNaN();
  });
});
