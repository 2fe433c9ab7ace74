/** The bootstrap as plain data, from which main and workers are built. Thread: main. */
import type { Admin, Bootstrap, Watchdog } from '../../core/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import type { Node } from '../../core/api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { Listener } from '../../core/api/gen/envoy/config/listener/v3/listener_pb.d.ts';
import type { AccessLogConfig } from '../../core/access_log/access_log_config.ts';
import { DEFAULT_LINE_FORMAT, FILE_LOGGER_TYPE, type LineLogConfig } from '../../core/access_log/line_log_config.ts';
import { parseAccessLogs } from '../../core/access_log/parse_access_log.ts';
import { durationMs, durationMsOr } from '../../core/api/scalar_values.ts';
import { deepFreeze } from '../../core/base/deep_freeze.ts';
import { parseStringMatcher } from '../../core/matcher/parse_matcher.ts';
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import { addressText, parseNumericAddress } from '../../core/network/parse_address.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import { type DnsResolverOptions, parseResolutionConfig, parseTypedResolver, SYSTEM_RESOLVER } from '../../core/upstream/dns_options.ts';
import { type CommandLineTag, parseStatsConfig } from '../stats/stats_config.ts';
import { DEFAULT_WATCHDOG, type WatchdogConfig } from '../watchdog/guarddog.ts';
import { parseCluster, type ParsedCluster } from './cluster_parser.ts';
import type { ClusterDefaults } from './discovery_parser.ts';
import { parseOutlierLog } from './outlier_parser.ts';
import { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { parseListener } from './listener_parser.ts';
import { mergeLayers, parseRuntime } from './runtime_parser.ts';
import type { AdminConfig, NodeConfig, ServerConfig } from './server_config.ts';
import { collectSecrets } from './static_secrets.ts';

/**
 * Turns a bootstrap into plain frozen data, reporting everything that is wrong, unsupported or (by not reading it) without
 * effect. Never throws on user input: with errors reported the result is a best effort, not to be used.
 */
export function buildConfig(bootstrap: Bootstrap, commandLineTags: readonly CommandLineTag[], context: ParseContext): ServerConfig {
  refuseUnsupported(bootstrap, context);
  const runtimeLayers = parseRuntime(bootstrap.layeredRuntime, bootstrap.node?.cluster ?? '', context);
  const runtime = new RuntimeSnapshot(mergeLayers(runtimeLayers));
  context.runtimeInteger = (key, fallback) => runtime.getInteger(key, fallback);
  context.staticSecrets = collectSecrets(bootstrap.staticResources?.secrets ?? [], context);
  const manager = bootstrap.clusterManager;
  const defaults: ClusterDefaults = { resolver: parseResolver(bootstrap, context), bindConfig: manager?.upstreamBindConfig };
  const clusters = parseClusters(bootstrap.staticResources?.clusters ?? [], defaults, context);
  const localClusterName = manager?.localClusterName ?? '';
  if (manager !== undefined && localClusterName !== '' && !clusters.some((cluster) => cluster.config.name === localClusterName)) {
    context.error(manager, 'local_cluster_name', `local cluster '${localClusterName}' must be defined`);
  }
  if (clusters.some(({ config, discovery }) => config.name === localClusterName && discovery.endpoints.some((endpoint) => endpoint.priority > 0)) && manager !== undefined) {
    context.error(manager, 'local_cluster_name', `Unexpected non-zero priority for local cluster '${localClusterName}'.`);
  }
  context.clusterNames = new Set(clusters.map((cluster) => cluster.config.name));
  return deepFreeze({
    node: parseNode(bootstrap.node),
    admin: parseAdmin(bootstrap.admin, context),
    listeners: parseListeners(bootstrap.staticResources?.listeners ?? [], context),
    clusters,
    localClusterName,
    outlierLogPath: parseOutlierLog(manager?.outlierDetection, context),
    runtime: mergeLayers(runtimeLayers),
    runtimeLayers,
    stats: parseStats(bootstrap, commandLineTags, context),
    versionOverride: bootstrap.statsServerVersionOverride === undefined ? undefined : Number(bootstrap.statsServerVersionOverride),
    flagsPath: bootstrap.flagsPath,
    ...parseWatchdogs(bootstrap, context),
  });
}

/** Fields that would change where traffic goes, or what it carries, if they were left out. */
function refuseUnsupported(bootstrap: Bootstrap, context: ParseContext): void {
  if (bootstrap.dynamicResources !== undefined) context.refuse(bootstrap, 'dynamic_resources', 'xDS (dynamic_resources)');
  if (bootstrap.headerPrefix !== '' && bootstrap.headerPrefix !== 'x-envoy') context.refuse(bootstrap, 'header_prefix', 'renaming the x-envoy- headers');
}

/** In order; of clusters with one name the second is an error. */
function parseClusters(messages: readonly Cluster[], defaults: ClusterDefaults, context: ParseContext): ParsedCluster[] {
  const names = new Set<string>();
  return messages.map((message) => {
    if (names.has(message.name)) context.error(message, 'name', `cluster manager: duplicate cluster '${message.name}'`);
    names.add(message.name);
    return parseCluster(message, defaults, context);
  });
}

/** In order; a listener with the name of an earlier one replaces it, as in Envoy. */
function parseListeners(messages: readonly Listener[], context: ParseContext): ListenerConfig[] {
  const listeners: ListenerConfig[] = [];
  const owners = new Map<string, string>();
  for (const message of messages) {
    const listener = parseListener(message, context);
    if (listener === undefined) continue;
    for (const address of listener.addresses) {
      const text = addressText(address);
      const owner = owners.get(text);
      if (owner !== undefined && owner !== listener.name && address.port !== 0 && listener.bindToPort) {
        context.error(message, 'address', `error adding listener: '${listener.name}' has duplicate address '${text}' as existing listener '${owner}'`);
      }
      if (listener.bindToPort) owners.set(text, listener.name);
    }
    const same = listeners.findIndex((candidate) => candidate.name === listener.name);
    if (same < 0) listeners.push(listener);
    else {
      context.warn(message, 'name', `this listener replaces the earlier one of the name '${listener.name}'`);
      listeners[same] = listener;
    }
  }
  return listeners;
}

function parseNode(message: Node | undefined): NodeConfig {
  return {
    id: message?.id ?? '',
    cluster: message?.cluster ?? '',
    region: message?.locality?.region ?? '',
    zone: message?.locality?.zone ?? '',
    subZone: message?.locality?.subZone ?? '',
    metadata: message?.metadata === undefined ? {} : (JSON.parse(JSON.stringify(message.metadata)) as Record<string, unknown>),
  };
}

function parseAdmin(message: Admin | undefined, context: ParseContext): AdminConfig {
  if (message === undefined) return { address: null, accessLogs: [], profilePath: '', allowPaths: undefined };
  return {
    address: message.address === undefined ? null : parseNumericAddress(message.address, context) ?? null,
    accessLogs: [...parseAccessLogs(message.accessLog, context), ...parseAccessLogPath(message, context)],
    profilePath: message.profilePath,
    allowPaths: message.allowPaths.length === 0 ? undefined : message.allowPaths.map((matcher) => parseStringMatcher(matcher, context)),
  };
}

/** The deprecated access_log_path: a file in the default format, behind the logs of access_log. */
function parseAccessLogPath(message: Admin, context: ParseContext): AccessLogConfig[] {
  const { accessLogPath } = message;
  if (accessLogPath === '') return [];
  const reason = context.whyNotAppendable?.(accessLogPath);
  if (reason !== undefined) context.error(message, 'access_log_path', `unable to open file '${accessLogPath}': ${reason}`);
  const config: LineLogConfig = { destination: accessLogPath, format: DEFAULT_LINE_FORMAT };
  return [{ filter: null, extension: { name: 'envoy.access_loggers.file', typeName: FILE_LOGGER_TYPE, config } }];
}

function parseResolver(bootstrap: Bootstrap, context: ParseContext): DnsResolverOptions {
  if (bootstrap.typedDnsResolverConfig !== undefined) return parseTypedResolver(bootstrap.typedDnsResolverConfig, context);
  if (bootstrap.dnsResolutionConfig !== undefined) return parseResolutionConfig(bootstrap.dnsResolutionConfig, context);
  return bootstrap.useTcpForDnsLookups ? { ...SYSTEM_RESOLVER, useTcp: true } : SYSTEM_RESOLVER;
}

function parseStats(bootstrap: Bootstrap, commandLineTags: readonly CommandLineTag[], context: ParseContext): ServerConfig['stats'] {
  const onAdmin = bootstrap.statsFlush.case === 'statsFlushOnAdmin' && bootstrap.statsFlush.value;
  const interval = bootstrap.statsFlushInterval;
  if (onAdmin && interval !== undefined) {
    context.error(bootstrap, 'stats_flush_on_admin', 'Only one of stats_flush_interval or stats_flush_on_admin should be set!');
  }
  return parseStatsConfig(bootstrap.statsConfig, { intervalMs: durationMs(interval), onAdmin }, commandLineTags, context);
}

function parseWatchdogs(bootstrap: Bootstrap, context: ParseContext): Pick<ServerConfig, 'mainWatchdog' | 'workerWatchdog'> {
  const both = bootstrap.watchdogs;
  const old = bootstrap.watchdog;
  if (both !== undefined && old !== undefined) context.error(bootstrap, 'watchdog', 'Only one of watchdog or watchdogs should be set!');
  return { mainWatchdog: parseWatchdog(both?.mainThreadWatchdog ?? old), workerWatchdog: parseWatchdog(both?.workerWatchdog ?? old) };
}

function parseWatchdog(message: Watchdog | undefined): WatchdogConfig {
  if (message === undefined) return DEFAULT_WATCHDOG;
  return {
    missMs: durationMsOr(message.missTimeout, DEFAULT_WATCHDOG.missMs),
    megaMissMs: durationMsOr(message.megamissTimeout, DEFAULT_WATCHDOG.megaMissMs),
    killMs: durationMsOr(message.killTimeout, DEFAULT_WATCHDOG.killMs),
    maxKillJitterMs: durationMsOr(message.maxKillTimeoutJitter, DEFAULT_WATCHDOG.maxKillJitterMs),
    multiKillMs: durationMsOr(message.multikillTimeout, DEFAULT_WATCHDOG.multiKillMs),
    multiKillThreshold: message.multikillThreshold?.value ?? DEFAULT_WATCHDOG.multiKillThreshold,
  };
}
