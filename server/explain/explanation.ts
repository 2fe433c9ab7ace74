/** What `explain` tells: plain data, printed as JSON or as text. Absent = undefined, so that JSON leaves it out. */

/** `file:line:column`. */
export type Place = string | undefined;

export interface Change {
  /** `path`, `host`, or `header x`. */
  readonly what: string;
  /** undefined: it was not there. */
  readonly before: string | undefined;
  /** undefined: it is gone. */
  readonly after: string | undefined;
}

export interface AskedRouteText {
  /** From 1, among the virtual host's routes. */
  readonly number: number;
  readonly name: string;
  /** The path specifier: `prefix "/api/"`. */
  readonly path: string;
  readonly at: Place;
  /** The field below `match` that does not fit, and why; undefined for the one taken. */
  readonly failedField: string | undefined;
  readonly reason: string | undefined;
  /** The path fits. */
  readonly isNearMiss: boolean;
  /** Characters that the path specifier and the path have in common at their beginning; 0 for patterns. */
  readonly commonPathLength: number;
}

export interface HeaderMutationText {
  /** weighted cluster, route, virtual host or route configuration. */
  readonly level: string;
  /** `+ name: value (append_if_exists_or_add)` or `- name`. */
  readonly mutation: string;
}

/** A timeout or policy in force. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  /** default, route, request header x, connection manager ... */
  readonly from: string;
  readonly at: Place;
}

export interface FilterText {
  readonly name: string;
  readonly isOn: boolean;
  /** Which level says so, or configures the filter; '' = nothing but the filter chain. */
  readonly note: string;
}

export interface EndpointText {
  readonly address: string;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly health: string;
  /** The request goes to this one. */
  readonly isChosen: boolean;
}

export interface ClusterText {
  readonly name: string;
  /** STATIC, STRICT_DNS ... */
  readonly type: string;
  readonly lbPolicy: string;
  readonly endpoints: readonly EndpointText[];
  /** About endpoints that are not known here. */
  readonly note: string | undefined;
}

/** What comes of the request. */
export interface Verdict {
  readonly kind: 'forwarded' | 'answered' | 'closed' | 'held';
  /** Of an answer made here. */
  readonly status: number | undefined;
  readonly details: string | undefined;
  readonly location: string | undefined;
  readonly body: string | undefined;
  readonly cluster: string | undefined;
  /** Where it goes: `ip:port`. */
  readonly endpoint: string | undefined;
  /** As the upstream host sees them. */
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly host: string | undefined;
}

export interface Explanation {
  readonly request: { readonly method: string; readonly url: string; readonly source: string; readonly random: number };
  readonly listener: { readonly name: string; readonly address: string; readonly chosenBy: string };
  readonly filterChain: { readonly name: string; readonly number: number; readonly of: number } | undefined;
  readonly connectionManager: {
    readonly statPrefix: string;
    readonly clientAddress: string;
    readonly isInternal: boolean;
    readonly changes: readonly Change[];
  } | undefined;
  readonly routeConfig: string | undefined;
  readonly virtualHost: { readonly name: string; readonly domain: string; readonly kind: string; readonly at: Place; readonly requiresTls: boolean } | undefined;
  readonly routes: { readonly count: number; readonly hasTree: boolean; readonly asked: readonly AskedRouteText[] } | undefined;
  readonly route: { readonly name: string; readonly number: number; readonly at: Place; readonly action: string; readonly choice: string | undefined } | undefined;
  readonly filters: readonly FilterText[];
  /** Between the router and the upstream. */
  readonly upstreamFilters: readonly FilterText[];
  /** What HTTP filters changed in the request. */
  readonly filterChanges: readonly Change[];
  /** Milliseconds that they held it. */
  readonly heldMs: number;
  readonly rewrites: readonly Change[];
  readonly requestHeaders: readonly HeaderMutationText[];
  readonly responseHeaders: readonly HeaderMutationText[];
  readonly settings: readonly Setting[];
  /** Fields of the route that are set and have no effect. */
  readonly withoutEffect: readonly string[];
  readonly cluster: ClusterText | undefined;
  /** Where copies of the request go. */
  readonly copies: readonly string[];
  readonly verdict: Verdict;
  /** The request as the upstream host gets it, without body. */
  readonly upstreamRequest: readonly string[];
  readonly bugs: readonly string[];
}
