import { describe, expect, it } from 'vitest';
import { compareRecordings, glob, unintended, type IntendedDifference } from './compare.ts';
import type { Recording } from './recording.ts';

function recording(headers: string[], change: Partial<Recording> = {}): Recording {
  const message = { start: 'HTTP/1.1 200 OK', headers, framing: 'content-length', body: 'ok' };
  return { downstream: [{ messages: [message], fate: 'open' }], upstream: {}, log: [{ response_code: 200 }], stats: { 'http.main.rq_total': 1 }, ...change };
}

describe('comparing recordings', () => {
  it('does not mind the order of headers with different names', () => {
    expect(compareRecordings(recording(['a: 1', 'b: 2']), recording(['b: 2', 'a: 1']))).toEqual([]);
  });

  it('minds the order of headers with one name', () => {
    const differences = compareRecordings(recording(['a: 1', 'a: 2']), recording(['a: 2', 'a: 1']));
    expect(differences.map((one) => one.path)).toEqual(['downstream.0.messages.0.headers.a']);
  });

  it('finds a missing header, a log value, a counter and a fate', () => {
    const other = recording([], { log: [{ response_code: 503 }], stats: {} });
    const closed = { ...other, downstream: other.downstream.map((one) => ({ ...one, fate: 'fin' })) };
    expect(compareRecordings(recording(['a: 1']), closed).map((one) => one.path)).toEqual([
      'downstream.0.fate',
      'downstream.0.messages.0.headers.a',
      'log.0.response_code',
      'stats.http.main.rq_total',
    ]);
  });

  it('leaves out what is said to be unstable', () => {
    expect(compareRecordings(recording(['a: 1']), recording(['a: 2']), ['downstream.*.headers.a'])).toEqual([]);
  });
});

describe('intended differences', () => {
  const entry: IntendedDifference = { cases: ['group/b*'], reason: 'stricter', paths: ['downstream.*'], instead: { 'downstream.0.messages.0.start': 'HTTP/1.1 400 Bad Request' } };

  it('apply to the cases they name only', () => {
    const differences = compareRecordings(recording(['a: 1']), recording(['a: 2']));
    expect(unintended('group/other', differences, recording(['a: 2']), [entry])).toHaveLength(1);
  });

  it('must show what was meant instead', () => {
    const actual = recording(['a: 2']);
    const left = unintended('group/bare_lf', compareRecordings(recording(['a: 1']), actual), actual, [entry]);
    expect(left.map((one) => one.path)).toEqual(['downstream.0.messages.0.start']);
  });
});

describe('globs', () => {
  it('match any characters at a star and take all else literally', () => {
    expect(glob('a.*b').test('a.x.yb')).toBe(true);
    expect(glob('a.b').test('axb')).toBe(false);
  });
});
