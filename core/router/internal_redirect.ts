import { latin1 } from '../headers/byte_range.ts';
import { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { InternalRedirectPolicy } from '../route/internal_redirect_policy.ts';
import type { RouteEntry } from '../route/route_entry.ts';
import type { ClusterStats } from '../upstream/cluster_info.ts';
import type { KeptBody } from './kept_body.ts';
import type { RouterContext, RouterStats } from './router_context.ts';

/** An absolute URL in parts; Latin-1. */
interface RedirectUrl {
  readonly isHttps: boolean;
  readonly host: string;
  /** With query, without fragment. */
  readonly path: string;
}

/** What is left of an internal redirect to do: nothing, or to begin the request anew with this body. */
export interface RedirectRequest {
  readonly route: RouteEntry;
  readonly policy: InternalRedirectPolicy;
  readonly callbacks: TerminalFilterCallbacks;
  readonly response: HeaderMap;
  /** The request's body. Emptied when a redirect drops it. */
  readonly body: KeptBody;
}

/**
 * Turns the request's headers into those that a redirect from upstream asks for (Envoy: docs intro/arch_overview/http/
 * http_connection_management, internal redirects). False: it is not to be followed, the headers are as before, and a counter of
 * the router says why. Allocates.
 */
export function followRedirect(context: RouterContext, cluster: ClusterStats | null, redirect: RedirectRequest): boolean {
  const { callbacks, body } = redirect;
  const request = callbacks.requestHeaders();
  const isFollowed = request !== null && callbacks.isRequestComplete() && !body.isLost && rewriteRequest(context, redirect, request);
  if (isFollowed) cluster?.internalRedirectSucceeded.inc();
  else cluster?.internalRedirectFailed.inc();
  return isFollowed;
}

function rewriteRequest(context: RouterContext, redirect: RedirectRequest, request: HeaderMap): boolean {
  const { stats } = context;
  const { policy, response, callbacks } = redirect;
  const location = response.get(HeaderId.location);
  if (location === undefined) return false;
  const url = parseUrl(location);
  if (url === null) return refuse(stats, 'redirectBadLocation');
  const wasHttps = request.isHttps;
  if (!policy.allowsCrossScheme && url.isHttps !== wasHttps) return refuse(stats, 'redirectUnsafeScheme');
  const state = callbacks.redirectState();
  if (state.count >= policy.maxRedirects) return refuse(stats, 'redirectTooMany');
  const saved = new HeaderMap(context.names, context.turn);
  saved.copyFrom(request);
  copyHeaders(policy.copiedHeaderIds, response, request);
  request.isHttps = url.isHttps;
  request.set(HeaderId.authority, url.host);
  request.setPath(url.path);
  callbacks.clearRouteCache();
  const target = callbacks.routeEntry();
  let problem: keyof RouterStats | null = null;
  if (target === null) problem = 'redirectNoRoute';
  else if (!policy.accepts({ routeName: target.routeName, isDownstreamHttps: wasHttps, isTargetHttps: url.isHttps, previousRoutes: state.previousRoutes(redirect.route.routeName) })) {
    problem = 'redirectPredicate';
  }
  if (problem !== null) {
    request.copyFrom(saved);
    return refuse(stats, problem);
  }
  if (response.status === SEE_OTHER) becomeGet(request, redirect.body);
  state.count++;
  const scheme = wasHttps ? 'https' : 'http';
  request.set(context.originalUrlId, `${scheme}://${saved.get(HeaderId.authority) ?? ''}${latin1(saved.bytes, saved.pathOffset, saved.pathLength)}`);
  return true;
}

const SEE_OTHER = 303;

function refuse(stats: RouterStats, counter: keyof RouterStats): false {
  stats[counter].inc();
  return false;
}

/** http or https, host, path and query; null when it is anything else. */
function parseUrl(text: string): RedirectUrl | null {
  const match = /^(https?):\/\/(?:[^/?#@]*@)?([^/?#@]+)([^#]*)/i.exec(text);
  if (match === null) return null;
  const path = match[3];
  return { isHttps: match[1].toLowerCase() === 'https', host: match[2], path: path.startsWith('/') ? path : `/${path}` };
}

/** Headers of the redirect replace the request's; what the redirect has not is taken away. */
function copyHeaders(ids: readonly number[], from: HeaderMap, to: HeaderMap): void {
  for (const nameId of ids) {
    to.remove(nameId);
    for (let k = from.find(nameId); k >= 0; k = from.findNext(nameId, k)) to.add(nameId, from.valueAt(k));
  }
}

/** 303 asks to look elsewhere, not to send again (RFC 9110 §15.4.4). */
function becomeGet(request: HeaderMap, body: KeptBody): void {
  const method = request.get(HeaderId.method);
  if (method === 'GET' || method === 'HEAD') return;
  request.setMethod('GET');
  request.remove(HeaderId.contentLength);
  body.bytes.clear();
}
