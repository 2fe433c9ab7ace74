import type { HttpFilterFactory } from '../../../../core/http/filter.ts';
import type { HttpFilterContext } from '../../../../core/http/filter_context.ts';
import { type RouterConfig, RouterFilter, RouterStats } from '../../../../core/router/router_filter.ts';

/** The router on this thread. */
export function createRouterFactory(config: RouterConfig, context: HttpFilterContext): HttpFilterFactory {
  const shared = {
    config, stats: new RouterStats(context.scope), clusters: context.clusters, names: context.names,
    strictHeaderIds: config.strictCheckHeaders.map((name) => context.names.intern(name)), runtime: context.runtime, turnSlab: context.slab, clock: context.clock,
  };
  return { createFilter: () => new RouterFilter(shared), needsRequestHeaders: false, isTerminal: true };
}
