/** A server for admin tests: real stats, everything else as told. */
import { DEFAULT_STATS_CONFIG, type StatsConfig } from '../../core/stats/stats_config.ts';
import type {
  ClusterStatus, ConfigDumpSection, DrainOptions, ExplainAnswer, ExplainRequest, HostStatus, Instance, JsonObject, ListenerStatus, ProfileKind, RuntimeControl, ServerState,
  UnreadyTargets,
} from '../../server/instance.ts';
import { createMainStats, type MainStats } from '../../server/stats/main_stats.ts';

/** Wall clock of every fake: 2026-01-02T03:04:05Z. */
export const FAKE_NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

export class FakeInstance implements Instance {
  readonly version = '0.1.0/test';
  readonly hotRestartVersion = 'disabled';
  readonly startTimeMs = FAKE_NOW_MS - 6000;
  readonly main: MainStats;
  flushStatsOnAdmin = false;
  serverState: ServerState = 'LIVE';
  listenerList: ListenerStatus[] = [];
  clusterList: ClusterStatus[] = [];
  sections: ConfigDumpSection[] = [];
  targets: UnreadyTargets[] = [];
  certificateList: JsonObject[] = [];
  levels = new Map<string, string>([['admin', 'info'], ['http', 'info'], ['main', 'info']]);
  runtimeControl: RuntimeControl = { layers: [], entries: () => [], hasAdminLayer: false, modify: () => undefined };
  logExchange: Instance['logExchange'] = undefined;
  /** What was asked for, in order: `drain {...}`, `shutdown`, ... */
  readonly calls: string[] = [];

  constructor(config: StatsConfig = DEFAULT_STATS_CONFIG) {
    this.main = createMainStats(config);
  }

  get stats() {
    return this.main.registry;
  }

  get statsScope() {
    return this.main.scope;
  }

  get runtime() {
    return this.runtimeControl;
  }

  readonly logging = {
    levels: () => [...this.levels].map(([logger, level]) => ({ logger, level })),
    setLevel: (logger: string, level: string) => this.levels.has(logger) && this.levels.set(logger, level) !== undefined,
    setAll: (level: string) => {
      for (const logger of this.levels.keys()) this.levels.set(logger, level);
    },
  };

  nowMs(): number {
    return FAKE_NOW_MS;
  }

  state(): ServerState {
    return this.serverState;
  }

  commandLineOptions(): JsonObject {
    return { base_id: '0', concurrency: 2, disabled_extensions: [] };
  }

  node(): JsonObject {
    return { id: 'n', cluster: '', extensions: [{ name: 'envoy.filters.http.router', disabled: false }] };
  }

  async flushStats(): Promise<void> {
    this.calls.push('flushStats');
    this.main.store.announce();
    await this.main.registry.mergeHistograms();
  }

  listeners(): readonly ListenerStatus[] {
    return this.listenerList;
  }

  clusters(): Iterable<ClusterStatus> {
    return this.clusterList;
  }

  async configDump(includeEds: boolean): Promise<readonly ConfigDumpSection[]> {
    return this.sections.filter((section) => includeEds || section.key !== 'endpoint');
  }

  unreadyTargets(): readonly UnreadyTargets[] {
    return this.targets;
  }

  certificates(): readonly JsonObject[] {
    return this.certificateList;
  }

  failHealthCheck(failed: boolean): void {
    this.calls.push(`failHealthCheck ${failed}`);
    this.serverState = failed ? 'DRAINING' : 'LIVE';
  }

  drainListeners(options: DrainOptions): void {
    this.calls.push(`drain ${JSON.stringify(options)}`);
  }

  reopenLogs(): void {
    this.calls.push('reopenLogs');
  }

  shutdown(): void {
    this.calls.push('shutdown');
  }

  async explain(request: ExplainRequest): Promise<ExplainAnswer> {
    this.calls.push(`explain ${JSON.stringify(request)}`);
    return request.url === '' ? { error: 'a URL is wanted' } : { text: request.isJson ? '{"verdict": {"kind": "forwarded"}}' : 'forwarded\n' };
  }

  async saveProfile(kind: ProfileKind, content: string): Promise<void> {
    this.calls.push(`saveProfile ${kind} ${Object.keys(JSON.parse(content) as object).join(',')}`);
  }
}

/** An address in both forms. */
export function fakeAddress(address: string, port: number) {
  return { text: `${address}:${port}`, json: { socket_address: { address, port_value: port } } };
}

/** A host that did nothing yet; `fields` say what is different. */
export function fakeHost(fields: Partial<HostStatus> = {}): HostStatus {
  return {
    address: fakeAddress('127.0.0.1', 18080), hostname: '', healthFlags: 0, weight: 1, region: '', zone: '', subZone: '',
    canary: false, priority: 0, successRate: -1, localOriginSuccessRate: -1,
    counts: { cxTotal: 0, cxActive: 0, cxConnectFail: 0, rqTotal: 0, rqActive: 0, rqSuccess: 0, rqError: 0, rqTimeout: 0 },
    ...fields,
  };
}

/** A static cluster with default limits. */
export function fakeCluster(name: string, hosts: readonly HostStatus[], fields: Partial<ClusterStatus> = {}): ClusterStatus {
  const limits = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };
  return {
    name, observabilityName: name, addedViaApi: false, edsServiceName: '', outlier: undefined,
    defaultPriority: limits, highPriority: limits, hosts, ...fields,
  };
}
