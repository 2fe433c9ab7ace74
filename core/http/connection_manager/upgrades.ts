import type { LocalReplyOptions } from '../filter.ts';
import { rangeEquals } from '../../headers/byte_range.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import type { RouteEntry } from '../../route/route_entry.ts';
import { isUpgrade } from '../http1/framing.ts';
import type { ConfiguredUpgrade } from './manager_context.ts';

/** What a request asks its connection to become. */
export const UpgradeKind = { none: 0, upgrade: 1, connect: 2 } as const;

/** What a request asks for; an `upgrade` header that `connection` does not name is none. */
export function upgradeKindOf(headers: HeaderMap): number {
  if (isUpgrade(headers)) return UpgradeKind.upgrade;
  return headers.methodLength === 7 && rangeEquals(headers.bytes, headers.methodOffset, 7, 'CONNECT') ? UpgradeKind.connect : UpgradeKind.none;
}

/** The type as configurations name it: all of the `upgrade` header, or `connect`. Lower case. */
export function upgradeTypeOf(kind: number, headers: HeaderMap): string {
  return kind === UpgradeKind.connect ? 'connect' : (headers.get(HeaderId.upgrade) ?? '').toLowerCase();
}

/**
 * Whether a type is allowed: the route has the last word where it says something, else the connection manager's entry for the type,
 * else it is not (Envoy docs: intro/arch_overview/http/upgrades).
 */
export function isUpgradeAllowed(type: string, configured: ConfiguredUpgrade | undefined, route: RouteEntry | null): boolean {
  return route?.isUpgradeEnabled(type) ?? configured?.enabled ?? false;
}

/** Whether a response turns the stream into what the request asked for. */
export function isTunnelResponse(kind: number, headers: HeaderMap): boolean {
  const status = headers.status;
  return kind === UpgradeKind.connect ? status >= 200 && status < 300 : kind === UpgradeKind.upgrade && status === 101 && isUpgrade(headers);
}

/** What a refused upgrade is answered with. */
export const UPGRADE_FAILED: LocalReplyOptions = { details: 'upgrade_failed' };
