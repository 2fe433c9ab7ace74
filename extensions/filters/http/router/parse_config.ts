import type { Router } from '../../../../core/api/gen/envoy/extensions/filters/http/router/v3/router_pb.d.ts';
import { parseAccessLogs } from '../../../../core/access_log/parse_access_log.ts';
import { durationMsOr } from '../../../../core/api/scalar_values.ts';
import type { AnyMessage, ParseContext } from '../../../../core/registry/parse_context.ts';
import type { RouterConfig } from '../../../../core/router/router_context.ts';
import type { UpstreamLogConfig } from '../../../../core/router/upstream_log.ts';

/** What ends every chain of upstream filters; alone it changes nothing. */
const UPSTREAM_CODEC = 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec';

/** Full message name of the router's configuration. */
export const ROUTER_TYPE = 'envoy.extensions.filters.http.router.v3.Router';

/** The whole message: spans are left unread. Frozen. */
export function parseRouter(message: Router, context: ParseContext): RouterConfig {
  refuseUpstreamFilters(message, context);
  return Object.freeze({
    suppressEnvoyHeaders: message.suppressEnvoyHeaders, respectExpectedRqTimeout: message.respectExpectedRqTimeout,
    dynamicStats: message.dynamicStats ?? true, suppressGrpcCodeStats: message.suppressGrpcRequestFailureCodeStats,
    strictCheckHeaders: Object.freeze(message.strictCheckHeaders.map((name) => name.toLowerCase())),
    upstreamLog: parseUpstreamLog(message, context),
  });
}

/** The options without a log have no effect: they are left unread then, which is reported. */
function parseUpstreamLog(message: Router, context: ParseContext): UpstreamLogConfig | null {
  if (message.upstreamLog.length === 0) return null;
  const logs = parseAccessLogs(message.upstreamLog, context);
  const options = message.upstreamLogOptions;
  return Object.freeze({ logs, logsReadyTries: options?.flushUpstreamLogOnUpstreamStream ?? false, intervalMs: durationMsOr(options?.upstreamLogFlushInterval, 0) });
}

function refuseUpstreamFilters(message: Router, context: ParseContext): void {
  const filters = message.upstreamHttpFilters;
  const [first] = filters;
  if (first === undefined) return;
  const any = first.configType.case === 'typedConfig' ? first.configType.value as AnyMessage : undefined;
  const isCodec = any?.typeUrl.endsWith(`/${UPSTREAM_CODEC}`) === true;
  if (filters.length > 1 || !isCodec) context.refuse(message, 'upstream_http_filters', 'upstream HTTP filters');
  else context.consume(message, 'upstream_http_filters');
}
