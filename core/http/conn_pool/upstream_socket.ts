import { ConnectFailure, type ConnectOptions, type Io } from '../../io/io.ts';
import type { TlsConnect } from '../../io/tls.ts';
import { localAddressFor } from '../../upstream/address_order.ts';
import type { ClusterConfig, HostAddress } from '../../upstream/cluster_config.ts';
import { hostAddressText } from '../../upstream/host.ts';

/** Begins a connect to an upstream address as the cluster says: a connection number, or a negative errno. `tls`: null = a plain one. */
export function openUpstreamSocket(io: Io, config: ClusterConfig, target: HostAddress, tls: TlsConnect | null): number {
  const options: ConnectOptions = {};
  if (tls !== null) options.tls = tls;
  const local = localAddressFor(config, target);
  if (local !== null) options.bind = local;
  if (config.socketOptions !== null) options.socketOptions = target.address.includes(':') ? config.socketOptions.v6 : config.socketOptions.v4;
  if (config.tcpKeepAlive !== null) options.keepAlive = config.tcpKeepAlive;
  return io.connect(target.address, target.port, options);
}

/** Why a connect failed before it began, as Envoy says it. */
export function localFailureText(error: number, config: ClusterConfig, target: HostAddress): string {
  const local = localAddressFor(config, target);
  if ((error & ConnectFailure.bind) === 0 || local === null) return '';
  return `failed to bind to ${hostAddressText(local.address, local.port)}: ${errnoText(error & ConnectFailure.errno)}`;
}

/** The text Envoy's users see in `delayed connect error:`: the system's message for an errno. */
export function errnoText(error: number): string {
  return ERRNO_TEXT.get(error) ?? `errno ${error}`;
}

const ERRNO_TEXT: ReadonlyMap<number, string> = new Map([
  [11, 'Resource temporarily unavailable'], [13, 'Permission denied'], [22, 'Invalid argument'], [24, 'Too many open files'], [32, 'Broken pipe'],
  [97, 'Address family not supported by protocol'], [98, 'Address already in use'], [99, 'Cannot assign requested address'],
  [101, 'Network is unreachable'], [103, 'Software caused connection abort'], [104, 'Connection reset by peer'],
  [110, 'Connection timed out'], [111, 'Connection refused'], [113, 'No route to host'], [2, 'No such file or directory'],
]);
