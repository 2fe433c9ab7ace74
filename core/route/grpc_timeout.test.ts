import { describe, expect, it } from 'vitest';
import { TurnBuffer } from '../buffer/turn_buffer.ts';
import { HeaderMap } from '../headers/header_map.ts';
import { HeaderId, HeaderNames } from '../headers/header_names.ts';
import { grpcTimeoutMs, setGrpcTimeout } from './grpc_timeout.ts';

const names = new HeaderNames();

function headersWith(value: string | null): HeaderMap {
  const headers = new HeaderMap(names, new TurnBuffer(new Uint8Array(1024), 0, 1024, 0, 0));
  if (value !== null) headers.set(HeaderId.grpcTimeout, value);
  return headers;
}

describe('grpc-timeout', () => {
  it.each<[string | null, number]>([
    ['1H', 3_600_000], ['2M', 120_000], ['3S', 3000], ['4m', 4], ['1000u', 1], ['1001u', 2], ['1n', 1], ['99999999n', 100], ['0S', 0], ['99999999H', 359999996400000],
    [null, -1], ['', -1], ['5', -1], ['S', -1], ['1s', -1], ['-1S', -1], ['1 S', -1], ['1Sx', -1], ['123456789S', -1],
  ])('%j is %d ms', (value, expected) => {
    expect(grpcTimeoutMs(headersWith(value))).toBe(expected);
  });

  it.each([
    [0, '0m'], [99_999_999, '99999999m'], [100_000_000, '100000S'], [99_999_999_999, '99999999S'], [100_000_000_000, '1666666M'], [360_000_000_000_000, '99999999H'],
  ])('%d ms are written %s', (ms, expected) => {
    const headers = headersWith('1S');
    setGrpcTimeout(headers, ms);
    expect(headers.getAll(HeaderId.grpcTimeout)).toBe(expected);
  });
});
