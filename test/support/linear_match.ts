import type { MatchInput } from '../../core/matcher/match_input.ts';
import { NO_FAILURE } from '../../core/route/match_failure.ts';
import type { RouteEntry } from '../../core/route/route_entry.ts';
import type { VirtualHost } from '../../core/route/virtual_host.ts';

/** First match by asking one route after the other: what the compiled index must agree with. The input must have been prepared by a match. */
export function matchLinearly(virtualHost: VirtualHost, input: MatchInput): RouteEntry | null {
  const routes = virtualHost.routes;
  for (let i = 0; i < routes.length; i++) if (routes[i].firstFailure(input) === NO_FAILURE) return routes[i];
  return null;
}
