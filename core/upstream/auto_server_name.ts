import { parseIp, withoutPort } from '../base/cidr.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId, type HeaderNames } from '../headers/header_names.ts';
import type { TransportSocketOptions } from '../network/transport_socket.ts';
import type { AutoServerNameConfig } from './cluster_config.ts';

/** Under which it is left for log lines. */
const SERVER_NAME = 'envoy.network.upstream_server_name';
const SUBJECT_ALT_NAMES = 'envoy.network.upstream_subject_alt_names';
const NO_NAMES: readonly string[] = [];

/** What requests say of the connections they go over: by what name their host must be known. Per worker. */
export class AutoServerName {
  private readonly config: AutoServerNameConfig;
  /** -1 = host is looked at only. */
  private readonly headerId: number;

  constructor(config: AutoServerNameConfig, names: HeaderNames) {
    this.config = config;
    this.headerId = config.header === '' ? -1 : names.intern(config.header);
  }

  /**
   * Of a request whose headers are as they go out, but for auto_host_rewrite; null = nothing. An address is no server name, but
   * certificates are asked for it. Source: Envoy docs, config.core.v3.UpstreamHttpProtocolOptions.
   */
  optionsOf(headers: HeaderMap, info: { filterState?: Map<string, unknown> | null }): TransportSocketOptions | null {
    const stated = this.headerId < 0 ? undefined : headers.get(this.headerId);
    const authority = stated !== undefined && stated !== '' ? stated : (headers.get(HeaderId.authority) ?? '');
    if (authority === '') return null;
    const name = withoutPort(authority);
    const { setsServerName, verifiesName } = this.config;
    const options: TransportSocketOptions = {
      serverName: setsServerName && parseIp(name) === null ? name : '',
      subjectAltNames: verifiesName ? [name] : NO_NAMES,
    };
    const state = (info.filterState ??= new Map());
    if (options.serverName !== '') state.set(SERVER_NAME, name);
    if (verifiesName) state.set(SUBJECT_ALT_NAMES, name);
    return options;
  }
}
