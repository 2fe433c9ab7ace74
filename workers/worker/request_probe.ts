/** An HTTP filter that changes nothing and notes what a request looks like where it stands, for dry runs. */
import type { LogContext } from '../../core/access_log/access_log.ts';
import { compileFormat, compileHeaderValue } from '../../core/formatter/formatter.ts';
import type { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderMutator } from '../../core/headers/header_mutation.ts';
import { HeaderId } from '../../core/headers/header_names.ts';
import { FilterHeadersStatus, type FilterCallbacks, type FilterRoute, type HttpFilter } from '../../core/http/filter.ts';
import type { HttpFilterContext } from '../../core/http/filter_context.ts';
import { MatchInput } from '../../core/matcher/match_input.ts';
import { failedField, NO_FAILURE } from '../../core/route/match_failure.ts';
import type { RouteConfig } from '../../core/route/route_config.ts';
import { RouteEntry } from '../../core/route/route_entry.ts';
import { RouteTable } from '../../core/route/route_table.ts';
import type { StreamInfo } from '../../core/stream_info/stream_info.ts';
import type { HeaderPair, RequestState, RouteDecision } from '../protocol/dry_run.ts';

/** What one probe saw. */
export interface RequestTrace {
  readonly info: StreamInfo;
  readonly state: RequestState;
  readonly isInternal: boolean;
  readonly clientAddress: string;
  /** null without a route table. */
  readonly decision: RouteDecision | null;
}

export class RequestProbe implements HttpFilter {
  private readonly table: RouteTable | null;
  private readonly forcesInternal: () => boolean;
  private readonly onRequest: (trace: RequestTrace) => void;
  private callbacks: FilterCallbacks | null;

  /** `table`: how the request is routed is noted too. `forcesInternal`: it becomes an internal one here. */
  constructor(table: RouteTable | null, forcesInternal: () => boolean, onRequest: (trace: RequestTrace) => void) {
    this.table = table;
    this.forcesInternal = forcesInternal;
    this.onRequest = onRequest;
    this.callbacks = null;
  }

  setCallbacks(callbacks: FilterCallbacks): void {
    this.callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const { callbacks } = this;
    if (callbacks === null) return FilterHeadersStatus.continue;
    const info = callbacks.streamInfo;
    if (this.forcesInternal() && !info.isInternalRequest) {
      info.isInternalRequest = true;
      headers.set(HeaderId.envoyInternal, 'true');
      callbacks.clearRouteCache();
    }
    this.onRequest({
      info,
      state: stateOf(headers),
      isInternal: info.isInternalRequest,
      clientAddress: info.downstreamRemoteAddress === '' ? info.connection?.remoteAddress ?? '' : info.downstreamRemoteAddress,
      decision: this.table === null ? null : decide(this.table, headers, info, callbacks.route()),
    });
    return FilterHeadersStatus.continue;
  }
}

/** The table that the chain routes by, compiled once more for its probe. */
export function compileTable(routes: RouteConfig, context: HttpFilterContext): RouteTable {
  return RouteTable.compile(routes, {
    names: context.names, runtime: context.runtime,
    perFilter: (_, extension) => extension.config,
    product: (_, extension) => extension.config,
    formatEnvironment: context.formatEnvironment,
    compileFormat: (format) => compileFormat(format, context.formatEnvironment),
    compileMutations: (levels) => new HeaderMutator<LogContext>(levels, context.names, (format) => compileHeaderValue(format, context.formatEnvironment)),
  });
}

function stateOf(headers: HeaderMap): RequestState {
  const pairs: HeaderPair[] = [];
  headers.forEach((name, value) => {
    if (name !== 'host') pairs.push([name, value]);
  });
  return {
    method: headers.get(HeaderId.method) ?? '',
    path: headers.get(HeaderId.path) ?? '',
    authority: headers.get(HeaderId.authority) ?? '',
    scheme: headers.isHttps ? 'https' : 'http',
    headers: pairs,
  };
}

/** Asks the table as the stream does, and compares. */
function decide(table: RouteTable, headers: HeaderMap, info: StreamInfo, live: FilterRoute | null): RouteDecision {
  const virtualHost = table.findVirtualHost(headers);
  if (virtualHost === null) return { virtualHost, redirectsToTls: false, asked: [], route: null, weightedCluster: null, isLive: live === null };
  const input = new MatchInput(headers, info);
  input.readStream();
  const { redirectsToTls, tried, route } = virtualHost.explain(input);
  const last = tried.at(-1);
  return {
    virtualHost: virtualHost.config,
    redirectsToTls,
    asked: tried.map((each) => ({ route: each.route.config, failedField: failedField(each.failure, each.route.config.match.path.kind) })),
    route: last?.failure === NO_FAILURE ? last.route.config : null,
    weightedCluster: route?.weightedCluster ?? null,
    isLive: live === null ? route === null : live instanceof RouteEntry && live.config === route?.config && live.weightedCluster === route.weightedCluster,
  };
}
