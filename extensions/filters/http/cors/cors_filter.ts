import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId, type HeaderNames } from '../../../../core/headers/header_names.ts';
import { FilterHeadersStatus, type FilterCallbacks, type FilterRoute, type HttpFilter } from '../../../../core/http/filter.ts';
import type { HttpFilterContext } from '../../../../core/http/filter_context.ts';
import { RouteKind } from '../../../../core/route/route_entry.ts';
import type { RuntimeSnapshot } from '../../../../core/runtime/runtime_snapshot.ts';
import type { Counter } from '../../../../core/stats/stats.ts';
import type { CorsPolicyConfig } from './cors_config.ts';
import { CorsPolicy, isPreflight } from './cors_policy.ts';

const DETAILS = 'cors_response';

/** What all streams of one CORS filter on this worker share. */
export class CorsShared {
  readonly runtime: RuntimeSnapshot;
  readonly originValid: Counter;
  readonly originInvalid: Counter;
  readonly requestHeadersId: number;
  private readonly context: HttpFilterContext;
  /** Policy by route, made when a route's first cross-origin request comes; null = no level has one. */
  private readonly policies: WeakMap<FilterRoute, CorsPolicy | null>;

  constructor(context: HttpFilterContext) {
    const scope = context.scope.scope('cors');
    const names: HeaderNames = context.names;
    this.runtime = context.runtime;
    this.originValid = scope.counter('origin_valid');
    this.originInvalid = scope.counter('origin_invalid');
    this.requestHeadersId = names.intern('access-control-request-headers');
    this.context = context;
    this.policies = new WeakMap();
  }

  random(): number {
    return this.context.random();
  }

  policyOf(callbacks: FilterCallbacks): CorsPolicy | null {
    const route = callbacks.route();
    // What is answered here is no resource of an upstream to protect.
    if (route === null || route.kind !== RouteKind.route) return null;
    const known = this.policies.get(route);
    if (known !== undefined) return known;
    const levels = callbacks.routeConfigs() as CorsPolicyConfig[];
    const policy = levels.length === 0 ? null : new CorsPolicy(levels);
    this.policies.set(route, policy);
    return policy;
  }
}

/**
 * Cross-origin resource sharing (Fetch standard): answers preflight requests, and tells browsers which origins may read a
 * response. A request without `origin` costs one look-up.
 */
export class CorsFilter implements HttpFilter {
  private readonly shared: CorsShared;
  private callbacks: FilterCallbacks | null;
  /** Set while the stream is a cross-origin request that is allowed. */
  private policy: CorsPolicy | null;
  private origin: string;

  constructor(shared: CorsShared) {
    this.shared = shared;
    this.callbacks = null;
    this.policy = null;
    this.origin = '';
  }

  setCallbacks(callbacks: FilterCallbacks): void {
    this.callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const k = headers.find(HeaderId.origin);
    const { callbacks, shared } = this;
    if (k < 0 || headers.entries[k + 4] === 0 || callbacks === null) return FilterHeadersStatus.continue;
    const policy = shared.policyOf(callbacks);
    if (policy === null) return FilterHeadersStatus.continue;
    const isEnabled = policy.isEnabled(shared.runtime, shared.random());
    if (!isEnabled && !policy.isShadowed(shared.runtime, shared.random())) return FilterHeadersStatus.continue;
    const isAllowed = policy.allowsOrigin(headers, k);
    (isAllowed ? shared.originValid : shared.originInvalid).inc();
    if (!isEnabled) return FilterHeadersStatus.continue;
    if (!isAllowed) {
      if (policy.forwardNotMatchingPreflights || !isPreflight(headers)) return FilterHeadersStatus.continue;
      return this.answerPreflight(headers, callbacks, policy, '');
    }
    this.policy = policy;
    this.origin = headers.valueAt(k);
    return isPreflight(headers) ? this.answerPreflight(headers, callbacks, policy, this.origin) : FilterHeadersStatus.continue;
  }

  encodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const policy = this.policy;
    if (policy === null) return FilterHeadersStatus.continue;
    headers.set(HeaderId.accessControlAllowOrigin, this.origin);
    if (policy.allowCredentials) headers.set(HeaderId.accessControlAllowCredentials, 'true');
    if (policy.exposeHeaders !== '') headers.set(HeaderId.accessControlExposeHeaders, policy.exposeHeaders);
    return FilterHeadersStatus.continue;
  }

  onDestroy(): void {
    this.policy = null;
    this.origin = '';
  }

  private answerPreflight(request: HeaderMap, callbacks: FilterCallbacks, policy: CorsPolicy, origin: string): FilterHeadersStatus {
    // The response must be made before the request's headers can go.
    const methods = policy.allowMethods === '*' ? request.get(HeaderId.accessControlRequestMethod) ?? '' : policy.allowMethods;
    const allowed = policy.allowHeaders === '*' ? request.get(this.shared.requestHeadersId) ?? '' : policy.allowHeaders;
    const isPrivate = policy.allowPrivateNetworkAccess && request.valueEquals(HeaderId.accessControlRequestPrivateNetwork, 'true');
    const modifyHeaders = (headers: HeaderMap): void => {
      if (origin !== '') headers.set(HeaderId.accessControlAllowOrigin, origin);
      if (policy.allowCredentials) headers.set(HeaderId.accessControlAllowCredentials, 'true');
      if (policy.allowMethods !== '') headers.set(HeaderId.accessControlAllowMethods, methods);
      if (policy.allowHeaders !== '') headers.set(HeaderId.accessControlAllowHeaders, allowed);
      if (policy.maxAge !== '') headers.set(HeaderId.accessControlMaxAge, policy.maxAge);
      if (isPrivate) headers.set(HeaderId.accessControlAllowPrivateNetwork, 'true');
    };
    callbacks.sendLocalReply(200, '', { details: DETAILS, modifyHeaders });
    return FilterHeadersStatus.stopIteration;
  }
}
