/** What a prober works with, in the hands of a test: time, and connections that do what the test says. */
import type { ProbeConnectionEvents, ProbeContext, ProbeCredentials } from '../../core/upstream/health_prober.ts';
import { createLocalStats } from './local_stats.ts';
import { SimulatedScheduler } from './simulated_scheduler.ts';

export class FakeProbeConnection {
  readonly events: ProbeConnectionEvents;
  written = '';
  isClosed = false;

  constructor(events: ProbeConnectionEvents) {
    this.events = events;
  }

  write(bytes: Uint8Array): void {
    this.written += Buffer.from(bytes).toString('latin1');
  }

  close(): void {
    this.isClosed = true;
  }

  /** Bytes of the host (latin1). */
  receive(text: string): void {
    this.events.onData(Buffer.from(text, 'latin1'));
  }
}

export class FakeProbeContext implements ProbeContext {
  readonly scheduler = new SimulatedScheduler();
  readonly connectTimeoutMs = 500;
  readonly reuseConnection: boolean;
  readonly credentials: ProbeCredentials | null;
  readonly stats = createLocalStats();
  /** Counts of the host by field (HostStat). */
  readonly counts: number[] = [];
  readonly connections: FakeProbeConnection[] = [];
  /** Where each connection goes. */
  readonly asked: string[] = [];
  readonly traffic = {
    scope: this.stats.scope.scope('c'),
    count: (field: number, by: number) => {
      this.counts[field] = (this.counts[field] ?? 0) + by;
    },
    onCheckConnection: () => {},
  };

  constructor(reuseConnection = true, credentials: ProbeCredentials | null = null) {
    this.reuseConnection = reuseConnection;
    this.credentials = credentials;
  }

  connect(to: 'traffic' | 'checks', events: ProbeConnectionEvents): FakeProbeConnection {
    const connection = new FakeProbeConnection(events);
    this.connections.push(connection);
    this.asked.push(to);
    return connection;
  }

  /** The connection made last. */
  get last(): FakeProbeConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('nobody connected');
    return last;
  }

  /** Stats of the cluster that are not 0, without the prefix. */
  counted(): Record<string, number> {
    const all = this.stats.names().map((name) => [name.slice(2), this.stats.value(name) ?? 0] as const);
    return Object.fromEntries(all.filter(([, value]) => value !== 0));
  }
}
