/** Policies of routes that a cluster has itself (HttpProtocolOptions): each comes before that of the route. */
import type { HttpFilterConfig } from '../registry/http_filter_config.ts';
import { compileHashPolicy, HashPolicy } from './hash_policy.ts';
import type { HashPolicyConfig } from './hash_policy_config.ts';
import { compileMirrorPolicies, type MirrorCompileContext, type MirrorPolicy, type MirrorPolicyConfig } from './mirror_policy.ts';
import { type RetryCompileContext, RetryPolicy, type RetryPolicyConfig } from './retry_policy.ts';

/** As plain data; kept in `ClusterConfig.requestPolicies`. */
export interface ClusterPoliciesConfig {
  readonly mirrorPolicies: readonly MirrorPolicyConfig[];
  readonly hashPolicies: readonly HashPolicyConfig[];
  /** They are the balancer's: then the route's never count, even if none of these can give a hash. */
  readonly isHashOfBalancer?: boolean;
  /** null = none. */
  readonly retries: RetryPolicyConfig | null;
  /** What each try passes, without the codec at the end; null = as the router says. */
  readonly upstreamFilters: readonly HttpFilterConfig[] | null;
}

/** A cluster that leaves all to the route, or the router. */
export const NO_CLUSTER_POLICIES: ClusterPoliciesConfig = Object.freeze({ mirrorPolicies: Object.freeze([]), hashPolicies: Object.freeze([]), retries: null, upstreamFilters: null });

/** The compiled policies of one cluster; null = as the route, or the router, says. */
export class ClusterPolicies {
  readonly mirrors: readonly MirrorPolicy[] | null;
  readonly hashPolicy: HashPolicy | null;
  /** The same if it is the balancer's. */
  readonly balancerHash: HashPolicy | null;
  readonly retries: RetryPolicy | null;
  /** core/router's UpstreamFilters; opaque to this layer. */
  readonly upstreamFilters: object | null;

  constructor(config: ClusterPoliciesConfig, context: MirrorCompileContext & RetryCompileContext & { compileFilters(filters: readonly HttpFilterConfig[]): object }) {
    this.mirrors = compileMirrorPolicies(config.mirrorPolicies, context);
    this.balancerHash = config.isHashOfBalancer === true ? new HashPolicy(config.hashPolicies, context.names) : null;
    this.hashPolicy = this.balancerHash ?? compileHashPolicy(config.hashPolicies, context.names);
    this.retries = config.retries === null ? null : new RetryPolicy(config.retries, context);
    this.upstreamFilters = config.upstreamFilters === null ? null : context.compileFilters(config.upstreamFilters);
  }
}
