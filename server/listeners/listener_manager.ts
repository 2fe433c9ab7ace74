/** The listeners of this process: opens their sockets before anything is promised, and knows where they are. Thread: main. */
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ListenerForWorkers } from '../../workers/main/snapshot_broadcaster.ts';
import { addressStatus } from '../address_status.ts';
import type { ListenerStatus } from '../instance.ts';
import { createListenerManagerStats, type ListenerManagerStats } from '../stats/server_stats.ts';
import { BindError } from './bind_error.ts';
import { type ListenSockets, openListenSockets } from './listen_sockets.ts';

interface ActiveListener {
  readonly id: number;
  readonly config: ListenerConfig;
  readonly sockets: ListenSockets;
  isStopped: boolean;
}

export interface ListenerManagerOptions {
  readonly backend: 'ring' | 'portable';
  readonly workerCount: number;
  /** Main's root scope. */
  readonly stats: StatsScope;
  readonly log: Logger;
}

export class ListenerManager {
  private readonly options: ListenerManagerOptions;
  private readonly stats: ListenerManagerStats;
  private readonly listeners: ActiveListener[] = [];
  private nextId = 1;

  constructor(options: ListenerManagerOptions) {
    this.options = options;
    this.stats = createListenerManagerStats(options.stats);
    for (const gauge of [this.stats.total_listeners_warming, this.stats.total_listeners_draining, this.stats.total_filter_chains_draining]) {
      gauge.set(0);
    }
  }

  /** Opens one listener's sockets. Rejects with a BindError. */
  async add(config: ListenerConfig): Promise<void> {
    const { backend, workerCount, log } = this.options;
    try {
      const sockets = await openListenSockets(config, backend, workerCount);
      this.listeners.push({ id: this.nextId++, config, sockets, isStopped: false });
    } catch (error) {
      this.stats.listener_create_failure.inc();
      if (error instanceof BindError) log.error(`listener '${config.name}' failed to bind or apply socket options: ${error.message}`);
      throw error;
    }
    this.stats.listener_added.inc();
    // Every worker creates its part of it.
    this.stats.listener_create_success.add(workerCount);
    this.stats.total_listeners_active.set(this.listeners.length);
  }

  /** Workers accept from now on. */
  setWorkersStarted(): void {
    this.stats.workers_started.set(1);
  }

  forWorkers(): readonly ListenerForWorkers[] {
    return this.listeners.map((listener) => ({
      listener: { id: listener.id, config: listener.config, boundAddresses: listener.sockets.boundAddresses },
      socketsFor: (workerIndex) => (listener.isStopped ? [] : listener.sockets.forWorker(workerIndex)),
    }));
  }

  /**
   * These listeners accept no more: whoever starts from now on gets no sockets. Returns what closes the sockets, to be called when
   * no worker uses them any more; then the kernel refuses new connections.
   */
  stop(inboundOnly: boolean): () => void {
    const stopped = this.listeners.filter((each) => !each.isStopped && (!inboundOnly || each.config.trafficDirection === 'inbound'));
    for (const listener of stopped) {
      listener.isStopped = true;
      this.stats.listener_stopped.inc();
    }
    return () => {
      for (const listener of stopped) listener.sockets.close();
    };
  }

  /** Listeners that still accept. */
  status(): readonly ListenerStatus[] {
    return this.listeners.filter((listener) => !listener.isStopped).map(({ config, sockets }) => ({
      name: config.name,
      addresses: sockets.boundAddresses.map(({ address, port }) => addressStatus(address, port)),
    }));
  }

  close(): void {
    for (const listener of this.listeners) listener.sockets.close();
    this.listeners.length = 0;
  }
}
