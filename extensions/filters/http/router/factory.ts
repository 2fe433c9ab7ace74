import type { HttpFilterFactory, TimerTarget } from '../../../../core/http/filter.ts';
import type { HttpFilterContext } from '../../../../core/http/filter_context.ts';
import { type RouterConfig, RouterStats } from '../../../../core/router/router_context.ts';
import { HeaderMap } from '../../../../core/headers/header_map.ts';
import { RouterFilter } from '../../../../core/router/router_filter.ts';
import { createUpstreamFilters } from '../../../../core/router/create_upstream_filters.ts';
import { UpstreamLog } from '../../../../core/router/upstream_log.ts';

/** The router on this thread. */
export function createRouterFactory(config: RouterConfig, context: HttpFilterContext): HttpFilterFactory {
  let shadowStats: RouterStats | null = null;
  const upstreamLog = createUpstreamLog(config, context);
  const shared = {
    config, upstreamLog, upstreamFilters: config.upstreamFilters === null || config.upstreamFilters.length === 0 ? null : createUpstreamFilters(config.upstreamFilters, context), stats: new RouterStats(context.scope), clusters: context.clusters, names: context.names,
    strictHeaderIds: config.strictCheckHeaders.map((name) => context.names.intern(name)), runtime: context.runtime, turnSlab: context.slab, clock: context.clock,
    turn: context.turn, localAddress: context.localAddress, formatNeeds: context.formatEnvironment.needs, originalUrlId: context.names.intern('x-envoy-original-url'),
    reportException: (error: unknown) => context.dispatcher.reportException(error),
    createTimer: (target: TimerTarget) => context.createTimer(target),
    shadowStats: () => {
      shadowStats ??= new RouterStats(context.rootScope.scope('http.async-client'));
      return shadowStats;
    },
  };
  return { createFilter: () => new RouterFilter(shared), needsRequestHeaders: upstreamLog?.needsRequestHeaders === true, isTerminal: true };
}

function createUpstreamLog({ upstreamLog }: RouterConfig, context: HttpFilterContext): UpstreamLog | null {
  if (upstreamLog === null) return null;
  return new UpstreamLog(upstreamLog, {
    loggers: context.createAccessLoggers(upstreamLog.logs), clock: context.clock,
    newHeaders: () => new HeaderMap(context.names, context.turn), createTimer: (target) => context.createTimer(target),
  });
}
