/** The policy override_host as plain data: requests that name their hosts, and the policy for the others. Thread: main. */
import type { OverrideHost } from '../api/gen/envoy/extensions/load_balancing_policies/override_host/v3/override_host_pb.d.ts';
import type { ExtensionConfig, ParseContext } from '../registry/parse_context.ts';
import type { OverrideSource } from './cluster_config.ts';
import { parsePolicyList } from './lb_policy_list.ts';

export const OVERRIDE_HOST_TYPE = 'envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost';

/** What the policy consists of. The cluster has the other policy for its own; its `overrideHosts` are `sources`. */
export interface OverrideHostConfig {
  readonly sources: readonly OverrideSource[];
  readonly fallback: ExtensionConfig;
}

const ROUND_ROBIN: ExtensionConfig = Object.freeze({
  name: 'envoy.load_balancing_policies.round_robin', typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin', config: Object.freeze({}),
});

export function parseOverrideHost(message: OverrideHost, context: ParseContext): OverrideHostConfig {
  const sources = message.overrideHostSources.map((source): OverrideSource => {
    const { header, metadata } = source;
    if (header === '' && metadata === undefined) context.error(source, undefined, 'Empty override source');
    if (header !== '' && metadata !== undefined) context.error(source, 'metadata', 'Only one override source must be set');
    return Object.freeze({
      headerName: header.toLowerCase(), metadataFilter: metadata?.key ?? '', metadataPath: (metadata?.path ?? []).map(({ segment }) => (segment.case === 'key' ? segment.value : '')),
    });
  });
  const notFound = (names: string): string => `dynamic forwarding LB: didn't find a registered fallback load balancer factory with names from ${names}`;
  return Object.freeze({ sources, fallback: parsePolicyList(message.fallbackPolicy, message, 'fallback_policy', notFound, context) ?? ROUND_ROBIN });
}

/** The policy that balances, and where requests name their hosts; null: nowhere. */
export function splitOverride(policy: ExtensionConfig): { readonly lbPolicy: ExtensionConfig; readonly overrideHosts: readonly OverrideSource[] | null } {
  if (policy.typeName !== OVERRIDE_HOST_TYPE) return { lbPolicy: policy, overrideHosts: null };
  const { sources, fallback } = policy.config as OverrideHostConfig;
  // Of two within one another the outer one has named all hosts already.
  return { lbPolicy: splitOverride(fallback).lbPolicy, overrideHosts: sources };
}
