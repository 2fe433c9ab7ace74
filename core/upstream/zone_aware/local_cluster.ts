import { HEALTH_GENERATION } from '../../shared_memory/layout.ts';
import type { HostConfig } from '../cluster_config.ts';
import { isDegradedHost, isExcludedHost, isHealthyHost } from '../host_health.ts';

/** Where something runs. */
export interface Place {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export function placeKey({ region, zone, subZone }: Place): string {
  return `${region}\0${zone}\0${subZone}`;
}

/** Healthy hosts of one place. */
interface PlaceCount {
  hosts: number;
  weight: number;
}

/** The cluster of which this process is one host, as zone-aware routing of other clusters sees it. Per worker. */
export class LocalCluster {
  readonly name: string;
  /** Of this process; '' where it has no locality. */
  readonly ownPlace: string;
  private readonly health: Int32Array;
  private hosts: readonly HostConfig[];
  private generation: number;
  private currentVersion: number;
  /** By placeKey; places whose hosts have all failed are there with 0. */
  private places: Map<string, PlaceCount>;
  private healthyHosts: PlaceCount;
  private available: number;
  private counted: number;

  constructor(name: string, place: Place, health: Int32Array) {
    this.name = name;
    this.ownPlace = place.region === '' && place.zone === '' && place.subZone === '' ? '' : placeKey(place);
    this.health = health;
    this.hosts = [];
    this.generation = -1;
    this.currentVersion = 0;
    this.places = new Map();
    this.healthyHosts = { hosts: 0, weight: 0 };
    this.available = 0;
    this.counted = 0;
  }

  setHosts(hosts: readonly HostConfig[]): void {
    this.hosts = hosts;
    this.count();
  }

  /** Another number whenever its hosts or their health are others. One load and a comparison. */
  version(): number {
    if (this.health[HEALTH_GENERATION] !== this.generation) this.count();
    return this.currentVersion;
  }

  /** Places that have hosts, healthy or not. */
  get placeCount(): number {
    return this.places.size;
  }

  /** Whether it has a host, healthy or not, where this process runs. */
  hasOwnPlace(): boolean {
    return this.places.has(this.ownPlace);
  }

  /** Healthy hosts of a place per 10,000 of all healthy ones, by number or by weight. */
  perTenThousand(place: string, isByWeight: boolean): number {
    const of = (count: PlaceCount): number => (isByWeight ? count.weight : count.hosts);
    const total = of(this.healthyHosts);
    const count = this.places.get(place);
    return total === 0 || count === undefined ? 0 : Math.floor((10_000 * of(count)) / total);
  }

  /** So few hosts are available that what they say does not count. `threshold` in percent. */
  isInPanic(threshold: number): boolean {
    return (this.counted === 0 ? 0 : (100 * this.available) / this.counted) < threshold;
  }

  private count(): void {
    const { health } = this;
    this.generation = health[HEALTH_GENERATION];
    this.currentVersion++;
    this.places = new Map();
    this.healthyHosts = { hosts: 0, weight: 0 };
    this.available = 0;
    this.counted = 0;
    for (const host of this.hosts) {
      const flags = health[host.id];
      const key = placeKey(host);
      let place = this.places.get(key);
      if (place === undefined) {
        place = { hosts: 0, weight: 0 };
        this.places.set(key, place);
      }
      if (!isExcludedHost(flags)) this.counted++;
      if (isDegradedHost(flags)) this.available++;
      if (!isHealthyHost(flags)) continue;
      this.available++;
      for (const count of [place, this.healthyHosts]) {
        count.hosts++;
        count.weight += host.weight;
      }
    }
  }
}
