import type { FaultDelay, FaultRateLimit } from '../../../../core/api/gen/envoy/extensions/filters/common/fault/v3/fault_pb.d.ts';
import type { FaultAbort, HTTPFault } from '../../../../core/api/gen/envoy/extensions/filters/http/fault/v3/fault_pb.d.ts';
import { durationMsOr } from '../../../../core/api/scalar_values.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import { HTTP_FILTER_CATEGORY, type HttpFilterFactory } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_ROUTE_CATEGORY, type HttpFilterContext } from '../../../../core/http/filter_context.ts';
import { parseHeaderMatcher } from '../../../../core/matcher/parse_matcher.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import { parseFractionalPercent } from '../../../../core/runtime/parse_runtime.ts';
import type { FaultAbortConfig, FaultConfig, FaultDelayConfig, FaultRateLimitConfig } from './fault_config.ts';
import { FaultFilter } from './fault_filter.ts';
import { FaultSettings } from './fault_settings.ts';
import { FaultShared } from './fault_stats.ts';

const NAME = 'envoy.filters.http.fault';
const TYPE = 'envoy.extensions.filters.http.fault.v3.HTTPFault';

/** envoy.filters.http.fault: delays, aborts and slow responses on purpose (docs: configuration/http/http_filters/fault_filter). */
const filterFactory: ExtensionFactory<FaultConfig, HttpFilterContext, HttpFilterFactory> = {
  category: HTTP_FILTER_CATEGORY,
  name: NAME,
  typeName: TYPE,
  parse: (message, context) => parseFault(message as HTTPFault, context),
  createFactory: (config, context) => {
    const shared = new FaultShared(context);
    const settings = new FaultSettings(config, context.names);
    return { createFilter: () => new FaultFilter(shared, settings), needsRequestHeaders: false };
  },
};

const routeFactory: ExtensionFactory<FaultConfig, HttpFilterContext, FaultSettings> = {
  category: HTTP_FILTER_ROUTE_CATEGORY,
  name: NAME,
  typeName: TYPE,
  parse: (message, context) => parseFault(message as HTTPFault, context),
  createFactory: (config, context) => new FaultSettings(config, context.names),
};

/** Adds the filter and its per-route configuration to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(filterFactory);
  registry.register(routeFactory);
}

function parseFault(message: HTTPFault, context: ParseContext): FaultConfig {
  return deepFreeze({
    delay: message.delay === undefined ? null : parseDelay(message.delay, context),
    abort: message.abort === undefined ? null : parseAbort(message.abort),
    responseRateLimit: message.responseRateLimit === undefined ? null : parseRateLimit(message.responseRateLimit),
    upstreamCluster: message.upstreamCluster,
    headers: message.headers.map((matcher) => parseHeaderMatcher(matcher, context)),
    downstreamNodes: [...message.downstreamNodes],
    maxActiveFaults: message.maxActiveFaults ?? -1,
    runtimeKeys: {
      delayPercent: message.delayPercentRuntime || 'fault.http.delay.fixed_delay_percent',
      abortPercent: message.abortPercentRuntime || 'fault.http.abort.abort_percent',
      delayDuration: message.delayDurationRuntime || 'fault.http.delay.fixed_duration_ms',
      abortHttpStatus: message.abortHttpStatusRuntime || 'fault.http.abort.http_status',
      abortGrpcStatus: message.abortGrpcStatusRuntime || 'fault.http.abort.grpc_status',
      maxActiveFaults: message.maxActiveFaultsRuntime || 'fault.http.max_active_faults',
      responseRateLimitPercent: message.responseRateLimitPercentRuntime || 'fault.http.rate_limit.response_percent',
    },
    disableDownstreamClusterStats: message.disableDownstreamClusterStats,
    filterMetadata: message.filterMetadata === undefined ? null : (structuredClone(message.filterMetadata) as Record<string, unknown>),
  });
}

function parseDelay(message: FaultDelay, context: ParseContext): FaultDelayConfig {
  const kind = message.faultDelaySecifier;
  // A presence-only message: naming it is all it says.
  if (kind.case === 'headerDelay') context.consume(message, 'header_delay');
  return {
    // Whole milliseconds, as the runtime override has.
    delayMs: kind.case === 'fixedDelay' ? Math.floor(durationMsOr(kind.value, 0)) : -1,
    percentage: parseFractionalPercent(message.percentage),
  };
}

function parseAbort(message: FaultAbort): FaultAbortConfig {
  const kind = message.errorType;
  return {
    httpStatus: kind.case === 'httpStatus' ? kind.value : -1,
    grpcStatus: kind.case === 'grpcStatus' ? kind.value : -1,
    isFromHeader: kind.case === 'headerAbort',
    percentage: parseFractionalPercent(message.percentage),
  };
}

function parseRateLimit(message: FaultRateLimit): FaultRateLimitConfig {
  const kind = message.limitType;
  return {
    limitKbps: kind.case === 'fixedLimit' ? Number(kind.value.limitKbps) : -1,
    percentage: parseFractionalPercent(message.percentage),
  };
}
