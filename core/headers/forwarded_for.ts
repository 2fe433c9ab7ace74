/** x-forwarded-for, read from the right: the last address is the one that the nearest proxy vouches for. Allocates. */
import { canonicalIp } from '../base/cidr.ts';
import type { HeaderMap } from './header_map.ts';
import { HeaderId } from './header_names.ts';

/** The address `skip` places from the right, in its usual form; '' when there is none or it is no address. */
export function forwardedAddress(headers: HeaderMap, skip: number): string {
  let rest = headers.getAll(HeaderId.forwardedFor);
  if (rest === undefined) return '';
  for (let i = 0; i < skip; i++) {
    const comma = rest.lastIndexOf(',');
    if (comma < 0) return '';
    rest = rest.slice(0, comma);
  }
  // An empty last place is no place: the text with its comma is no address either.
  return canonicalIp(lastPlace(rest).trim()) ?? '';
}

/** The text behind the last comma. */
export function lastPlace(list: string): string {
  return list.slice(list.lastIndexOf(',') + 1);
}

/** Whether x-forwarded-for names one address only. */
export function hasSingleForwardedAddress(headers: HeaderMap): boolean {
  return !(headers.getAll(HeaderId.forwardedFor) ?? '').includes(',');
}

/** An address without port as logs show it: `[v6]:0`, `v4:0`; nobody knows the port. */
export function withUnknownPort(ip: string): string {
  return ip.includes(':') ? `[${ip}]:0` : `${ip}:0`;
}
