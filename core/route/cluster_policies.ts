/** Policies of routes that a cluster has itself (HttpProtocolOptions): each comes before that of the route. */
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
}

/** A cluster that leaves all to the route. */
export const NO_CLUSTER_POLICIES: ClusterPoliciesConfig = Object.freeze({ mirrorPolicies: Object.freeze([]), hashPolicies: Object.freeze([]), retries: null });

/** The compiled policies of one cluster; null = as the route says. */
export class ClusterPolicies {
  readonly mirrors: readonly MirrorPolicy[] | null;
  readonly hashPolicy: HashPolicy | null;
  /** The same if it is the balancer's. */
  readonly balancerHash: HashPolicy | null;
  readonly retries: RetryPolicy | null;

  constructor(config: ClusterPoliciesConfig, context: MirrorCompileContext & RetryCompileContext) {
    this.mirrors = compileMirrorPolicies(config.mirrorPolicies, context);
    this.balancerHash = config.isHashOfBalancer === true ? new HashPolicy(config.hashPolicies, context.names) : null;
    this.hashPolicy = this.balancerHash ?? compileHashPolicy(config.hashPolicies, context.names);
    this.retries = config.retries === null ? null : new RetryPolicy(config.retries, context);
  }
}
