import type { HeaderMap } from '../headers/header_map.ts';
import { NO_HEADER_MUTATIONS } from '../headers/header_mutation.ts';
import { compilePerFilter, type PerFilterProducts } from './per_filter_config.ts';
import type { RouteConfig, VirtualHostConfig } from './route_config.ts';
import { pathLengthWithoutQuery, RouteEntry, type RouteCompileContext, type RouteVirtualHost } from './route_entry.ts';
import { TLS_REDIRECT } from './tls_redirect.ts';

const RequireTls = { none: 0, externalOnly: 1, all: 2 } as const;
const REQUIRE_TLS = { none: RequireTls.none, external_only: RequireTls.externalOnly, all: RequireTls.all } as const;

/** One compiled virtual host: its routes in order. */
export class VirtualHost implements RouteVirtualHost {
  readonly config: VirtualHostConfig;
  readonly name: string;
  readonly routes: readonly RouteEntry[];
  readonly includeRequestAttemptCount: boolean;
  readonly includeAttemptCountInResponse: boolean;
  private readonly requireTls: number;
  private readonly tlsRedirect: RouteEntry | null;

  constructor(config: VirtualHostConfig, table: RouteConfig, tablePerFilter: PerFilterProducts | null, context: RouteCompileContext) {
    this.config = config;
    this.name = config.name;
    this.includeRequestAttemptCount = config.includeRequestAttemptCount;
    this.includeAttemptCountInResponse = config.includeAttemptCountInResponse;
    const perFilter = compilePerFilter(config.perFilterConfig, tablePerFilter, context);
    const parents = { table, virtualHost: this, perFilter };
    this.routes = config.routes.map((route) => new RouteEntry(route, parents, context, null));
    this.requireTls = REQUIRE_TLS[config.requireTls];
    this.tlsRedirect = this.requireTls === RequireTls.none ? null : tlsRedirectEntry(this, table, context);
  }

  /** First matching route with its weighted cluster chosen, a redirect to https where TLS is required, or null. */
  match(headers: HeaderMap, random: number, isHttps: boolean, isInternal: boolean): RouteEntry | null {
    if (!isHttps && this.requireTls !== RequireTls.none && (this.requireTls === RequireTls.all || !isInternal)) return this.tlsRedirect;
    const pathLength = pathLengthWithoutQuery(headers);
    const isConnect = isConnectMethod(headers);
    const routes = this.routes;
    for (let i = 0; i < routes.length; i++) {
      if (routes[i].matches(headers, pathLength, isConnect, random)) return routes[i].pick(headers, random);
    }
    return null;
  }
}

/** The redirect that require_tls answers with: no header mutations, no per-filter configuration. */
function tlsRedirectEntry(virtualHost: VirtualHost, table: RouteConfig, context: RouteCompileContext): RouteEntry {
  const noMutations = { requestHeaders: NO_HEADER_MUTATIONS, responseHeaders: NO_HEADER_MUTATIONS };
  const bare = {
    config: { ...virtualHost.config, ...noMutations },
    name: virtualHost.name,
    includeRequestAttemptCount: false,
    includeAttemptCountInResponse: false,
  };
  return new RouteEntry(TLS_REDIRECT, { table: { ...table, ...noMutations }, virtualHost: bare, perFilter: null }, context, null);
}

function isConnectMethod(headers: HeaderMap): boolean {
  if (headers.methodLength !== CONNECT.length) return false;
  for (let i = 0; i < CONNECT.length; i++) if (headers.bytes[headers.methodOffset + i] !== CONNECT[i]) return false;
  return true;
}

const CONNECT = new Uint8Array(Buffer.from('CONNECT'));
