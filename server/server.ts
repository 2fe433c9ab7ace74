/**
 * The server: what the main thread is. Brings everything up in Envoy's order, stays to answer the admin interface, and takes
 * everything down again.
 *
 *     PRE_INITIALIZING --all clusters had their first answer--> INITIALIZING --every worker serves--> LIVE <--> DRAINING
 *
 * Knows no `process.exit`: `run` resolves to the exit code. Several servers may live in one process.
 */
import type { LogFile } from '../core/log/file_log_output.ts';
import type { Logger, SharedLog } from '../core/log/logger.ts';
import type { LogLevels } from '../core/log/log_levels.ts';
import { createTimer, type Scheduler } from '../core/event/scheduler.ts';
import type { DnsResolver } from '../core/network/dns_resolver.ts';
import type { FactoryRegistry } from '../core/registry/factory_registry.ts';
import type { Snapshot } from '../core/snapshot/snapshot.ts';
import { RuntimeSnapshot, type RuntimeFraction, type RuntimeValues } from '../core/runtime/runtime_snapshot.ts';
import { createSharedSlabs, ServerFact, type SharedSlabs } from '../core/shared_memory/layout.ts';
import type { StatsScope } from '../core/stats/stats.ts';
import type { DnsConfig } from '../core/upstream/cluster_config.ts';
import { RingSinkProvider } from '../core/access_log/ring_sink.ts';
import { FlushHandle } from '../workers/main/flush_handle.ts';
import { createHeartbeats } from '../workers/protocol/heartbeats.ts';
import { AdminAccessLog } from './admin_access_log.ts';
import type { BuildInfo } from './bootstrap/build_info.ts';
import type { Options } from './bootstrap/options.ts';
import { optionsJson } from './bootstrap/options_json.ts';
import { ClusterCertificates } from './clusters/cluster_certificates.ts';
import { ClusterManager } from './clusters/cluster_manager.ts';
import { clusterStatus } from './clusters/cluster_status.ts';
import { HostIds } from './clusters/host_ids.ts';
import { HostSlabs } from './clusters/host_table.ts';
import { ClusterTemplates } from './clusters/cluster_templates.ts';
import type { ManagedCluster } from './clusters/managed_cluster.ts';
import type { AdminConfig, NodeConfig, ServerConfig } from './config/server_config.ts';
import { createDnsResolver } from './dns/create_resolver.ts';
import { type ReadTextFile, SystemDnsFiles } from './dns/system_dns_files.ts';
import { DnsStats } from './dns/system_dns_resolver.ts';
import type { ConfigOrigin } from './explain/explain_task.ts';
import { ExplainThread } from './explain/explain_thread.ts';
import { processFacts } from './explain/process_facts.ts';
import { DrainManager } from './drain/drain_manager.ts';
import { endpointsSection } from './endpoints_dump.ts';
import type {
  ClusterStatus, ConfigDumpSection, DrainOptions, ExplainAnswer, ExplainRequest, Instance, JsonObject, ListenerStatus, LoggingControl, ProfileKind, ServerState, UnreadyTargets,
} from './instance.ts';
import type { HealthCheckEnvironment } from './health_checks/cluster_health_checker.ts';
import { probersFor } from './health_checks/create_prober.ts';
import { CheckFormats } from './health_checks/check_formats.ts';
import { HealthCheckEventLog } from './health_checks/event_log.ts';
import { ListenerManager } from './listeners/listener_manager.ts';
import { effectiveNode, nodeJson } from './node_json.ts';
import { OutlierEventLog } from './outlier_detection/event_log.ts';
import { RuntimeManager } from './runtime/runtime_manager.ts';
import { startsDraining } from './server_flags.ts';
import { EndpointStats } from './stats/endpoint_stats.ts';
import { createMainStats, type MainStats } from './stats/main_stats.ts';
import { createFilesystemStats, isListenerConnectionGauge, ServerStats } from './stats/server_stats.ts';
import { StatsFlusher } from './stats/stats_flusher.ts';
import type { StatsView } from '../core/stats/stats_view.ts';
import { Guarddog } from './watchdog/guarddog.ts';
import { WorkerSupervisor } from './worker_supervisor.ts';
import { collectStartupGarbage } from './lifecycle/startup_garbage.ts';

/** Values of ServerFact.state and `server.state`. */
const STATE_CODES: Readonly<Record<ServerState, number>> = { LIVE: 0, DRAINING: 1, PRE_INITIALIZING: 2, INITIALIZING: 3 };

/** Whether service_name_matcher of health checks is looked at. */
const VERIFY_CLUSTER: RuntimeFraction = { defaultValue: { numerator: 100, denominator: 100 }, runtimeKey: 'health_check.verify_cluster' };

/** Milliseconds that writing out access logs may take when the process ends. */
const FLUSH_MAX_MS = 5000;
/** Pause between being live and the collection of what starting left behind (ms). */
const STARTUP_GARBAGE_DELAY_MS = 300;

/** The running admin interface, as the server uses it. */
export interface RunningAdmin {
  /** Where it is bound: `127.0.0.1:9901`. */
  readonly address: string;
  close(): Promise<void>;
}

/** What the server cannot do by itself. */
export interface ServerEnvironment {
  readonly scheduler: Scheduler;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly readTextFile: ReadTextFile;
  /** Replaces a file's content. Throws when it cannot. */
  readonly writeTextFile: (path: string, text: string) => void;
  /** Binds the admin interface. Rejects when it cannot. */
  readonly startAdmin: (instance: Instance, config: AdminConfig) => Promise<RunningAdmin>;
  readonly workerEntry: URL;
  readonly flushEntry: URL;
  /** The module that answers /explain (server/explain/explain_thread.ts). */
  readonly explainEntry: URL;
  /** Ends the process at once, for the watchdog. */
  readonly abort: () => void;
  /** Replaces discovery by name servers, in tests. */
  readonly createResolver?: (dns: DnsConfig) => DnsResolver;
}

/** What the server is made of. */
export interface ServerParts {
  readonly options: Options;
  readonly config: ServerConfig;
  readonly backend: 'ring' | 'portable';
  readonly build: BuildInfo;
  readonly registry: FactoryRegistry;
  readonly log: Logger;
  readonly logLevels: LogLevels;
  readonly logFile: LogFile;
  readonly sharedLog: SharedLog;
  readonly environment: ServerEnvironment;
  /** Sections of `/config_dump`. */
  readonly configDump: () => Promise<readonly ConfigDumpSection[]>;
  readonly configOrigin: ConfigOrigin;
  /** Fields of the bootstrap that the API does not know. */
  readonly unknownFieldCount: number;
  readonly startTimeMs: number;
}

export class Server implements Instance {
  readonly version: string;
  readonly hotRestartVersion = 'disabled';
  readonly startTimeMs: number;
  readonly stats: StatsView;
  readonly statsScope: StatsScope;
  readonly flushStatsOnAdmin: boolean;
  readonly logging: LoggingControl;
  readonly runtime: RuntimeManager;

  private readonly parts: ServerParts;
  private readonly log: Logger;
  private readonly scheduler: Scheduler;
  private readonly nodeConfig: NodeConfig;
  private readonly mainStats: MainStats;
  private readonly clusterCertificates: ClusterCertificates;
  private readonly serverStats: ServerStats;
  private readonly flusher: StatsFlusher;
  private readonly slabs: SharedSlabs;
  private readonly facts: Int32Array;
  private readonly hostIds = new HostIds();
  private readonly hostSlabs: HostSlabs;
  private readonly drain: DrainManager;
  private readonly clusterManager: ClusterManager;
  private readonly listenerManager: ListenerManager;
  private readonly flush: FlushHandle;
  private readonly workers: WorkerSupervisor;
  private readonly guarddog: Guarddog;
  private readonly heartbeats = createHeartbeats();
  private readonly explainThread: ExplainThread;
  private runtimeValues: RuntimeValues;
  private runtimeSnapshot: RuntimeSnapshot;
  private readonly ended: Promise<number>;
  private endWith: (code: number) => void = () => {};
  /** Resolves to the exit code of init_only. */
  private readonly clustersReady: Promise<number>;
  private markClustersReady: (code: number) => void = () => {};
  private admin: RunningAdmin | undefined;
  private adminAccessLog: AdminAccessLog | undefined;
  private sinks: RingSinkProvider | undefined;
  logExchange: Instance['logExchange'] = undefined;
  private phase: 'PRE_INITIALIZING' | 'INITIALIZING' | 'LIVE' = 'PRE_INITIALIZING';
  private areListenersOpen = false;
  private hasPublished = false;
  private isGarbageCollected = false;
  private isEnding = false;

  constructor(parts: ServerParts) {
    const { config, options, environment, log } = parts;
    this.parts = parts;
    this.log = log;
    this.scheduler = environment.scheduler;
    this.startTimeMs = parts.startTimeMs;
    this.version = parts.build.text;
    this.nodeConfig = effectiveNode(config.node, options);
    this.ended = new Promise((resolve) => {
      this.endWith = resolve;
    });
    this.clustersReady = new Promise((resolve) => {
      this.markClustersReady = resolve;
    });
    this.mainStats = createMainStats(config.stats);
    this.stats = this.mainStats.registry;
    this.statsScope = this.mainStats.scope;
    this.flushStatsOnAdmin = config.stats.flushOnAdmin;
    this.slabs = createSharedSlabs(options.concurrency);
    this.facts = new Int32Array(this.slabs.serverFacts);
    this.hostSlabs = new HostSlabs(this.slabs, () => this.scheduler.wallMs());
    this.drain = new DrainManager(this.facts, this.scheduler, { drainTimeSec: options.drainTimeSec, strategy: options.drainStrategy });
    this.setPhase('PRE_INITIALIZING');
    this.clusterCertificates = new ClusterCertificates(parts.config.clusters.map(({ config }) => config));
    this.serverStats = this.createServerStats();
    this.flusher = this.createFlusher();
    this.logging = parts.logLevels;
    const runtime = new RuntimeManager(config.runtimeLayers, this.statsScope, this.nodeConfig.cluster, (values) => this.onRuntimeChanged(values));
    this.runtime = runtime;
    this.runtimeValues = runtime.values();
    this.runtimeSnapshot = new RuntimeSnapshot(this.runtimeValues);
    this.flush = this.createFlushHandle();
    this.clusterManager = this.createClusterManager();
    this.mainStats.registry.endpoints = new EndpointStats(() => this.clusterManager.endpointClusters(), this.hostSlabs, this.mainStats.fixedTags);
    this.listenerManager = new ListenerManager({
      backend: parts.backend, workerCount: options.concurrency, stats: this.statsScope, log: log.of('config'),
    });
    this.workers = this.createWorkers();
    this.guarddog = this.createGuarddog();
    this.explainThread = new ExplainThread(parts.environment.explainEntry);
  }

  /** Brings the server up and keeps it until it is told to end. Resolves to the exit code; rejects when it cannot start. */
  async run(): Promise<number> {
    try {
      await this.start();
      return await (this.parts.options.mode === 'init_only' ? Promise.race([this.clustersReady, this.ended]) : this.ended);
    } finally {
      await this.close();
      this.log.info('exiting');
    }
  }

  private async start(): Promise<void> {
    const { config, options } = this.parts;
    // Threads take a while to stand: they do so while main goes on. They serve nothing before the first snapshot.
    if (options.mode === 'serve') {
      this.runtime.watch();
      this.workers.start();
    }
    this.log.info(`runtime: ${JSON.stringify(Object.fromEntries(config.runtimeLayers.map((layer) => [layer.name, layer.values])))}`);
    if (startsDraining(config.flagsPath, this.log)) this.failHealthCheck(true);
    await this.startAdmin();
    const configLog = this.log.of('config');
    configLog.info('loading tracing configuration');
    configLog.info('loading 0 static secret(s)');
    configLog.info(`loading ${config.clusters.length} cluster(s)`);
    configLog.info(`loading ${config.listeners.length} listener(s)`);
    for (const listener of config.listeners) await this.listenerManager.add(listener);
    this.areListenersOpen = true;
    configLog.info('loading stats configuration');
    this.log.of('runtime').info('RTDS has finished initialization');
    await this.clusterManager.start(config.clusters.map((cluster, id) => ({ id, config: cluster.config, discovery: cluster.discovery, health: cluster.health, outliers: cluster.outliers })));
    if (options.mode !== 'serve' || this.isEnding) return;
    this.guarddog.start();
    this.flusher.start();
    this.log.info('starting main dispatch loop');
  }

  private async startAdmin(): Promise<void> {
    const { config, options, environment } = this.parts;
    if (config.admin.address === null) {
      this.log.warning('No admin address given, so no admin HTTP server started.');
      return;
    }
    this.createAdminAccessLog();
    this.admin = await environment.startAdmin(this, config.admin);
    this.log.of('admin').info(`admin address: ${this.admin.address}`);
    if (options.adminAddressPath === '') return;
    try {
      environment.writeTextFile(options.adminAddressPath, this.admin.address);
    } catch (error) {
      this.log.critical(`cannot open admin address output file '${options.adminAddressPath}' for writing: ${String(error)}`);
    }
  }

  private createAdminAccessLog(): void {
    const { config, environment, registry } = this.parts;
    const { accessLogs } = config.admin;
    if (accessLogs.length === 0) return;
    const log = new AdminAccessLog({
      configs: accessLogs, registry, sinks: this.mainSinks(), runtime: this.runtimeValues, nowWallMs: () => this.scheduler.wallMs(),
      random: () => Math.floor(environment.random() * 0x1_0000_0000),
    });
    this.adminAccessLog = log;
    this.logExchange = (exchange) => log.log(exchange);
  }

  /** Every cluster has had its first answer: listeners may serve. */
  private onClustersInitialized(): void {
    this.markClustersReady(0);
    this.setPhase('INITIALIZING');
    if (this.parts.options.mode !== 'serve' || this.isEnding) return;
    this.log.warning(
      'There is no configured limit to the number of allowed active downstream connections. Configure a limit in ' +
        '`envoy.resource_monitors.global_downstream_max_connections` resource monitor',
    );
    this.log.info('all clusters initialized. initializing init manager');
    this.log.of('config').info('all dependencies initialized. starting workers');
    this.publish();
  }

  private publish(): void {
    this.hasPublished = true;
    this.workers.publish({
      listeners: this.listenerManager.forWorkers(),
      clusters: this.clusterManager.clusters().map((each) => ({ id: each.id, config: each.config, hosts: each.hostSet() })),
      runtime: this.runtimeValues,
      node: this.nodeForWorkers(),
      localCluster: this.localClusterForWorkers(),
    });
  }

  private nodeForWorkers(): Snapshot['node'] {
    const { id, cluster, zone } = this.nodeConfig;
    return { id, cluster, zone };
  }

  private localClusterForWorkers(): Snapshot['localCluster'] {
    const { localClusterName: name } = this.parts.config;
    const { region, zone, subZone } = this.nodeConfig;
    return name === '' ? undefined : { name, region, zone, subZone };
  }

  private onAllServing(): void {
    this.setPhase('LIVE');
    this.listenerManager.setWorkersStarted();
    this.serverStats.stats.initialization_time_ms.record(this.scheduler.wallMs() - this.startTimeMs);
    this.serverStats.update();
    this.log.debug(`all ${this.parts.options.concurrency} workers serve`);
    if (this.isGarbageCollected) return;
    this.isGarbageCollected = true;
    // Behind whatever the start still has to do on this thread.
    setTimeout(collectStartupGarbage, STARTUP_GARBAGE_DELAY_MS).unref();
  }

  private onRuntimeChanged(values: RuntimeValues): void {
    this.runtimeValues = values;
    this.runtimeSnapshot = new RuntimeSnapshot(values);
    this.clusterManager.applyRuntime();
    this.adminAccessLog?.applyRuntime(values);
    if (this.hasPublished) this.publish();
  }

  private onHostsChanged(cluster: ManagedCluster): void {
    if (this.hasPublished) this.workers.updateHosts(cluster.id, cluster.hostSet());
  }

  private setPhase(phase: 'PRE_INITIALIZING' | 'INITIALIZING' | 'LIVE'): void {
    this.phase = phase;
    this.facts[ServerFact.state] = STATE_CODES[this.state()];
  }

  /** Ends in order: no new work, workers, clusters, what they logged, then what else main holds. */
  private async close(): Promise<void> {
    this.isEnding = true;
    this.guarddog.close();
    this.runtime.close();
    this.flusher.stop();
    this.drain.close();
    await this.workers.shutDown();
    // It logs, too: what it says about the health of hosts.
    this.clusterManager.close();
    await this.flush.shutDown(FLUSH_MAX_MS);
    this.listenerManager.close();
    await this.admin?.close();
    await this.explainThread.close();
  }

  // ---- made once, in the constructor ----

  private createServerStats(): ServerStats {
    const { options, build, unknownFieldCount } = this.parts;
    createFilesystemStats(this.statsScope).write_total_buffered.add(0);
    const facts = {
      state: () => this.state(),
      uptimeSec: () => Math.floor((this.scheduler.wallMs() - this.startTimeMs) / 1000),
      isLive: () => this.phase === 'LIVE' && !this.drain.isHealthCheckFailed,
      totalConnections: () => this.mainStats.registry.sumOfGauges(isListenerConnectionGauge),
      daysUntilFirstCertExpires: () => this.clusterCertificates.daysUntilFirstExpires(this.scheduler.wallMs()),
    };
    const stats = new ServerStats(this.statsScope, facts, options.concurrency, this.parts.config.versionOverride ?? build.number);
    stats.stats.static_unknown_fields.add(unknownFieldCount);
    return stats;
  }

  private createFlusher(): StatsFlusher {
    const { config } = this.parts;
    return new StatsFlusher({
      registry: this.mainStats.registry,
      createTimer: (callback) => createTimer(this.scheduler, callback),
      intervalMs: config.stats.flushOnAdmin ? undefined : config.stats.flushIntervalMs,
      beforeFlush: () => this.serverStats.update(),
      onDropped: () => this.serverStats.stats.dropped_stat_flushes.inc(),
      sinks: [],
    });
  }

  private createClusterManager(): ClusterManager {
    const { environment } = this.parts;
    const dnsStats = new DnsStats(this.statsScope);
    const files = new SystemDnsFiles(environment.readTextFile);
    const createResolver = environment.createResolver
      ?? ((dns: DnsConfig) => createDnsResolver(dns, files, dnsStats, environment.random));
    const templates = new ClusterTemplates(this.parts.registry);
    const { registry } = this.mainStats;
    return new ClusterManager(
      {
        discovery: { scheduler: this.scheduler, random: environment.random, createResolver },
        outliers: {
          scheduler: this.scheduler, random: environment.random, slabs: this.hostSlabs, runtime: () => this.runtimeSnapshot, eventLog: this.createOutlierLog(),
        },
        hostIds: this.hostIds, hostSlabs: this.hostSlabs, facts: new Int32Array(this.slabs.clusterFacts),
        stats: this.statsScope, declareStats: (prefix, config, values) => registry.declare(prefix, templates.of(config), values), circuits: this.slabs.circuits.map((slab) => new Int32Array(slab)), log: this.log.of('upstream'),
        healthChecks: this.healthCheckEnvironment(),
      },
      {
        onHostsChanged: (cluster) => this.onHostsChanged(cluster), onHealthChanged: (cluster) => this.workers.healthChanged(cluster.id),
        onHashTables: (cluster, tables) => this.workers.setHashTables(cluster.id, tables), onInitialized: () => this.onClustersInitialized(),
      },
    );
  }

  private healthCheckEnvironment(): HealthCheckEnvironment {
    const { environment } = this.parts;
    const formats = new CheckFormats(() => this.scheduler.wallMs(), () => Math.floor(environment.random() * 2 ** 32));
    // The operator may change runtime: each check asks the snapshot of its time.
    const verifiesCluster = () => this.runtimeSnapshot.featureEnabled(VERIFY_CLUSTER, Math.floor(environment.random() * 100));
    const probes = { scheduler: this.scheduler, verifiesCluster, formats, registry: this.parts.registry };
    return {
      scheduler: this.scheduler, random: environment.random,
      runtimeInteger: (key, fallback) => this.runtimeSnapshot.getInteger(key, fallback),
      probersFor: (cluster, scope) => probersFor(cluster, scope, probes),
      events: new HealthCheckEventLog({ sink: (destination) => this.mainSinks().sink(destination) }, () => this.scheduler.wallMs()),
    };
  }

  /** Rings of main's own: to the flush thread main is one more worker. */
  private mainSinks(): RingSinkProvider {
    this.sinks ??= new RingSinkProvider((destination, memory) => this.flush.addRing(this.parts.options.concurrency, destination, memory));
    return this.sinks;
  }

  private createOutlierLog(): OutlierEventLog | null {
    const { config } = this.parts;
    return config.outlierLogPath === '' ? null : new OutlierEventLog(this.mainSinks().sink(config.outlierLogPath));
  }

  private createFlushHandle(): FlushHandle {
    const { options, environment, sharedLog, logFile } = this.parts;
    let threadStats = this.mainStats.registry.connectThread();
    return new FlushHandle(
      {
        entry: environment.flushEntry,
        data: {
          flushIntervalMs: options.fileFlushIntervalMs, flushBytes: options.fileFlushMinSizeKb * 1024, log: sharedLog, logOutput: logFile.buffer,
        },
        nowMs: () => this.scheduler.nowMs(),
      },
      {
        onNewStats: (announcement) => threadStats.apply(announcement),
        onDeath: (cause) => {
          this.log.of('file').critical(`access-log flush thread died: ${cause}`);
          threadStats.disconnect();
          threadStats = this.mainStats.registry.connectThread();
        },
      },
    );
  }

  private createWorkers(): WorkerSupervisor {
    const { options, config, environment, sharedLog, logFile, backend } = this.parts;
    const { mainWatchdog } = config;
    return new WorkerSupervisor({
      entry: environment.workerEntry, count: options.concurrency, slabs: this.slabs, registry: this.mainStats.registry,
      stats: this.statsScope, scheduler: this.scheduler, log: this.log, hostIdEnd: () => this.hostIds.end,
      data: {
        io: backend, slabs: this.slabs, log: sharedLog, logOutput: logFile.buffer, heartbeats: this.heartbeats,
        mainKillAfterMs: mainWatchdog.killMs, statsMatcher: config.stats.matcher,
      },
      onAllServing: () => this.onAllServing(),
      onNewLogRing: (workerIndex, destination, memory) => this.flush.addRing(workerIndex, destination, memory),
      onOutlier: (report) => this.clusterManager.onOutlier(report),
      onDestination: (report) => this.clusterManager.onDestination(report),
      onDeath: (workerIndex) => this.flush.retireRings(workerIndex),
      onGivenUp: () => this.endWith(1),
    });
  }

  private createGuarddog(): Guarddog {
    const { options, config, environment } = this.parts;
    return new Guarddog({
      words: new Int32Array(this.heartbeats), main: config.mainWatchdog, workers: config.workerWatchdog, workerCount: options.concurrency,
      isWatched: (workerIndex) => this.workers.isServing(workerIndex), stats: this.statsScope, scheduler: this.scheduler,
      random: environment.random, log: this.log, kill: environment.abort,
    });
  }

  // ---- Instance: what the admin interface asks and orders ----

  nowMs(): number {
    return this.scheduler.wallMs();
  }

  state(): ServerState {
    return this.phase === 'LIVE' && this.drain.isHealthCheckFailed ? 'DRAINING' : this.phase;
  }

  commandLineOptions(): JsonObject {
    return optionsJson(this.parts.options);
  }

  node(): JsonObject {
    return nodeJson(this.nodeConfig, this.parts.build, this.parts.registry);
  }

  async flushStats(): Promise<void> {
    await this.flusher.flush();
  }

  listeners(): readonly ListenerStatus[] {
    return this.listenerManager.status();
  }

  clusters(): Iterable<ClusterStatus> {
    const sorted = this.clustersByName();
    const { hostSlabs, runtimeSnapshot } = this;
    return {
      *[Symbol.iterator]() {
        for (const cluster of sorted) yield clusterStatus(cluster, hostSlabs, runtimeSnapshot);
      },
    };
  }

  private clustersByName(): ManagedCluster[] {
    return this.clusterManager.clusters().toSorted((a, b) => (a.config.name < b.config.name ? -1 : 1));
  }

  async configDump(includeEds: boolean): Promise<readonly ConfigDumpSection[]> {
    const sections = await this.parts.configDump();
    return includeEds ? [...sections, endpointsSection(this.clustersByName(), this.hostSlabs.health, ({ id, weight }) => this.hostSlabs.weight(id, weight))] : sections;
  }

  async explain(request: ExplainRequest): Promise<ExplainAnswer> {
    const published = this.workers.published();
    if (published === undefined) return { error: 'the configuration has not reached the workers yet' };
    const { configOrigin, config } = this.parts;
    return this.explainThread.ask({
      request, ...published, ...processFacts(config, this.listenerManager.status(), this.hostSlabs),
      runtime: this.runtimeValues, node: this.nodeForWorkers(), origin: configOrigin, wallMs: this.scheduler.wallMs(),
    });
  }

  unreadyTargets(): readonly UnreadyTargets[] {
    const clusters = this.clusterManager.uninitialized().map((name) => `Cluster ${name}`);
    return clusters.length === 0 ? [] : [{ name: 'init manager Server', targetNames: clusters }];
  }

  certificates(): readonly JsonObject[] {
    return this.clusterCertificates.json(this.scheduler.wallMs());
  }

  failHealthCheck(failed: boolean): void {
    this.drain.failHealthCheck(failed);
    this.setPhase(this.phase);
  }

  drainListeners({ inboundOnly, graceful, skipExit }: DrainOptions): void {
    if (!graceful) {
      this.stopListeners(inboundOnly);
      return;
    }
    this.drain.startDrainSequence(inboundOnly, () => {
      if (!skipExit) this.stopListeners(inboundOnly);
    });
  }

  reopenLogs(): void {
    const error = this.parts.logFile.reopen();
    if (error !== undefined) this.log.error(`the process log could not be reopened: ${error.message}`);
    this.flush.reopen();
  }

  shutdown(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.log.info('shutting down server instance');
    this.log.info('main dispatch loop exited');
    this.endWith(0);
  }

  async saveProfile(kind: ProfileKind, content: string): Promise<void> {
    const configured = this.parts.config.admin.profilePath;
    const path = configured === '' ? '/var/log/envoy/envoy.prof' : configured;
    this.log.of('admin').debug(`saving a ${kind} profile to ${path}`);
    this.parts.environment.writeTextFile(path, content);
  }

  private stopListeners(inboundOnly: boolean): void {
    if (!this.areListenersOpen) return;
    const close = this.listenerManager.stop(inboundOnly);
    // The descriptors stay open until no worker watches them any more: their numbers must not be given to others before.
    this.workers.stopListening(inboundOnly, close);
  }
}
