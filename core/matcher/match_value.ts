import type { HeaderNames } from '../headers/header_names.ts';
import { filterStateText } from './filter_state_matcher.ts';
import type { MatchInput } from './match_input.ts';
import type { MatchInputConfig } from './match_tree_config.ts';
import { QueryParameterReader } from './query_parameter_matcher.ts';
import { metadataValue } from './value_matcher.ts';

/** Reads one value of a request: a Latin-1 text (bytes), a JSON value where metadata is read, or undefined. Allocates the text. */
export interface MatchValue {
  read(input: MatchInput): unknown;
}

/** Compiles an input. Config time: interns header names. */
export function compileMatchValue(config: MatchInputConfig, names: HeaderNames): MatchValue {
  switch (config.kind) {
    case 'request_header': {
      const id = names.intern(config.name);
      return { read: (input) => input.headers.getAll(id) };
    }
    case 'query_param': {
      const parameter = new QueryParameterReader(config.name);
      return { read: (input) => parameter.read(input.headers.bytes, input.headers.pathOffset, input.headers.pathLength) };
    }
    case 'filter_state':
      return { read: (input) => asBytes(filterStateText(input.info.filterState, config.name)) };
    case 'dynamic_metadata':
      return { read: (input) => metadataValue(input.info.dynamicMetadata, config.filter, config.path) };
    case 'source_ip':
      return { read: (input) => ipOf(remoteAddress(input)) };
    case 'source_port':
      return { read: (input) => portOf(remoteAddress(input)) };
    case 'direct_source_ip':
      return { read: (input) => ipOf(input.info.connection?.remoteAddress) };
    case 'destination_ip':
      return { read: (input) => ipOf(input.info.connection?.localAddress) };
    case 'destination_port':
      return { read: (input) => portOf(input.info.connection?.localAddress) };
    case 'source_type':
      return { read: (input) => (isLocal(input) ? 'local' : undefined) };
    case 'server_name':
      return { read: (input) => input.info.connection?.requestedServerName || undefined };
    case 'constant': {
      const value = asBytes(config.value ?? undefined);
      return { read: () => value };
    }
  }
}

function asBytes(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text).toString('latin1');
}

function remoteAddress(input: MatchInput): string | undefined {
  const { info } = input;
  return info.downstreamRemoteAddress !== '' ? info.downstreamRemoteAddress : info.connection?.remoteAddress;
}

/** The address of `ip:port` or `[ip]:port`; undefined for paths. */
function ipOf(address: string | undefined): string | undefined {
  const colon = address?.lastIndexOf(':') ?? -1;
  if (address === undefined || colon < 0 || address.startsWith('/')) return undefined;
  return address.startsWith('[') ? address.slice(1, colon - 1) : address.slice(0, colon);
}

function portOf(address: string | undefined): string | undefined {
  return ipOf(address) === undefined ? undefined : address?.slice(address.lastIndexOf(':') + 1);
}

/** Whether both ends are the same address or the peer is a loopback one. */
function isLocal(input: MatchInput): boolean {
  const ip = ipOf(remoteAddress(input));
  return ip !== undefined && (ip.startsWith('127.') || ip === '::1' || ip === ipOf(input.info.connection?.localAddress));
}
