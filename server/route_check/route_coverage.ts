/** How much of a route table the tests that passed have touched (Envoy docs: router_check, Coverage). */
import { type RouteEntry, RouteKind } from '../../core/route/route_entry.ts';
import type { RouteEntryConfig } from '../../core/route/route_config.ts';
import type { RouteTable } from '../../core/route/route_table.ts';

/** What can be checked of a route that forwards, and of one that answers itself. */
const FORWARDING_FIELDS: readonly string[] = ['cluster_name', 'virtual_cluster_name', 'virtual_host_name', 'path_rewrite', 'host_rewrite'];
const ANSWERING_FIELDS: readonly string[] = ['path_redirect', 'code_redirect'];

export interface UncoveredRoute {
  readonly virtualHostName: string;
  readonly route: RouteEntryConfig;
}

export class RouteCoverage {
  private readonly table: RouteTable;
  private readonly covered = new Map<RouteEntry, Set<string>>();

  constructor(table: RouteTable) {
    this.table = table;
  }

  /** A field of a route (of a weighted cluster, where it has those) was as expected. */
  mark(route: RouteEntry, field: string): void {
    const fields = this.covered.get(route) ?? new Set();
    fields.add(field);
    this.covered.set(route, fields);
  }

  /** Percent of the routes of which something was checked; weighted clusters count one by one. */
  percent(): number {
    return (100 * this.covered.size) / this.total();
  }

  /** Percent of everything that could be checked of all routes. */
  comprehensivePercent(): number {
    let sum = 0;
    for (const [route, fields] of this.covered) {
      const possible = route.kind === RouteKind.route ? FORWARDING_FIELDS : ANSWERING_FIELDS;
      sum += possible.filter((field) => fields.has(field)).length / possible.length;
    }
    return (100 * sum) / this.total();
  }

  /** Routes of which nothing was checked, in order. */
  uncovered(): UncoveredRoute[] {
    const touched = new Set([...this.covered.keys()].map((route) => route.config));
    return this.table.virtualHosts.flatMap((host) =>
      host.routes.map((route) => route.config).filter((route) => !touched.has(route)).map((route) => ({ virtualHostName: host.name, route })));
  }

  private total(): number {
    let count = 0;
    for (const host of this.table.virtualHosts) {
      for (const { config: { action } } of host.routes) {
        count += action.kind === 'route' && action.cluster.kind === 'weighted' ? action.cluster.clusters.length : 1;
      }
    }
    return count;
  }
}
