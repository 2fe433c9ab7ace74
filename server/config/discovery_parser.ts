/** How a cluster finds its hosts: `type`, `cluster_type` and what goes with them. Thread: main. */
import { Cluster_DiscoveryType } from '../../core/api/gen/envoy/config/cluster/v3/cluster_enums.ts';
import type { Cluster, Cluster_CustomClusterType, Cluster_OriginalDstLbConfig } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { BindConfig } from '../../core/api/gen/envoy/config/core/v3/address_pb.d.ts';
import { durationMsOr } from '../../core/api/scalar_values.ts';
import type { AnyMessage, ParseContext } from '../../core/registry/parse_context.ts';
import type { AggregateConfig, ClusterConfig, DiscoveryConfig, DnsConfig, OriginalDstConfig } from '../../core/upstream/cluster_config.ts';
import {
  CLUSTER_CATEGORY, type ClusterTypeOptions, type DnsResolverOptions, parseRefresh, parseResolutionConfig, parseResolvers, parseTypedResolver,
} from '../../core/upstream/dns_options.ts';
import { type EndpointKind, parseEndpoints } from './endpoint_parser.ts';
import type { SocketMatches } from './socket_matches.ts';

const LOOKUP_FAMILIES = ['auto', 'v4_only', 'v6_only', 'v4_preferred', 'all'] as const;
const CLEANUP_INTERVAL_MS = 5_000;
const ORIGINAL_DST_HEADER = 'x-envoy-original-dst-host';
/** `cluster_type` names that stand for a discovery type of old. */
const TYPE_NAMES: Readonly<Record<string, EndpointKind | 'original_dst'>> = {
  'envoy.cluster.static': 'static', 'envoy.cluster.strict_dns': 'strict_dns', 'envoy.cluster.logical_dns': 'logical_dns', 'envoy.cluster.original_dst': 'original_dst',
};
const NO_HOSTS: DiscoveryConfig = { kind: 'static', endpoints: [] };

/** What clusters inherit from the bootstrap. */
export interface ClusterDefaults {
  readonly resolver: DnsResolverOptions;
  readonly bindConfig: BindConfig | undefined;
}

/** How main finds the hosts, and how workers choose among them where that is not up to a policy. */
export interface ParsedDiscovery {
  readonly discovery: DiscoveryConfig;
  readonly provided: ClusterConfig['provided'];
}

/** Reports what is wrong. */
export function parseDiscovery(message: Cluster, defaults: ClusterDefaults, sockets: SocketMatches, context: ParseContext): ParsedDiscovery {
  const type = message.clusterDiscoveryType;
  if (type.case === 'clusterType') return parseCustomType(message, type.value, defaults, sockets, context);
  switch (type.case === 'type' ? type.value : Cluster_DiscoveryType.STATIC) {
    case Cluster_DiscoveryType.STRICT_DNS:
      return discoveryOf(message, 'strict_dns', parseDns(message, defaults, context), sockets, context);
    case Cluster_DiscoveryType.LOGICAL_DNS:
      return discoveryOf(message, 'logical_dns', parseDns(message, defaults, context), sockets, context);
    case Cluster_DiscoveryType.EDS:
      context.refuse(message, 'type', 'xDS (endpoint discovery)');
      if (message.edsClusterConfig !== undefined) context.consume(message, 'eds_cluster_config');
      return { discovery: NO_HOSTS, provided: null };
    case Cluster_DiscoveryType.ORIGINAL_DST:
      return parseOriginalDst(message, context);
    default:
      return discoveryOf(message, 'static', null, sockets, context);
  }
}

function parseCustomType(message: Cluster, type: Cluster_CustomClusterType, defaults: ClusterDefaults, sockets: SocketMatches, context: ParseContext): ParsedDiscovery {
  const any = type.typedConfig as AnyMessage | undefined;
  const known = TYPE_NAMES[type.name];
  if (any === undefined && known === 'original_dst') return parseOriginalDst(message, context);
  if (any === undefined && known !== undefined && known !== 'original_dst') return discoveryOf(message, known, known === 'static' ? null : parseDns(message, defaults, context), sockets, context);
  const extension = context.parseExtension(CLUSTER_CATEGORY, type.name, any, type, 'typed_config');
  if (extension === undefined) return { discovery: NO_HOSTS, provided: null };
  const options = extension.config as ClusterTypeOptions;
  if (options.kind === 'aggregate') return parseAggregate(message, options, context);
  const dns = options.hasResolver ? options.dns : { ...options.dns, ...defaults.resolver };
  return discoveryOf(message, options.isLogical ? 'logical_dns' : 'strict_dns', dns, sockets, context);
}

function discoveryOf(message: Cluster, kind: EndpointKind, dns: DnsConfig | null, sockets: SocketMatches, context: ParseContext): ParsedDiscovery {
  const endpoints = parseEndpoints(message.loadAssignment, kind, message, sockets, context);
  if (kind === 'static' || dns === null) return { discovery: { kind: 'static', endpoints }, provided: null };
  const startsCold = message.waitForWarmOnInit === false;
  return { discovery: { kind, endpoints, dns: startsCold ? { ...dns, startsCold } : dns }, provided: null };
}

/** Requests say where they go. */
function parseOriginalDst(message: Cluster, context: ParseContext): ParsedDiscovery {
  if (message.loadAssignment !== undefined) context.error(message, 'load_assignment', 'ORIGINAL_DST clusters must have no load assignment configured');
  const settings = message.lbConfig.case === 'originalDstLbConfig' ? message.lbConfig.value : undefined;
  return {
    discovery: { kind: 'original_dst', endpoints: [], cleanupIntervalMs: durationMsOr(message.cleanupInterval, CLEANUP_INTERVAL_MS) },
    provided: originalDst(settings, context),
  };
}

function originalDst(message: Cluster_OriginalDstLbConfig | undefined, context: ParseContext): OriginalDstConfig {
  const usesHeader = message?.useHttpHeader ?? false;
  const headerName = message?.httpHeaderName ?? '';
  if (message !== undefined && headerName !== '' && !usesHeader) {
    context.error(
      message, 'http_header_name',
      `ORIGINAL_DST cluster: invalid config http_header_name=${headerName} and use_http_header is false. Set use_http_header to true if http_header_name is desired.`,
    );
  }
  const key = message?.metadataKey;
  return {
    kind: 'original_dst',
    headerName: usesHeader ? (headerName === '' ? ORIGINAL_DST_HEADER : headerName.toLowerCase()) : '',
    metadataFilter: key?.key ?? '',
    metadataPath: (key?.path ?? []).map((segment) => (segment.segment.case === 'key' ? segment.segment.value : '')),
    portOverride: message?.upstreamPortOverride ?? 0,
  };
}

function parseAggregate(message: Cluster, config: AggregateConfig, context: ParseContext): ParsedDiscovery {
  // Envoy takes hosts here and never uses them.
  if (message.loadAssignment !== undefined) context.warn(message, 'load_assignment', 'an aggregate cluster has no hosts of its own: these are never used');
  return { discovery: NO_HOSTS, provided: config };
}

function parseDns(message: Cluster, defaults: ClusterDefaults, context: ParseContext): DnsConfig {
  const resolver = parseResolver(message, defaults, context);
  return {
    ...parseRefresh(message, context),
    jitterMs: durationMsOr(message.dnsJitter, 0),
    lookupFamily: LOOKUP_FAMILIES[message.dnsLookupFamily] ?? 'auto',
    ...resolver,
    useTcp: resolver.useTcp || message.useTcpForDnsLookups,
  };
}

function parseResolver(message: Cluster, defaults: ClusterDefaults, context: ParseContext): DnsResolverOptions {
  if (message.typedDnsResolverConfig !== undefined) return parseTypedResolver(message.typedDnsResolverConfig, context);
  if (message.dnsResolutionConfig !== undefined) return parseResolutionConfig(message.dnsResolutionConfig, context);
  if (message.dnsResolvers.length > 0) return { resolvers: parseResolvers(message.dnsResolvers, context), useTcp: false };
  return defaults.resolver;
}

