/**
 * The server as the admin interface sees it. Implemented by the class that runs the main thread; the admin imports these
 * types and nothing else of `server/`. Everything is called on the main thread; nothing here blocks.
 *
 * JSON values use Envoy's proto JSON mapping with original field names (64-bit integers as strings, durations as "6s",
 * timestamps as RFC 3339), in the order in which they are to be printed.
 */
import type { StatsScope } from '../core/stats/stats.ts';
import type { StatsView } from '../core/stats/stats_view.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [field: string]: JsonValue;
}

/** envoy.admin.v3.ServerInfo.State. */
export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING';

/** An address in Envoy's JSON form: `{"socket_address": {...}}` or `{"pipe": {...}}`. */
export interface AddressStatus {
  /** As in stat names and text listings: `127.0.0.1:80`, `[::1]:80`, a path. */
  readonly text: string;
  readonly json: JsonObject;
}

export interface ListenerStatus {
  readonly name: string;
  /** Addresses really bound (port 0 resolved); the first is the listener's address. */
  readonly addresses: readonly AddressStatus[];
}

export interface CircuitBreakerLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

/** Sums over all workers. */
export interface HostCounts {
  readonly cxTotal: number;
  readonly cxActive: number;
  readonly cxConnectFail: number;
  readonly rqTotal: number;
  readonly rqActive: number;
  readonly rqSuccess: number;
  readonly rqError: number;
  readonly rqTimeout: number;
}

export interface HostStatus {
  readonly address: AddressStatus;
  readonly hostname: string;
  /** HostHealthFlag bits of core/shared_memory/layout.ts; 0 = healthy. */
  readonly healthFlags: number;
  readonly weight: number;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly canary: boolean;
  readonly priority: number;
  /** Percent, or -1 when outlier detection has no figure. */
  readonly successRate: number;
  readonly localOriginSuccessRate: number;
  readonly counts: HostCounts;
}

/** Success rates of a cluster with outlier detection; -1 where there is no figure. */
export interface OutlierStatus {
  readonly successRateAverage: number;
  readonly successRateEjectionThreshold: number;
  readonly localOriginSuccessRateAverage: number;
  readonly localOriginSuccessRateEjectionThreshold: number;
}

export interface ClusterStatus {
  readonly name: string;
  /** alt_stat_name, or the name. */
  readonly observabilityName: string;
  readonly addedViaApi: boolean;
  /** '' = none. */
  readonly edsServiceName: string;
  readonly outlier: OutlierStatus | undefined;
  readonly defaultPriority: CircuitBreakerLimits;
  readonly highPriority: CircuitBreakerLimits;
  /** Read while the answer is written, so a generator may make them one by one. */
  readonly hosts: Iterable<HostStatus>;
}

/** One resource in a configuration dump. */
export interface ConfigDumpItem {
  /** What name_regex is matched against. */
  readonly name: string;
  /** The item's message without "@type", secrets redacted, e.g. `{cluster: {"@type": ..., ...}, last_updated: ...}`.
   *  Called once per dump, just before it is printed. */
  json(): JsonObject;
}

/** One repeated field of a section. */
export interface ConfigDumpList {
  /** Proto field name, e.g. `static_clusters`. */
  readonly field: string;
  /** Message of the items without prefix, e.g. `envoy.admin.v3.ClustersConfigDump.StaticCluster`. */
  readonly itemTypeName: string;
  /** Empty lists are not printed. */
  readonly items: readonly ConfigDumpItem[];
}

/** One message of `/config_dump`. */
export interface ConfigDumpSection {
  /** Sections are printed in the order of their keys: bootstrap, clusters, endpoint, listeners, route_scopes, routes, secrets. */
  readonly key: string;
  /** Message without prefix, e.g. `envoy.admin.v3.ClustersConfigDump`. */
  readonly typeName: string;
  /** Singular fields that are set (`version_info`, `bootstrap`, `last_updated`), printed around the lists as in the proto:
   *  `version_info` before them, the rest after. */
  fields(): JsonObject;
  readonly lists: readonly ConfigDumpList[];
}

/** Log levels of the process log. Names as Envoy's: trace debug info warning error critical off. */
export interface LoggingControl {
  /** Every logger in registry order. */
  levels(): readonly { readonly logger: string; readonly level: string }[];
  /** Sets one logger's level on all threads. False: no such logger. */
  setLevel(logger: string, level: string): boolean;
  /** Sets all loggers on all threads. */
  setAll(level: string): void;
}

/** Runtime values for `/runtime` and `/runtime_modify`. */
export interface RuntimeControl {
  /** Layer names, lowest first. */
  readonly layers: readonly string[];
  /** Per key the value of each layer ('' = not set there) and the one that counts; sorted by key. */
  entries(): readonly { readonly key: string; readonly layerValues: readonly string[]; readonly finalValue: string }[];
  /** Whether a layer takes changes from the admin interface. */
  readonly hasAdminLayer: boolean;
  /** Sets or (with '') removes values in the admin layer. Returns an error text, or undefined. */
  modify(values: ReadonlyMap<string, string>): string | undefined;
}

export interface DrainOptions {
  /** Only listeners with traffic_direction INBOUND. */
  readonly inboundOnly: boolean;
  /** Tell connections first, close listeners after the drain time. */
  readonly graceful: boolean;
  /** With graceful: keep the listeners open afterwards. */
  readonly skipExit: boolean;
}

/** One request to the admin interface and its answer, for the admin's access log. */
export interface AdminExchange {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly isHttp10: boolean;
  /** Names and values in turn. */
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly status: number;
  /** Bytes of the bodies. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Wall clock, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  /** `ip:port`; a path for Unix sockets. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Counts the connections of the admin interface, from 1. */
  readonly connectionId: number;
}

/** What a profile is of. */
export type ProfileKind = 'cpu' | 'heap' | 'alloc';

/** A request that is asked about (`/explain`). */
export interface ExplainRequest {
  /** '' = GET, or POST with a body. */
  readonly method: string;
  readonly url: string;
  /** `Name: value` each. */
  readonly headers: readonly string[];
  /** Bytes of the body; -1 = none. */
  readonly bodyBytes: number;
  /** '' = loopback. */
  readonly sourceIp: string;
  /** Name; '' = by the port of the URL. */
  readonly listener: string;
  readonly isInternal: boolean;
  readonly random: number;
  /** In the text: everything, not one screen. */
  readonly showsAll: boolean;
  /** The answer is JSON, with everything. */
  readonly isJson: boolean;
}

/** Where the request goes and why; or what is wrong with the question. */
export type ExplainAnswer = { readonly error: string } | { readonly text: string };

/** Init targets that something still waits for. */
export interface UnreadyTargets {
  /** e.g. `init manager Server`. */
  readonly name: string;
  readonly targetNames: readonly string[];
}

export interface Instance {
  /** As `/server_info` prints it. */
  readonly version: string;
  /** e.g. `11.104`, or `disabled`. */
  readonly hotRestartVersion: string;
  /** Wall clock of the start, milliseconds. */
  readonly startTimeMs: number;
  /** Wall clock now, milliseconds. */
  nowMs(): number;
  state(): ServerState;
  /** `command_line_options` of `/server_info`. */
  commandLineOptions(): JsonObject;
  /** `node` of `/server_info`. */
  node(): JsonObject;

  readonly stats: StatsView;
  /** Main's own stats, root prefix; the admin counts its connections and requests here. */
  readonly statsScope: StatsScope;
  /** Updates gauges and merges histograms now (stats_flush_on_admin); a promise that resolves when done. */
  flushStats(): Promise<void>;
  /** bootstrap.stats_flush_on_admin. */
  readonly flushStatsOnAdmin: boolean;

  listeners(): readonly ListenerStatus[];
  /** In order of name. */
  clusters(): Iterable<ClusterStatus>;
  /** `includeEds` adds the section `endpoint`. */
  configDump(includeEds: boolean): Promise<readonly ConfigDumpSection[]>;
  unreadyTargets(): readonly UnreadyTargets[];
  /** Items of `/certs`: `{ca_cert: [...], cert_chain: [...]}`. */
  certificates(): readonly JsonObject[];

  /** Where this process would send a request. A thread of its own works it out. */
  explain(request: ExplainRequest): Promise<ExplainAnswer>;

  readonly logging: LoggingControl;
  readonly runtime: RuntimeControl;

  /** Fails (true) or passes (false) health checks answered by the health_check filter; `/ready` follows. */
  failHealthCheck(failed: boolean): void;
  drainListeners(options: DrainOptions): void;
  /** Access-log files are reopened by the flush thread. */
  reopenLogs(): void;
  /** Ends the process in order; returns at once. */
  shutdown(): void;
  /** Writes access-log lines; undefined: bootstrap.admin.access_log names none. */
  readonly logExchange: ((exchange: AdminExchange) => void) | undefined;
  /** Writes a profile to the path from `admin.profile_path` (or its default); rejects when it cannot. */
  saveProfile(kind: ProfileKind, content: string): Promise<void>;
}
