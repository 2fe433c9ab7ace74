/** How upstream connections are made: upstream_bind_config and upstream_connection_options. Thread: main. */
import type { BindConfig } from '../../core/api/gen/envoy/config/core/v3/address_pb.d.ts';
import type { Cluster, UpstreamConnectionOptions } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import { SocketOption_SocketIpVersion, SocketOption_SocketState } from '../../core/api/gen/envoy/config/core/v3/socket_option_enums.ts';
import type { SocketOption as SocketOptionMessage } from '../../core/api/gen/envoy/config/core/v3/socket_option_pb.d.ts';
import { OptionStage, packSocketOptions, type SocketOption } from '../../core/io/socket_options.ts';
import { parseNumericSocketAddress } from '../../core/network/parse_address.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import type { AddressOrderConfig, ClusterConfig, HostAddress } from '../../core/upstream/cluster_config.ts';

const SELECTOR_TYPE = '/envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector';
const FIRST_FAMILIES = ['first', 'v4', 'v6'] as const;

/** Seconds and counts; 0 = the system's. */
export function parseKeepAlive(options: UpstreamConnectionOptions | undefined): ClusterConfig['tcpKeepAlive'] {
  const message = options?.tcpKeepalive;
  if (message === undefined) return null;
  return { idleSec: message.keepaliveTime ?? 0, intervalSec: message.keepaliveInterval ?? 0, probes: message.keepaliveProbes ?? 0 };
}

export function parseAddressOrder(options: UpstreamConnectionOptions | undefined, context: ParseContext): AddressOrderConfig {
  // The name would go to upstream filters and sockets of extensions, of which there are none: nothing else shows it, in Envoy neither.
  if (options !== undefined) context.consume(options, 'set_local_interface_name_on_upstream_connections');
  const message = options?.happyEyeballsConfig;
  return { firstFamily: FIRST_FAMILIES[message?.firstAddressFamilyVersion ?? 0] ?? 'first', firstCount: message?.firstAddressFamilyCount ?? 1 };
}

/** The cluster's, else the bootstrap's. Reports what is wrong. */
export function parseUpstreamBind(cluster: Cluster, ofBootstrap: BindConfig | undefined, context: ParseContext): Pick<ClusterConfig, 'bindAddress' | 'otherBindAddress' | 'socketOptions'> {
  const message = cluster.upstreamBindConfig ?? ofBootstrap;
  if (message === undefined) return { bindAddress: null, otherBindAddress: null, socketOptions: null };
  const whose = cluster.upstreamBindConfig === undefined ? "Bootstrap's upstream binding config" : `Cluster ${cluster.name}'s upstream binding config`;
  const [bindAddress = null, otherBindAddress = null] = parseAddresses(message, whose, context);
  parseSelector(message, context);
  return { bindAddress, otherBindAddress, socketOptions: parseSocketOptions(message, context) };
}

function parseAddresses(message: BindConfig, whose: string, context: ParseContext): HostAddress[] {
  const extra = message.extraSourceAddresses;
  const additional = message.additionalSourceAddresses;
  if (extra.length > 0 && additional.length > 0) {
    context.error(message, 'extra_source_addresses', `Can't specify both \`extra_source_addresses\` and \`additional_source_addresses\` in the ${whose}`);
    return [];
  }
  const others = extra.length > 0 ? extra.map((each) => each.address) : additional;
  const field = additional.length > 0 ? 'additional_source_addresses' : 'extra_source_addresses';
  if (message.sourceAddress === undefined) {
    if (others.length > 0) {
      context.error(message, field, `${whose} has extra/additional source addresses but no source_address. Extra/additional addresses cannot be specified if source_address is not set.`);
    }
    return [];
  }
  if (others.length > 1) {
    context.error(message, field, `${whose} has more than one extra/additional source addresses. Only one extra/additional source can be supported in BindConfig's extra_source_addresses/additional_source_addresses field`);
    return [];
  }
  const addresses: HostAddress[] = [];
  for (const each of [message.sourceAddress, ...others]) {
    const address = each === undefined ? undefined : parseNumericSocketAddress(each, context);
    if (address !== undefined) addresses.push(address);
  }
  if (addresses.length === 2 && addresses[0].address.includes(':') === addresses[1].address.includes(':')) {
    context.error(
      message, field,
      `${whose} has two same IP version source addresses. Only two different IP version source addresses can be supported in BindConfig's source_address and extra_source_addresses/additional_source_addresses fields`,
    );
  }
  return addresses;
}

/** Linux numbers of IP_FREEBIND and IPV6_FREEBIND with their levels. */
const FREEBIND_V4 = { level: 0, name: 15 };
const FREEBIND_V6 = { level: 41, name: 78 };

/** freebind, then socket_options. Options of a listening socket have no place here. */
function parseSocketOptions(message: BindConfig, context: ParseContext): ClusterConfig['socketOptions'] {
  const options: (SocketOption & { readonly family: number })[] = [];
  for (const option of message.socketOptions) {
    // For us to read: it says what the option is.
    context.consume(option, 'description');
    if (option.state === SocketOption_SocketState.STATE_LISTENING || option.value.case === undefined || isForDatagrams(option)) continue;
    options.push({
      family: option.ipVersion,
      stage: option.state === SocketOption_SocketState.STATE_BOUND ? OptionStage.afterBind : OptionStage.beforeBind,
      level: Number(option.level), name: Number(option.name),
      value: option.value.case === 'intValue' ? Number(BigInt.asIntN(32, option.value.value)) : option.value.value,
    });
  }
  const isFree = message.freebind;
  if (isFree === undefined && options.length === 0) return null;
  const forFamily = (freebind: { level: number; name: number }, other: number): Int32Array => {
    const own = options.filter(({ family }) => family !== other);
    return packSocketOptions(isFree === undefined ? own : [{ stage: OptionStage.beforeBind, ...freebind, value: isFree ? 1 : 0 }, ...own]);
  };
  return { v4: forFamily(FREEBIND_V4, SocketOption_SocketIpVersion.IPV6), v6: forFamily(FREEBIND_V6, SocketOption_SocketIpVersion.IPV4) };
}

/** Connections are streams. */
function isForDatagrams({ type }: SocketOptionMessage): boolean {
  return type !== undefined && type.stream === undefined && type.datagram !== undefined;
}

/** The default one is what happens anyway. */
function parseSelector(message: BindConfig, context: ParseContext): void {
  const selector = message.localAddressSelector;
  if (selector === undefined) return;
  const typeUrl = selector.typedConfig?.typeUrl ?? '';
  context.consume(message, 'local_address_selector');
  if (typeUrl.endsWith(SELECTOR_TYPE)) return;
  context.error(message, 'local_address_selector', `Didn't find a registered implementation for '${selector.name}' with type URL: '${typeUrl.slice(typeUrl.lastIndexOf('/') + 1)}'`);
}
