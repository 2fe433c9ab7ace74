import type { Counter, StatsScope } from '../../stats/stats.ts';

/** Counters `cluster.<name>.lb_zone_*` and what goes with them. */
export interface ZoneStats {
  readonly recalculated: Counter;
  readonly localNotOk: Counter;
  readonly tooSmall: Counter;
  readonly noCapacityLeft: Counter;
  readonly allDirectly: Counter;
  readonly sampled: Counter;
  readonly crossZone: Counter;
}

/** `scope`: `cluster.<name>`. */
export function createZoneStats(scope: StatsScope): ZoneStats {
  return {
    recalculated: scope.counter('lb_recalculate_zone_structures'), localNotOk: scope.counter('lb_local_cluster_not_ok'), tooSmall: scope.counter('lb_zone_cluster_too_small'),
    noCapacityLeft: scope.counter('lb_zone_no_capacity_left'), allDirectly: scope.counter('lb_zone_routing_all_directly'), sampled: scope.counter('lb_zone_routing_sampled'),
    crossZone: scope.counter('lb_zone_routing_cross_zone'),
  };
}
