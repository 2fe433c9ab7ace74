import type { HttpFilterFactory, TimerTarget } from '../../../../core/http/filter.ts';
import type { HttpFilterContext } from '../../../../core/http/filter_context.ts';
import { type RouterConfig, RouterStats } from '../../../../core/router/router_context.ts';
import { RouterFilter } from '../../../../core/router/router_filter.ts';

/** The router on this thread. */
export function createRouterFactory(config: RouterConfig, context: HttpFilterContext): HttpFilterFactory {
  let shadowStats: RouterStats | null = null;
  const shared = {
    config, stats: new RouterStats(context.scope), clusters: context.clusters, names: context.names,
    strictHeaderIds: config.strictCheckHeaders.map((name) => context.names.intern(name)), runtime: context.runtime, turnSlab: context.slab, clock: context.clock,
    turn: context.turn, localAddress: context.localAddress, formatNeeds: context.formatEnvironment.needs, originalUrlId: context.names.intern('x-envoy-original-url'),
    createTimer: (target: TimerTarget) => context.createTimer(target),
    shadowStats: () => {
      shadowStats ??= new RouterStats(context.rootScope.scope('http.async-client'));
      return shadowStats;
    },
  };
  return { createFilter: () => new RouterFilter(shared), needsRequestHeaders: false, isTerminal: true };
}
