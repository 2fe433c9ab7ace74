/** Filter chains of a listener to plain data, and the rule that no two of them match alike. Thread: main. */
import type { Filter, FilterChain, FilterChainMatch } from '../../core/api/gen/envoy/config/listener/v3/listener_components_pb.d.ts';
import { durationMsOr } from '../../core/api/scalar_values.ts';
import { parseIp } from '../../core/base/cidr.ts';
import type { FilterChainConfig, FilterChainMatchConfig } from '../../core/network/listener/listener_config.ts';
import { parseCidr } from '../../core/network/parse_address.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../../core/registry/parse_context.ts';
import { parseTransportSocket } from './transport_socket_parser.ts';

const SOURCE_TYPES = ['any', 'same_ip_or_loopback', 'external'] as const;
/** Network filters that end a chain, and their canonical names. */
const TERMINAL_TYPES: ReadonlyMap<string, string> = new Map([
  ['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', 'envoy.filters.network.http_connection_manager'],
]);
/** A listener with more combinations of criteria than this is not checked for overlaps. */
const COMBINATIONS_MAX = 100_000;

const MATCHES_ALL: FilterChainMatchConfig = {
  destinationPort: 0, prefixRanges: [], serverNames: [], transportProtocol: '', applicationProtocols: [], directSourcePrefixRanges: [],
  sourceType: 'any', sourcePrefixRanges: [], sourcePorts: [],
};

/** One chain. */
export function parseFilterChain(message: FilterChain, listenerText: string, context: ParseContext): FilterChainConfig {
  if (message.filters.length === 0) context.refuse(message, undefined, 'filter chains without network filters');
  if (message.useProxyProto === true) context.refuse(message, 'use_proxy_proto', 'the PROXY protocol listener filter');
  return {
    name: message.name,
    match: message.filterChainMatch === undefined ? MATCHES_ALL : parseMatch(message.filterChainMatch, message.name, listenerText, context),
    filters: parseNetworkFilters(message.filters, context),
    transportSocket: parseTransportSocket('envoy.transport_sockets.downstream', message.transportSocket, context),
    transportSocketConnectTimeoutMs: durationMsOr(message.transportSocketConnectTimeout, 0),
  };
}

function parseMatch(message: FilterChainMatch, chainName: string, listenerText: string, context: ParseContext): FilterChainMatchConfig {
  if (message.addressSuffix !== '' || message.suffixLen !== undefined) {
    context.error(message, message.addressSuffix === '' ? 'suffix_len' : 'address_suffix', `error adding listener '${listenerText}': filter chain '${chainName}' contains unimplemented fields`);
  }
  for (const [index, name] of message.serverNames.entries()) {
    if (name.replace(/^\*\./, '').includes('*')) {
      context.error(message, `server_names[${index}]`, `error adding listener '${listenerText}': partial wildcards are not supported in "server_names"`);
    }
  }
  const cidrs = (ranges: FilterChainMatch['prefixRanges']): string[] => ranges.map((range) => parseCidr(range, context)).filter((cidr) => cidr !== undefined);
  return {
    destinationPort: message.destinationPort ?? 0,
    prefixRanges: cidrs(message.prefixRanges),
    serverNames: [...message.serverNames],
    transportProtocol: message.transportProtocol,
    applicationProtocols: [...message.applicationProtocols],
    directSourcePrefixRanges: cidrs(message.directSourcePrefixRanges),
    sourceType: SOURCE_TYPES[message.sourceType] ?? 'any',
    sourcePrefixRanges: cidrs(message.sourcePrefixRanges),
    sourcePorts: [...message.sourcePorts],
  };
}

function parseNetworkFilters(messages: readonly Filter[], context: ParseContext): ExtensionConfig[] {
  const filters: ExtensionConfig[] = [];
  for (const [index, message] of messages.entries()) {
    const config = message.configType;
    if (config.case === 'configDiscovery') {
      context.refuse(message, 'config_discovery', 'xDS (extension configuration discovery)');
      continue;
    }
    const any = config.case === 'typedConfig' ? (config.value as AnyMessage) : undefined;
    const extension = context.parseExtension('envoy.filters.network', message.name, any, message, 'typed_config');
    if (extension === undefined) continue;
    filters.push(extension);
    checkTerminal(message, extension, index === messages.length - 1, context);
  }
  return filters;
}

function checkTerminal(message: Filter, extension: ExtensionConfig, isLast: boolean, context: ParseContext): void {
  const terminalName = TERMINAL_TYPES.get(extension.typeName);
  if (terminalName !== undefined && !isLast) {
    context.error(message, 'name', `Error: terminal filter named ${message.name} of type ${terminalName} must be the last filter in a network filter chain.`);
  } else if (terminalName === undefined && isLast) {
    context.error(message, 'name', `Error: non-terminal filter named ${message.name} of type ${extension.typeName} is the last filter in a network filter chain.`);
  }
}

/** Reports chains whose criteria are the same or could both be the most specific for one connection. */
export function checkOverlaps(messages: readonly FilterChain[], chains: readonly FilterChainConfig[], listenerText: string, context: ParseContext): void {
  const wholes = new Map<string, string>();
  const combinations = new Map<string, number>();
  for (const [index, chain] of chains.entries()) {
    const message = messages[index];
    const whole = JSON.stringify(chain.match);
    const same = wholes.get(whole);
    if (same !== undefined) {
      context.error(message, 'filter_chain_match', `error adding listener '${listenerText}': filter chain '${chain.name}' has the same matching rules defined as '${same}'`);
      continue;
    }
    wholes.set(whole, chain.name);
    if (combinations.size > COMBINATIONS_MAX) continue;
    if (addCombinations(chain.match, index, combinations)) {
      context.error(message, 'filter_chain_match', `error adding listener '${listenerText}': multiple filter chains with overlapping matching rules are defined`);
    }
  }
}

/** Adds every combination of a chain's criteria; true when another chain has one of them already. */
function addCombinations(match: FilterChainMatchConfig, chain: number, combinations: Map<string, number>): boolean {
  let keys = [`${match.destinationPort} ${match.transportProtocol} ${match.sourceType}`];
  const lists = [
    match.prefixRanges.map(maskedCidr), match.serverNames.map(wildcardless), match.applicationProtocols,
    match.directSourcePrefixRanges.map(maskedCidr), match.sourcePrefixRanges.map(maskedCidr), match.sourcePorts.map(String),
  ];
  for (const list of lists) {
    const values = list.length === 0 ? [''] : list;
    keys = keys.flatMap((key) => values.map((value) => `${key} ${value}`));
    if (keys.length > COMBINATIONS_MAX) return false;
  }
  let overlaps = false;
  for (const key of keys) {
    const other = combinations.get(key);
    if (other !== undefined && other !== chain) overlaps = true;
    combinations.set(key, chain);
  }
  return overlaps;
}

/** `*` alone is no criterion. */
function wildcardless(name: string): string {
  return name === '*' ? '' : name.toLowerCase();
}

/** Bytes of the network and its length: 10.1.0.0/8 and 10.2.0.0/8 are one. */
function maskedCidr(cidr: string): string {
  const [address, length] = cidr.split('/');
  const bits = Number(length);
  const bytes = parseIp(address) ?? [];
  return `${bytes.map((byte, i) => byte & (0xff00 >> Math.max(0, Math.min(8, bits - i * 8)))).join('.')}/${bits}`;
}
