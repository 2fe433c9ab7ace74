import type { Router } from '../../../../core/api/gen/envoy/extensions/filters/http/router/v3/router_pb.d.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import type { RouterConfig } from '../../../../core/router/router_context.ts';

/** Full message name of the router's configuration. */
export const ROUTER_TYPE = 'envoy.extensions.filters.http.router.v3.Router';

/** The whole message: spans, upstream logs and upstream filters are left unread. Frozen. */
export function parseRouter(message: Router, context: ParseContext): RouterConfig {
  if (message.upstreamHttpFilters.length > 0) context.refuse(message, 'upstream_http_filters', 'upstream HTTP filters');
  return Object.freeze({
    suppressEnvoyHeaders: message.suppressEnvoyHeaders, respectExpectedRqTimeout: message.respectExpectedRqTimeout,
    dynamicStats: message.dynamicStats ?? true, suppressGrpcCodeStats: message.suppressGrpcRequestFailureCodeStats,
    strictCheckHeaders: Object.freeze(message.strictCheckHeaders.map((name) => name.toLowerCase())),
  });
}
