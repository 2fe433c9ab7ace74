import type { Host } from './host.ts';
import type { LevelChooser } from './host_chooser.ts';
import type { LoadBalancerContext } from './load_balancer.ts';
import type { PriorityCounts } from './priority_load.ts';

/**
 * A chooser that can be asked for hosts in advance (`peek`): what it said then, the following choices are, in that order, so that
 * connections made in advance are those that requests will use. For clusters with predictive preconnecting only.
 */
export class ForeseeingChooser implements LevelChooser {
  private readonly chooser: LevelChooser;
  /** Chosen already, for requests to come; the next one first. At most as many as there are healthy hosts. */
  private readonly chosen: Host[];
  private healthy: number;

  constructor(chooser: LevelChooser) {
    this.chooser = chooser;
    this.chosen = [];
    this.healthy = 0;
  }

  setHosts(byPriority: readonly (readonly Host[])[]): void {
    this.chosen.length = 0;
    this.chooser.setHosts(byPriority);
    this.countHealthy();
  }

  refresh(): void {
    this.chooser.refresh();
    this.countHealthy();
    // The choice was made when they were fit for requests.
    for (let i = this.chosen.length - 1; i >= 0; i--) if (!this.chosen[i].isHealthy()) this.chosen.splice(i, 1);
  }

  rebuild(): void {
    this.chooser.rebuild();
  }

  choose(context: LoadBalancerContext): Host | null {
    // A retry that wants another priority wants none of those.
    if (context.retryPriority === null) {
      const host = this.chosen.shift();
      if (host !== undefined) return host;
    }
    return this.chooser.choose(context);
  }

  /** The host of a request to come: each call looks one further ahead. Null when nobody can tell, or enough is known. */
  peek(context: LoadBalancerContext): Host | null {
    if (this.chosen.length >= this.healthy) return null;
    const { retryPriority } = context;
    context.retryPriority = null;
    context.isPeek = true;
    const host = this.chooser.choose(context);
    context.isPeek = false;
    context.retryPriority = retryPriority;
    if (host !== null) this.chosen.push(host);
    return host;
  }

  levelCounts(): readonly PriorityCounts[] {
    return this.chooser.levelCounts();
  }

  chooseAt(level: number, isDegraded: boolean, context: LoadBalancerContext): Host | null {
    return this.chooser.chooseAt(level, isDegraded, context);
  }

  private countHealthy(): void {
    this.healthy = this.chooser.levelCounts().reduce((sum, counts) => sum + counts.healthy, 0);
  }
}
