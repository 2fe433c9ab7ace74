import type { Router } from '../../../../core/api/gen/envoy/extensions/filters/http/router/v3/router_pb.d.ts';
import { parseAccessLogs } from '../../../../core/access_log/parse_access_log.ts';
import { durationMsOr } from '../../../../core/api/scalar_values.ts';
import { parseUpstreamFilters, ROUTER_UPSTREAM_CHAIN } from '../../../../core/http/parse_http_filters.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import type { RouterConfig } from '../../../../core/router/router_context.ts';
import type { UpstreamLogConfig } from '../../../../core/router/upstream_log.ts';

/** Full message name of the router's configuration. */
export const ROUTER_TYPE = 'envoy.extensions.filters.http.router.v3.Router';

/** The whole message: spans are left unread. Frozen. */
export function parseRouter(message: Router, context: ParseContext): RouterConfig {
  return Object.freeze({
    suppressEnvoyHeaders: message.suppressEnvoyHeaders, respectExpectedRqTimeout: message.respectExpectedRqTimeout,
    dynamicStats: message.dynamicStats ?? true, suppressGrpcCodeStats: message.suppressGrpcRequestFailureCodeStats,
    strictCheckHeaders: Object.freeze(message.strictCheckHeaders.map((name) => name.toLowerCase())),
    upstreamLog: parseUpstreamLog(message, context), upstreamFilters: parseUpstreamFilters(message, message.upstreamHttpFilters, ROUTER_UPSTREAM_CHAIN, context),
  });
}

/** The options without a log have no effect: they are left unread then, which is reported. */
function parseUpstreamLog(message: Router, context: ParseContext): UpstreamLogConfig | null {
  if (message.upstreamLog.length === 0) return null;
  const logs = parseAccessLogs(message.upstreamLog, context);
  const options = message.upstreamLogOptions;
  return Object.freeze({ logs, logsReadyTries: options?.flushUpstreamLogOnUpstreamStream ?? false, intervalMs: durationMsOr(options?.upstreamLogFlushInterval, 0) });
}
