import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { MatchInput } from '../matcher/match_input.ts';
import { compilePerFilter } from './per_filter_config.ts';
import type { RouteConfig } from './route_config.ts';
import type { RouteCompileContext, RouteEntry } from './route_entry.ts';
import { VirtualHost } from './virtual_host.ts';
import { VirtualHostMatcher } from './virtual_host_matcher.ts';

/**
 * A compiled route configuration. Built per thread and snapshot; unchanging, so that streams may hold on to it. Matching
 * allocates nothing, but for regexes.
 */
export class RouteTable {
  readonly config: RouteConfig;
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
  /** Ids of internal_only_headers: stripped from external requests. */
  readonly internalOnlyHeaderIds: readonly number[];
  /** The host's, or that of vhost_header. */
  private readonly hostHeaderId: number;
  private readonly matcher: VirtualHostMatcher<VirtualHost>;

  private constructor(config: RouteConfig, context: RouteCompileContext) {
    this.config = config;
    this.name = config.name;
    this.internalOnlyHeaderIds = config.internalOnlyHeaders.map((name) => context.names.intern(name));
    const perFilter = compilePerFilter(config.perFilterConfig, null, context);
    this.virtualHosts = config.virtualHosts.map((virtualHost) => new VirtualHost(virtualHost, config, perFilter, context));
    this.hostHeaderId = config.vhostHeader === '' ? HeaderId.authority : context.names.intern(config.vhostHeader);
    this.matcher = new VirtualHostMatcher(
      this.virtualHosts.flatMap((virtualHost) => virtualHost.config.domains.map((domain) => [domain, virtualHost] as const)),
      config.ignorePortInHostMatching,
    );
  }

  /** Compiles a checked configuration. Interns header names; throws on bad regexes (checked where they were read). */
  static compile(config: RouteConfig, context: RouteCompileContext): RouteTable {
    return new RouteTable(config, context);
  }

  /** The virtual host of a request, or null. */
  findVirtualHost(headers: HeaderMap): VirtualHost | null {
    const k = headers.find(this.hostHeaderId);
    return k < 0 ? this.matcher.find(headers.bytes, 0, -1) : this.matcher.find(headers.bytes, headers.entries[k + 3], headers.entries[k + 4]);
  }

  /** The route of a request, or null. A virtual host that requires TLS gives a redirect entry. */
  match(input: MatchInput): RouteEntry | null {
    const virtualHost = this.findVirtualHost(input.headers);
    return virtualHost === null ? null : virtualHost.match(input);
  }
}
