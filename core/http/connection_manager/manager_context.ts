import type { AccessLogger } from '../../access_log/access_log.ts';
import { LogContext } from '../../access_log/access_log.ts';
import type { ClusterLookup } from '../../conn_pool/cluster_lookup.ts';
import type { HeaderNames } from '../../headers/header_names.ts';
import type { IoDispatcher } from '../../network/io_dispatcher.ts';
import type { RouteTable } from '../../route/route_table.ts';
import type { RuntimeSnapshot } from '../../runtime/runtime_snapshot.ts';
import type { ServerFacts } from '../filter_context.ts';
import type { ConfiguredFilter } from '../filter_manager/configured_filter.ts';
import type { EarlyHeaderMutation } from '../early_header_mutation.ts';
import type { OriginalIpDetection } from '../original_ip_detection.ts';
import { HeaderValue } from '../../headers/header_value.ts';
import type { DateProvider } from '../date_header.ts';
import type { Http1Literals } from '../http1/encoder.ts';
import type { Http1Settings } from '../http1/settings.ts';
import type { TerminalFilter } from '../terminal_filter.ts';
import type { ConnectionManagerConfig } from './config.ts';
import type { InternalAddressChecker } from './internal_address.ts';
import type { LocalReplyRewriter } from './local_reply.ts';
import type { ProxyStatus } from './proxy_status.ts';
import type { RequestIdGenerator } from './request_id.ts';
import type { ConnectionManagerStats } from './stats.ts';

/** One entry of upgrade_configs on this worker. */
export interface ConfiguredUpgrade {
  /** Lower case. */
  readonly type: string;
  readonly enabled: boolean;
  /** The filter chain of its own, its last filter included; null = the connection manager's. */
  readonly filters: readonly ConfiguredFilter[] | null;
  readonly createTerminal: () => TerminalFilter;
}

/** Everything the connections of one filter chain share on one worker; built when the chain's snapshot is applied. */
export interface ManagerContextParts {
  readonly config: ConnectionManagerConfig;
  readonly stats: ConnectionManagerStats;
  readonly dispatcher: IoDispatcher;
  readonly names: HeaderNames;
  readonly literals: Http1Literals;
  readonly http1: Http1Settings;
  readonly dates: DateProvider;
  readonly requestIds: RequestIdGenerator;
  readonly runtime: RuntimeSnapshot;
  readonly server: ServerFacts;
  readonly loggers: readonly AccessLogger[];
  readonly filters: readonly ConfiguredFilter[];
  readonly upgrades: readonly ConfiguredUpgrade[];
  readonly routeTable: RouteTable;
  readonly internal: InternalAddressChecker;
  readonly localReplies: LocalReplyRewriter | null;
  /** Empty = x-forwarded-for says who the client is. */
  readonly ipDetection: readonly OriginalIpDetection[];
  readonly earlyMutations: readonly EarlyHeaderMutation[];
  readonly proxyStatus: ProxyStatus | null;
  readonly node: { readonly id: string; readonly cluster: string };
  /** Downstream per_connection_buffer_limit_bytes: also the limit of filter buffers. */
  readonly bufferLimit: number;
  /** Port of the listener, for strip_matching_host_port. */
  readonly listenerPort: number;
  /** This machine's address, without port. */
  readonly localAddress: string;
  readonly clusters: ClusterLookup;
  /** Random integer in [0, 2^32). */
  random(): number;
  /** Whether a response sent now should say `connection: close` (draining). */
  shouldDrainClose(): boolean;
}

/** What all streams of a filter chain on this worker read. */
export class ManagerContext {
  readonly parts: ManagerContextParts;
  readonly logContext: LogContext;
  /** Some log line reads request headers after the request was forwarded, or some filter does. */
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  readonly serverName: HeaderValue;
  readonly via: Uint8Array;

  constructor(parts: ManagerContextParts) {
    this.parts = parts;
    this.logContext = new LogContext();
    this.needsRequestHeaders =
      parts.loggers.some((logger) => logger.needsRequestHeaders) ||
      [parts.filters, ...parts.upgrades.map((upgrade) => upgrade.filters ?? [])].some((filters) => filters.some((filter) => filter.factory.needsRequestHeaders !== false)) ||
      parts.localReplies !== null || parts.config.alwaysSetRequestIdInResponse;
    this.needsResponseHeaders = parts.loggers.some((logger) => logger.needsResponseHeaders);
    this.serverName = new HeaderValue(parts.config.serverName);
    this.via = Buffer.from(parts.config.via, 'latin1');
  }
}
