/** DNS settings of clusters as plain data, and their parsing. Thread: main, config time. */
import type { Duration } from '@bufbuild/protobuf/wkt';
import type { Address } from '../api/gen/envoy/config/core/v3/address_pb.d.ts';
import type { TypedExtensionConfig } from '../api/gen/envoy/config/core/v3/extension_pb.d.ts';
import type { DnsResolutionConfig } from '../api/gen/envoy/config/core/v3/resolver_pb.d.ts';
import { durationMs, durationMsOr } from '../api/scalar_values.ts';
import { addressText, parseNumericAddress } from '../network/parse_address.ts';
import type { AnyMessage, ParseContext } from '../registry/parse_context.ts';
import { type AggregateConfig, DNS_QUERY_DEFAULTS, type DnsConfig, type DnsQueryOptions } from './cluster_config.ts';

/** Category of cluster types given as `cluster_type`. */
export const CLUSTER_CATEGORY = 'envoy.clusters';
/** Category of DNS resolvers. */
export const DNS_RESOLVER_CATEGORY = 'envoy.network.dns_resolver';

const REFRESH_RATE_MS = 5_000;
const FAILURE_MAX_FACTOR = 10;

/** What a resolver extension's `parse` gives. */
export interface DnsResolverOptions {
  /** `ip:port`; empty = the system's. */
  readonly resolvers: readonly string[];
  readonly useTcp: boolean;
  /** Absent: DNS_QUERY_DEFAULTS. */
  readonly query?: DnsQueryOptions;
}

/** What the `parse` of a DNS cluster type gives. */
export interface DnsClusterOptions {
  readonly kind: 'dns';
  /** It says which resolver: the bootstrap's does not matter. */
  readonly hasResolver: boolean;
  readonly isLogical: boolean;
  readonly dns: DnsConfig;
}

/** What the `parse` of a cluster type gives. */
export type ClusterTypeOptions = DnsClusterOptions | AggregateConfig;

/** The system's resolver. */
export const SYSTEM_RESOLVER: DnsResolverOptions = Object.freeze({ resolvers: Object.freeze([]), useTcp: false });

/** The fields by which cluster messages, old and new, set refresh rates. */
interface RefreshFields {
  readonly dnsRefreshRate?: Duration | undefined;
  readonly dnsFailureRefreshRate?: { readonly baseInterval?: Duration | undefined; readonly maxInterval?: Duration | undefined } | undefined;
  readonly respectDnsTtl: boolean;
}

/** Refresh and back-off times in milliseconds. */
export function parseRefresh(message: RefreshFields, context: ParseContext): Pick<DnsConfig, 'refreshRateMs' | 'failureBaseMs' | 'failureMaxMs' | 'respectTtl'> {
  const refreshRateMs = durationMsOr(message.dnsRefreshRate, REFRESH_RATE_MS);
  const failure = message.dnsFailureRefreshRate;
  const failureBaseMs = durationMs(failure?.baseInterval) ?? refreshRateMs;
  const failureMaxMs = durationMs(failure?.maxInterval) ?? (failure === undefined ? refreshRateMs : failureBaseMs * FAILURE_MAX_FACTOR);
  if (failureMaxMs < failureBaseMs) {
    context.error(message, 'dns_failure_refresh_rate', 'dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval');
  }
  return { refreshRateMs, failureBaseMs, failureMaxMs, respectTtl: message.respectDnsTtl };
}

/** A `typed_dns_resolver_config`. On failure reports and gives the system's resolver. */
export function parseTypedResolver(message: TypedExtensionConfig, context: ParseContext): DnsResolverOptions {
  const any = message.typedConfig as AnyMessage | undefined;
  const extension = context.parseExtension(DNS_RESOLVER_CATEGORY, message.name, any, message, 'typed_config');
  return extension === undefined ? SYSTEM_RESOLVER : (extension.config as DnsResolverOptions);
}

/** The deprecated `dns_resolution_config`. */
export function parseResolutionConfig(message: DnsResolutionConfig, context: ParseContext): DnsResolverOptions {
  const options = message.dnsResolverOptions;
  const resolver = { resolvers: parseResolvers(message.resolvers, context), useTcp: options?.useTcpForDnsLookups ?? false };
  return options?.noDefaultSearchDomain === true ? { ...resolver, query: { ...DNS_QUERY_DEFAULTS, usesSearchList: false } } : resolver;
}

/** Resolver addresses as `ip:port`. */
export function parseResolvers(messages: readonly Address[], context: ParseContext): string[] {
  return messages
    .map((message) => parseNumericAddress(message, context))
    .filter((address) => address !== undefined)
    .map((address) => addressText(address.port === 0 ? { ...address, port: 53 } : address));
}
