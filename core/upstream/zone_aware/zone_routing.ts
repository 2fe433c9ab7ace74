import type { BalancerEnvironment } from '../balancer_environment.ts';
import type { Host } from '../host.ts';
import type { ZoneConfig } from '../locality_config.ts';
import { type LocalCluster, placeKey } from './local_cluster.ts';
import type { ZoneStats } from './zone_stats.ts';

/** Runtime key of `healthy_panic_threshold`, in percent. */
export const PANIC_KEY = 'upstream.healthy_panic_threshold';
const MIN_CLUSTER_SIZE_KEY = 'upstream.zone_routing.min_cluster_size';
const FORCE_LOCAL_KEY = 'upstream.zone_routing.force_local_zone.min_size';
const ENABLED_KEY = 'upstream.zone_routing.enabled';

/** Answers of `choose` beside the index of a place. */
export const ANYWHERE = -1;
export const NOWHERE = -2;

/** A cluster's hosts of one place, the first priority's. */
interface UpstreamPlace {
  readonly key: string;
  healthy: number;
  weight: number;
}

/** What a cluster does about zones. */
export interface ZoneSettings extends ZoneConfig {
  readonly failsOnPanic: boolean;
  /** Percent; a runtime key goes over it. */
  readonly panicThreshold: number;
}

/**
 * Where the requests of this process go, so that they stay in its own zone as far as all zones get their share: a zone sends as much
 * to itself as it has capacity for in proportion to the requests that come to it (its part of the local cluster), and what is left to
 * the zones that have more capacity than requests.
 *
 *     off (too few hosts or zones) | direct (all to the own zone) | residual (a part to the own zone, the rest elsewhere)
 */
export class ZoneRouting {
  private readonly settings: ZoneSettings;
  private readonly environment: BalancerEnvironment;
  private readonly local: LocalCluster;
  private readonly random: () => number;
  private readonly stats: ZoneStats;
  private places: UpstreamPlace[];
  private localVersion: number;
  private isOn: boolean;
  private isDirect: boolean;
  /** Per 10,000 requests: those that stay. */
  private localPart: number;
  /** By place, each added to the one before: how much more capacity it has than requests come to it. */
  private residual: Int32Array;

  constructor(settings: ZoneSettings, environment: BalancerEnvironment, local: LocalCluster, random: () => number, stats: ZoneStats) {
    this.settings = settings;
    this.environment = environment;
    this.local = local;
    this.random = random;
    this.stats = stats;
    this.places = [];
    this.localVersion = -1;
    this.isOn = false;
    this.isDirect = false;
    this.localPart = 0;
    this.residual = new Int32Array(0);
  }

  /** The hosts of the priority, and which of them are healthy. */
  setHosts(members: readonly Host[], isHealthy: (index: number) => boolean): void {
    const places = new Map<string, UpstreamPlace>();
    members.forEach((host, i) => {
      const key = placeKey(host.config);
      const place = places.get(key) ?? { key, healthy: 0, weight: 0 };
      places.set(key, place);
      if (!isHealthy(i)) return;
      place.healthy++;
      place.weight += host.weight;
    });
    this.places = orderedPlaces(this.local.ownPlace, [...places.values()]);
    this.localVersion = this.local.version();
    this.recalculate();
  }

  /** Index of the place (in the order of `groupByPlace`) that a request goes to, ANYWHERE or NOWHERE. */
  choose(): number {
    const { local, stats } = this;
    if (local.version() !== this.localVersion) {
      this.localVersion = local.version();
      this.recalculate();
    }
    if (!this.isOn) return ANYWHERE;
    const { routingEnabled, failsOnPanic, panicThreshold } = this.settings;
    const { runtime } = this.environment;
    const enabled = runtime.getInteger(ENABLED_KEY, routingEnabled);
    if (enabled < 100 && this.random() % 100 >= enabled) return ANYWHERE;
    if (local.isInPanic(Math.min(100, runtime.getInteger(PANIC_KEY, Math.round(panicThreshold))))) {
      stats.localNotOk.inc();
      return failsOnPanic ? NOWHERE : ANYWHERE;
    }
    if (this.isDirect) {
      stats.allDirectly.inc();
      return 0;
    }
    if (this.random() % 10_000 < this.localPart) {
      stats.sampled.inc();
      return 0;
    }
    stats.crossZone.inc();
    const { residual } = this;
    const total = residual[residual.length - 1];
    if (total === 0) {
      // By rounding only.
      stats.noCapacityLeft.inc();
      return this.random() % residual.length;
    }
    const threshold = this.random() % total;
    let i = 0;
    while (threshold >= residual[i]) i++;
    return i;
  }

  /** `hosts` by place, in the order of the places that `members` have; a place may have none of them. */
  groupByPlace(hosts: readonly Host[], members: readonly Host[]): Host[][] {
    const places = new Map<string, { readonly key: string; readonly hosts: Host[] }>();
    for (const { config } of members) if (!places.has(placeKey(config))) places.set(placeKey(config), { key: placeKey(config), hosts: [] });
    for (const host of hosts) places.get(placeKey(host.config))?.hosts.push(host);
    return orderedPlaces(this.local.ownPlace, [...places.values()]).map((place) => place.hosts);
  }

  private recalculate(): void {
    const { settings, local, places, stats } = this;
    stats.recalculated.inc();
    const forced = this.environment.runtime.getInteger(FORCE_LOCAL_KEY, 0) || settings.forceLocalMinSize;
    this.isOn = this.canRoute(forced > 0);
    if (!this.isOn) return;
    const hasOwn = places[0].key === local.ownPlace;
    const total = places.reduce((sum, place) => sum + (settings.isByWeight ? place.weight : place.healthy), 0);
    const upstream = places.map((place) => (total === 0 ? 0 : Math.floor((10_000 * (settings.isByWeight ? place.weight : place.healthy)) / total)));
    // Of a place without healthy hosts it does not matter what comes from there.
    const downstream = places.map((place) => (place.healthy === 0 ? 0 : local.perTenThousand(place.key, settings.isByWeight)));
    this.isDirect = hasOwn && ((upstream[0] > 0 && upstream[0] >= downstream[0]) || (forced > 0 && places[0].healthy >= forced));
    if (this.isDirect) return;
    this.localPart = hasOwn && downstream[0] > 0 ? Math.floor((upstream[0] * 10_000) / downstream[0]) : 0;
    this.residual = new Int32Array(places.length);
    let sum = 0;
    for (let i = 0; i < places.length; i++) {
      if (!(i === 0 && hasOwn)) sum += Math.max(0, upstream[i] - downstream[i]);
      this.residual[i] = sum;
    }
  }

  private canRoute(isForced: boolean): boolean {
    const { settings, local, places, stats } = this;
    if (places.length < 2 || (!isForced && local.placeCount < 2)) return false;
    if (!local.hasOwnPlace()) {
      stats.localNotOk.inc();
      return false;
    }
    const healthy = places.reduce((sum, place) => sum + place.healthy, 0);
    if (healthy >= this.environment.runtime.getInteger(MIN_CLUSTER_SIZE_KEY, settings.minClusterSize)) return true;
    stats.tooSmall.inc();
    return false;
  }
}

/** The own place first, the others in the order of their names. */
function orderedPlaces<T extends { readonly key: string }>(own: string, places: T[]): T[] {
  const rank = (place: T): number => (own !== '' && place.key === own ? 0 : 1);
  return places.sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
}
