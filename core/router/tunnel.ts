/** Requests that ask for a tunnel, as the router treats them. */
import { latin1, rangeEquals } from '../headers/byte_range.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { isConnect } from '../http/http1/request_target.ts';
import type { LocalReplyOptions } from '../http/filter.ts';
import type { RouteEntry } from '../route/route_entry.ts';

/** What a request asks to become. */
export const Tunnel = {
  none: 0,
  /** An upgrade to something of which nothing is known: what its client sends goes on at once. */
  upgrade: 1,
  /** Nothing is sent on before the 101, for which the route's timeout waits too. */
  webSocket: 2,
  /** Nothing is sent on before the 2xx. */
  connect: 3,
} as const;

/** `upgrade` reaches the router with upgrade requests only. */
export function tunnelOf(headers: HeaderMap): number {
  if (isConnect(headers)) return Tunnel.connect;
  const k = headers.find(HeaderId.upgrade);
  if (k < 0) return Tunnel.none;
  const length = headers.entries[k + 4];
  return length === 9 && latin1(headers.bytes, headers.entries[k + 3], length).toLowerCase() === 'websocket' ? Tunnel.webSocket : Tunnel.upgrade;
}

/** Whether the route ends this request's HTTP here: its data goes to the upstream as plain TCP. */
export function isTerminated(route: RouteEntry, headers: HeaderMap, tunnel: number): boolean {
  const connect = route.connect;
  if (connect === null) return false;
  return tunnel === Tunnel.connect || (connect.allowPost && headers.methodLength === 4 && rangeEquals(headers.bytes, headers.methodOffset, 4, 'POST'));
}

/** Whether this status begins the tunnel. */
export function isEstablished(tunnel: number, status: number): boolean {
  return tunnel === Tunnel.connect ? status >= 200 && status < 300 : tunnel !== Tunnel.none && status === 101;
}

/** A WebSocket handshake needs headers only: an answer that is neither 101 nor an error is passed on without its body. */
export function isFailedHandshake(tunnel: number, status: number): boolean {
  return tunnel === Tunnel.webSocket && status !== 101 && status < 400;
}

/** Options of a local reply with these headers, their framing left out. Allocates. */
export function withoutBody(headers: HeaderMap): LocalReplyOptions {
  // The reply is made in the very map that holds them.
  const kept = headers.clone();
  kept.remove(HeaderId.contentLength);
  return {
    details: 'websocket_handshake_unsuccessful',
    modifyHeaders: (reply) => reply.copyFrom(kept),
  };
}
