import type { RouteConfig, RouteEntryConfig, VirtualHostConfig } from '../../core/route/route_config.ts';
import { type RuntimeFraction, RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';

/** The runtime of a check: one key is on, by its default fraction; every other fraction is off. Weights are the configured ones. */
export class CheckRuntime extends RuntimeSnapshot {
  /** Of the test that runs; '' = none. */
  activeKey = '';

  constructor() {
    super({});
  }

  override featureEnabled(fraction: RuntimeFraction, random: number): boolean {
    return this.activeKey !== '' && fraction.runtimeKey === this.activeKey && super.featureEnabled(fraction, random);
  }
}

/** A fraction of 0 becomes 1, so that a test can reach its route with random_value 0 (Envoy docs: router_check, random_value). */
export function withReachableFractions(config: RouteConfig): RouteConfig {
  const virtualHosts = config.virtualHosts.map((host): VirtualHostConfig => ({ ...host, routes: host.routes.map(withReachableFraction) }));
  return { ...config, virtualHosts };
}

function withReachableFraction(route: RouteEntryConfig): RouteEntryConfig {
  const fraction = route.match.runtimeFraction;
  if (fraction === null || fraction.defaultValue.numerator !== 0) return route;
  const runtimeFraction: RuntimeFraction = { ...fraction, defaultValue: { ...fraction.defaultValue, numerator: 1 } };
  return { ...route, match: { ...route.match, runtimeFraction } };
}
