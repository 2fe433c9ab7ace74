/** Hash policies of a route as plain data (envoy.config.route.v3.RouteAction.HashPolicy). */
import type { RegexRewriteConfig } from './regex_rewrite.ts';

/** What a balancing policy that has hash policies of its own keeps in its configuration. */
export interface BalancerHashPolicies {
  readonly hashPolicies?: readonly HashPolicyConfig[];
}

interface Terminal {
  /** Once a hash is known here, later policies are not looked at. */
  readonly terminal: boolean;
}

export interface CookieAttributeConfig {
  readonly name: string;
  /** '' = the name alone. */
  readonly value: string;
}

export interface CookieHashConfig extends Terminal {
  readonly kind: 'cookie';
  readonly name: string;
  /** Seconds that a cookie made here lives; 0 = as long as the browser's session; -1 = none is made. */
  readonly ttlSeconds: number;
  readonly path: string;
  readonly attributes: readonly CookieAttributeConfig[];
}

export type HashPolicyConfig =
  | (Terminal & { readonly kind: 'header'; readonly name: string; readonly rewrite: RegexRewriteConfig | null })
  | CookieHashConfig
  | (Terminal & { readonly kind: 'source_ip' })
  | (Terminal & { readonly kind: 'query_parameter'; readonly name: string })
  | (Terminal & { readonly kind: 'filter_state'; readonly key: string });
