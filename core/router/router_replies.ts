import { LogContext } from '../access_log/access_log.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { RESET_REASON_TEXT, ResetReason } from '../http/codec.ts';
import type { LocalReplyOptions } from '../http/filter.ts';
import type { TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import { type RouteEntry, RouteKind } from '../route/route_entry.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import { directBody } from './direct_body.ts';
import { Refusal, refusalOf } from './refusal.ts';
import type { RequestCharges } from './request_charges.ts';
import { failureStatus, isWellFormed } from './request_rules.ts';
import { mutateRouteResponse } from './route_headers.ts';
import type { RouterContext } from './router_context.ts';

/** What the router answers itself: texts, flags and details (Envoy: docs configuration/http/http_conn_man/response_code_details). One per pooled router. */
export class RouterReplies {
  /** The stream's; null before it is known. */
  route: RouteEntry | null;
  readonly formatContext: LogContext;
  private readonly context: RouterContext;
  private readonly charges: RequestCharges;

  constructor(context: RouterContext, charges: RequestCharges) {
    this.context = context;
    this.charges = charges;
    this.formatContext = new LogContext();
    this.route = null;
  }

  /** Redirects and direct responses. */
  direct(route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks): void {
    this.context.stats.rqDirectResponse.inc();
    const isRedirect = route.kind === RouteKind.redirect;
    const location = route.redirectLocation(headers, !this.context.config.suppressEnvoyHeaders);
    const body = isRedirect ? '' : directBody(route, headers, callbacks.streamInfo, this.formatContext);
    callbacks.sendLocalReply(route.responseCode === 0 ? 404 : route.responseCode, body, {
      details: 'direct_response',
      modifyHeaders: (response) => {
        if (location !== '') response.set(HeaderId.location, location);
        mutateRouteResponse(route, response, callbacks, this.formatContext);
      },
    });
  }

  noRoute(callbacks: TerminalFilterCallbacks): void {
    this.context.stats.noRoute.inc();
    callbacks.streamInfo.setFlag(ResponseFlag.noRouteFound);
    callbacks.sendLocalReply(404, '', ROUTE_NOT_FOUND);
  }

  noCluster(status: number, callbacks: TerminalFilterCallbacks): void {
    this.context.stats.noCluster.inc();
    callbacks.streamInfo.setFlag(ResponseFlag.noClusterFound);
    this.reply(status, '', 'cluster_not_found', false, callbacks);
  }

  noHost(cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): void {
    cluster.info.stats.cxNoneHealthy.inc();
    this.noPool(callbacks);
  }

  /** There is a host, and its cluster has too many connection pools for another. */
  noPool(callbacks: TerminalFilterCallbacks): void {
    callbacks.streamInfo.setFlag(ResponseFlag.noHealthyUpstream);
    this.charges.code(503, false);
    this.reply(503, 'no healthy upstream', 'no_healthy_upstream', false, callbacks);
  }

  /** Answers a request with a malformed header that strict_check_headers names; false when there is none. */
  refusesHeaders(headers: HeaderMap, callbacks: TerminalFilterCallbacks): boolean {
    const { strictHeaderIds, config } = this.context;
    for (let i = 0; i < strictHeaderIds.length; i++) {
      if (headers.find(strictHeaderIds[i]) < 0) continue;
      const value = headers.get(strictHeaderIds[i]) ?? '';
      if (isWellFormed(strictHeaderIds[i], value)) continue;
      const name = config.strictCheckHeaders[i];
      callbacks.streamInfo.setFlag(ResponseFlag.invalidEnvoyRequestHeaders);
      callbacks.sendLocalReply(400, `invalid header '${name}' with value '${value}'`, { details: `request_headers_failed_strict_check{${name}}` });
      return true;
    }
    return false;
  }

  /** Answers when the cluster takes no request, or not this one. */
  turnsAway(cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): boolean {
    const info = callbacks.streamInfo;
    switch (refusalOf(cluster, this.context.runtime, info.random)) {
      case Refusal.maintenance:
        info.setFlag(ResponseFlag.upstreamOverflow);
        this.charges.code(503, false);
        cluster.info.stats.rqMaintenanceMode.inc();
        this.reply(503, 'maintenance mode', 'maintenance_mode', true, callbacks);
        return true;
      case Refusal.drop:
        info.setFlag(ResponseFlag.unconditionalDropOverload);
        this.charges.code(503, false);
        callbacks.sendLocalReply(503, 'unconditional drop overload', DROP_OVERLOAD);
        return true;
      default:
        return false;
    }
  }

  /** The upstream failed before it answered; that is counted already. */
  upstreamReset(reason: ResetReason, transportFailure: string, isRetry: boolean, callbacks: TerminalFilterCallbacks): void {
    const text = RESET_REASON_TEXT[reason];
    const status = failureStatus(reason);
    const suffix = transportFailure === '' ? '' : `, transport failure reason: ${transportFailure}`;
    const detail = transportFailure === '' ? '' : `|${transportFailure}`;
    const latest = isRetry ? 'retried and the latest ' : '';
    this.reply(status, `upstream connect error or disconnect/reset before headers. ${latest}reset reason: ${text}${suffix}`,
      `upstream_reset_${this.charges.hasInterimResponse ? 'after' : 'before'}_response_started{${text}${detail}}`.replaceAll(' ', '_'), reason === ResetReason.overflow, callbacks);
  }

  /** Carries the route's response headers, like a response from upstream. */
  reply(status: number, body: string, details: string, isOverloaded: boolean, callbacks: TerminalFilterCallbacks): void {
    const { route } = this;
    callbacks.sendLocalReply(status, body, {
      details,
      modifyHeaders: (headers) => {
        if (isOverloaded) headers.set(HeaderId.envoyOverloaded, 'true');
        const attempts = callbacks.streamInfo.upstreamAttemptCount;
        if (attempts > 0 && route?.virtualHost.includeAttemptCountInResponse === true) headers.setInteger(HeaderId.envoyAttemptCount, attempts);
        if (route !== null) mutateRouteResponse(route, headers, callbacks, this.formatContext);
      },
    });
  }
}

const ROUTE_NOT_FOUND: LocalReplyOptions = { details: 'route_not_found' };
const DROP_OVERLOAD: LocalReplyOptions = {
  details: 'unconditional_drop_overload',
  modifyHeaders: (headers) => headers.setByName('x-envoy-unconditional-drop-overload', 'true'),
};
