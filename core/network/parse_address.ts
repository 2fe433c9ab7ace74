/** Address messages to plain data. Thread: main, config time. */
import { SocketAddress_Protocol } from '../api/gen/envoy/config/core/v3/address_enums.ts';
import type { Address, CidrRange, SocketAddress } from '../api/gen/envoy/config/core/v3/address_pb.d.ts';
import { parseIp } from '../base/cidr.ts';
import type { ParseContext } from '../registry/parse_context.ts';

/** sizeof(sockaddr_un.sun_path) on Linux. */
const PIPE_PATH_BYTES_MAX = 108;

/** Numeric address and port, or a path ('/…', '@…') with port 0. */
export interface ParsedAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * A listener's or static endpoint's address: numeric, or a Unix socket. `hint` is appended to the error about host names.
 * Reports and returns undefined on failure.
 */
export function parseNumericAddress(message: Address, context: ParseContext, hint = ''): ParsedAddress | undefined {
  switch (message.address.case) {
    case 'socketAddress':
      return parseNumericSocketAddress(message.address.value, context, hint);
    case 'pipe':
      return parsePipe(message, context);
    case 'envoyInternalAddress':
      context.refuse(message, 'envoy_internal_address', 'internal listeners');
      return undefined;
    default:
      return undefined;
  }
}

/** A numeric socket address. */
export function parseNumericSocketAddress(message: SocketAddress, context: ParseContext, hint = ''): ParsedAddress | undefined {
  const specifier = message.portSpecifier;
  const port = specifier.case === 'portValue' ? specifier.value : 0;
  if (specifier.case === 'namedPort') context.error(message, 'named_port', `IP resolver can't handle port specifier type 4${hint}`);
  if (message.protocol !== SocketAddress_Protocol.TCP) context.refuse(message, 'protocol', 'UDP');
  if (message.resolverName !== '') context.error(message, 'resolver_name', `Unknown address resolver: ${message.resolverName}`);
  const address = message.address;
  if (parseIp(address) === null) {
    context.error(message, 'address', `malformed IP address: ${address}${hint}`);
    return undefined;
  }
  return { address, port };
}

/** The address of a DNS cluster's endpoint: a name or number with a port, or a Unix socket. */
export function parseNamedAddress(message: Address, context: ParseContext): ParsedAddress | undefined {
  if (message.address.case !== 'socketAddress') return parseNumericAddress(message, context);
  const socket = message.address.value;
  if (socket.protocol !== SocketAddress_Protocol.TCP) context.refuse(socket, 'protocol', 'UDP');
  if (socket.resolverName !== '') context.error(socket, 'resolver_name', `Unknown address resolver: ${socket.resolverName}`);
  const specifier = socket.portSpecifier;
  if (specifier.case === 'namedPort') context.warn(socket, 'named_port', 'ports are not looked up by name, as in Envoy: hosts get port 0');
  return { address: socket.address, port: specifier.case === 'portValue' ? specifier.value : 0 };
}

/** `ip/len` with the bits beyond the length as written. Reports and returns undefined on failure. */
export function parseCidr(message: CidrRange, context: ParseContext): string | undefined {
  const bytes = parseIp(message.addressPrefix);
  if (bytes === null) {
    context.error(message, 'address_prefix', `malformed IP address: ${message.addressPrefix}`);
    return undefined;
  }
  // Too long a prefix means all bits, none given means 0.
  return `${message.addressPrefix}/${Math.min(message.prefixLen ?? 0, bytes.length * 8)}`;
}

/** `1.2.3.4:80`, `[::1]:80` or a path: as it is shown and as stat names begin. */
export function addressText(address: ParsedAddress): string {
  if (address.address.startsWith('/') || address.address.startsWith('@')) return address.address;
  return address.address.includes(':') ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}

function parsePipe(message: Address, context: ParseContext): ParsedAddress | undefined {
  if (message.address.case !== 'pipe') return undefined;
  const pipe = message.address.value;
  if (Buffer.byteLength(pipe.path) >= PIPE_PATH_BYTES_MAX) {
    context.error(pipe, 'path', `Path "${pipe.path}" exceeds maximum UNIX domain socket path size of ${PIPE_PATH_BYTES_MAX}.`);
  }
  return { address: pipe.path, port: 0 };
}
