/** envoy.config.listener.v3.Listener to plain data. What is not read here is reported as having no effect. Thread: main. */
import { parseMetadata } from '../../core/route/parse_metadata.ts';
import type { MetadataStructs } from '../../core/stream_info/stream_info.ts';
import { randomUUID } from 'node:crypto';
import { SocketAddress_Protocol } from '../../core/api/gen/envoy/config/core/v3/address_enums.ts';
import type { Address } from '../../core/api/gen/envoy/config/core/v3/address_pb.d.ts';
import type { Listener } from '../../core/api/gen/envoy/config/listener/v3/listener_pb.d.ts';
import type { ListenerFilter } from '../../core/api/gen/envoy/config/listener/v3/listener_components_pb.d.ts';
import { parseAccessLogs } from '../../core/access_log/parse_access_log.ts';
import { durationMsOr } from '../../core/api/scalar_values.ts';
import { deepFreeze } from '../../core/base/deep_freeze.ts';
import type { ListenerConfig, SocketAddressConfig } from '../../core/network/listener/listener_config.ts';
import { LISTENER_FILTER_CATEGORY } from '../../core/network/listener_filter.ts';
import { addressText, parseNumericAddress } from '../../core/network/parse_address.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../../core/registry/parse_context.ts';
import { checkOverlaps, parseFilterChain } from './filter_chain_parser.ts';

const BUFFER_LIMIT_BYTES = 1 << 20;
const LISTENER_FILTERS_TIMEOUT_MS = 15_000;
const ORIGINAL_DST: ExtensionConfig = {
  name: 'envoy.filters.listener.original_dst', typeName: 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst', config: {},
};
const DIRECTIONS = ['unspecified', 'inbound', 'outbound'] as const;

/** The whole message; reports what is wrong and what is not supported. A listener without a usable address gives undefined. Frozen. */
export function parseListener(message: Listener, context: ParseContext): ListenerConfig | undefined {
  refuseUnsupported(message, context);
  const addresses = parseAddresses(message, context);
  if (addresses.length === 0) return undefined;
  const text = addressText(addresses[0]);
  const filterChains = message.filterChains.map((chain) => parseFilterChain(chain, text, context));
  // With a matcher tree the chains' own criteria do not count.
  if (message.filterChainMatcher === undefined) checkOverlaps(message.filterChains, filterChains, text, context);
  const defaultFilterChain = message.defaultFilterChain === undefined ? null : parseFilterChain(message.defaultFilterChain, text, context);
  if (filterChains.length === 0 && defaultFilterChain === null) context.error(message, undefined, `error adding listener '${text}': no filter chains specified`);
  return deepFreeze({
    name: message.name === '' ? randomUUID() : message.name,
    statPrefix: message.statPrefix === '' ? text.replaceAll(':', '_') : message.statPrefix,
    addresses,
    ...parseSocket(message),
    perConnectionBufferLimitBytes: message.perConnectionBufferLimitBytes ?? BUFFER_LIMIT_BYTES,
    maxConnectionsToAcceptPerSocketEvent: message.maxConnectionsToAcceptPerSocketEvent ?? 0,
    listenerFilters: parseListenerFilters(message, context),
    listenerFiltersTimeoutMs: durationMsOr(message.listenerFiltersTimeout, LISTENER_FILTERS_TIMEOUT_MS),
    continueOnListenerFiltersTimeout: message.continueOnListenerFiltersTimeout,
    filterChains,
    defaultFilterChain,
    ...(message.metadata === undefined ? {} : { metadata: parseMetadata(message.metadata) as MetadataStructs }),
    trafficDirection: DIRECTIONS[message.trafficDirection] ?? 'unspecified',
    drainType: message.drainType === 1 ? 'modify_only' : 'default',
    accessLogs: parseAccessLogs(message.accessLog, context),
  });
}

/** Fields that would change where traffic goes if they were left out. */
function refuseUnsupported(message: Listener, context: ParseContext): void {
  if (message.filterChainMatcher !== undefined) context.refuse(message, 'filter_chain_matcher', 'matcher trees for filter chains');
  if (message.udpListenerConfig !== undefined) context.refuse(message, 'udp_listener_config', 'UDP listeners');
  if (message.apiListener !== undefined) context.refuse(message, 'api_listener', 'API listeners');
  if (message.listenerSpecifier.case === 'internalListener') context.refuse(message, 'internal_listener', 'internal listeners');
}

type Socket = Pick<ListenerConfig, 'bindToPort' | 'handsOff' | 'reusePort' | 'backlog' | 'transparent' | 'freebind' | 'tcpFastOpenQueueLength'>;

function parseSocket(message: Listener): Socket {
  return {
    bindToPort: message.bindToPort ?? message.deprecatedV1?.bindToPort ?? true,
    handsOff: message.useOriginalDst ?? false,
    reusePort: message.enableReusePort ?? true,
    backlog: message.tcpBacklogSize ?? 0,
    transparent: message.transparent ?? false,
    freebind: message.freebind ?? false,
    tcpFastOpenQueueLength: message.tcpFastOpenQueueLength ?? 0,
  };
}

function parseAddresses(message: Listener, context: ParseContext): SocketAddressConfig[] {
  if (message.address === undefined) {
    if (message.listenerSpecifier.case === undefined && message.apiListener === undefined) {
      context.error(message, undefined, `error adding listener named '${message.name}': address is necessary`);
    }
    return [];
  }
  const addresses: SocketAddressConfig[] = [];
  const all = [message.address, ...message.additionalAddresses.map((additional) => additional.address)];
  for (const address of all) {
    const parsed = address === undefined ? undefined : parseListenAddress(address, context);
    if (parsed !== undefined) addresses.push(parsed);
  }
  return addresses;
}

function parseListenAddress(address: Address, context: ParseContext): SocketAddressConfig | undefined {
  if (address.address.case === 'socketAddress' && address.address.value.protocol === SocketAddress_Protocol.UDP) {
    context.refuse(address.address.value, 'protocol', 'UDP listeners');
    return undefined;
  }
  return parseNumericAddress(address, context);
}

/** `use_original_dst` brings the filter that finds out where connections were going. */
function parseListenerFilters(message: Listener, context: ParseContext): ExtensionConfig[] {
  const filters = message.listenerFilters.map((filter) => parseListenerFilter(filter, context)).filter((filter) => filter !== undefined);
  if (message.useOriginalDst !== true) return filters;
  if (!context.isRegistered(LISTENER_FILTER_CATEGORY, ORIGINAL_DST.typeName)) {
    context.error(message, 'use_original_dst', `Didn't find a registered implementation for name: '${ORIGINAL_DST.name}'`);
  }
  return [...filters, ORIGINAL_DST];
}

function parseListenerFilter(message: ListenerFilter, context: ParseContext): ExtensionConfig | undefined {
  if (message.filterDisabled !== undefined) context.refuse(message, 'filter_disabled', 'switching listener filters off by a predicate');
  const config = message.configType;
  if (config.case === 'configDiscovery') {
    context.refuse(message, 'config_discovery', 'xDS (extension configuration discovery)');
    return undefined;
  }
  return context.parseExtension(LISTENER_FILTER_CATEGORY, message.name, config.case === 'typedConfig' ? (config.value as AnyMessage) : undefined, message, 'typed_config');
}
