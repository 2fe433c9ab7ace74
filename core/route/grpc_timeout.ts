/** The grpc-timeout header (gRPC over HTTP/2: Requests, Timeout). */
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';

/** Milliseconds of the units that are not parts of one. */
const UNIT_MS: ReadonlyMap<string, number> = new Map([['H', 3_600_000], ['M', 60_000], ['S', 1000], ['m', 1]]);
const VALUE_MAX = 99_999_999;

/** Milliseconds that a request's grpc-timeout asks for, parts of one rounded up; -1 when there is none or it is malformed. */
export function grpcTimeoutMs(headers: HeaderMap): number {
  const value = headers.get(HeaderId.grpcTimeout);
  if (value === undefined || !/^\d{1,8}[HMSmun]$/.test(value)) return -1;
  const number = Number(value.slice(0, -1));
  const unit = value.charAt(value.length - 1);
  if (unit === 'u') return Math.ceil(number / 1000);
  if (unit === 'n') return Math.ceil(number / 1_000_000);
  return number * (UNIT_MS.get(unit) ?? 1);
}

/** Sets grpc-timeout to whole milliseconds, in the smallest unit that has room for them. */
export function setGrpcTimeout(headers: HeaderMap, ms: number): void {
  let value = ms;
  let unit = 'm';
  if (value > VALUE_MAX) {
    value = Math.floor(value / 1000);
    unit = 'S';
  }
  if (value > VALUE_MAX) {
    value = Math.floor(value / 60);
    unit = 'M';
  }
  if (value > VALUE_MAX) {
    value = Math.min(VALUE_MAX, Math.floor(value / 60));
    unit = 'H';
  }
  headers.set(HeaderId.grpcTimeout, `${value}${unit}`);
}
