import type { AccessLogger, LogContext, LogSinkProvider } from '../../access_log/access_log.ts';
import type { AccessLogConfig } from '../../access_log/access_log_config.ts';
import type { ClusterLookup } from '../../conn_pool/cluster_lookup.ts';
import type { BodyFormatConfig } from '../../formatter/format_config.ts';
import type { FormatEnvironment } from '../../formatter/format_environment.ts';
import type { Formatter } from '../../formatter/formatter.ts';
import type { HeaderMutationsConfig, HeaderMutator } from '../../headers/header_mutation.ts';
import type { HeaderNames } from '../../headers/header_names.ts';
import type { IoDispatcher } from '../../network/io_dispatcher.ts';
import type { ListenerConfig } from '../../network/listener/listener_config.ts';
import type { FactoryRegistry } from '../../registry/factory_registry.ts';
import type { RuntimeSnapshot } from '../../runtime/runtime_snapshot.ts';
import type { StatsScope } from '../../stats/stats.ts';
import type { DateProvider } from '../date_header.ts';
import type { ServerFacts } from '../filter_context.ts';
import type { Http1Literals } from '../http1/encoder.ts';
import type { LocalReplyRewriter } from './local_reply.ts';
import type { ConnectionManagerConfig } from './config.ts';
import type { RequestIdGenerator } from './request_id.ts';

/** What `createFactory` of a network filter gets on a worker. */
export interface NetworkFilterContext {
  readonly listener: ListenerConfig;
  /** `listener.<addr>.`. */
  readonly listenerScope: StatsScope;
  readonly rootScope: StatsScope;
  readonly dispatcher: IoDispatcher;
  readonly literals: Http1Literals;
  readonly names: HeaderNames;
  readonly registry: FactoryRegistry;
  readonly runtime: RuntimeSnapshot;
  readonly server: ServerFacts;
  readonly clusters: ClusterLookup;
  readonly sinks: LogSinkProvider;
  readonly dates: DateProvider;
  readonly requestIds: RequestIdGenerator;
  /** This machine's address, without port. */
  readonly localAddress: string;
  readonly node: { readonly id: string; readonly cluster: string };
  random(): number;
  /** For compiling formats; its needs are the thread's. */
  readonly formatEnvironment: FormatEnvironment;
  /** Access loggers of a configuration, compiled for this thread. */
  createAccessLoggers(configs: readonly AccessLogConfig[]): readonly AccessLogger[];
  compileMutations(levels: readonly HeaderMutationsConfig[]): HeaderMutator<LogContext>;
  compileFormat(config: BodyFormatConfig): Formatter;
  createLocalReplies(config: ConnectionManagerConfig['localReply']): LocalReplyRewriter | null;
}
