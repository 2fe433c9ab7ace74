/** request_mirror_policies to plain data. Thread: main, config time. */
import type { HeaderMutation } from '../api/gen/envoy/config/common/mutation_rules/v3/mutation_rules_pb.d.ts';
import type { RouteAction_RequestMirrorPolicy } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import { isModifiableHeader } from '../headers/header_mutation.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import { parseRuntimeFraction } from '../runtime/parse_runtime.ts';
import type { MirrorPolicyConfig } from './mirror_policy.ts';
import type { HeaderMutationConfig } from './header_mutation_list.ts';
import { parseHeaderMutation } from './parse_header_mutation_list.ts';

/** The policies of one level; whether the spans of copies are sampled is left unread. */
export function parseMirrorPolicies(
  messages: readonly RouteAction_RequestMirrorPolicy[], clusterNames: ReadonlySet<string> | undefined, context: ParseContext,
): MirrorPolicyConfig[] {
  return messages.map((message) => parseMirrorPolicy(message, clusterNames, context));
}

function parseMirrorPolicy(
  message: RouteAction_RequestMirrorPolicy, clusterNames: ReadonlySet<string> | undefined, context: ParseContext,
): MirrorPolicyConfig {
  const { cluster, clusterHeader, runtimeFraction } = message;
  if (cluster !== '' && clusterHeader !== '') context.error(message, 'cluster_header', `Only one of cluster '${cluster}' or cluster_header '${clusterHeader}' in request mirror policy can be specified`);
  else if (cluster === '' && clusterHeader === '') context.error(message, undefined, 'Exactly one of cluster or cluster_header in request mirror policy need to be specified');
  else if (cluster !== '' && clusterNames !== undefined && !clusterNames.has(cluster)) context.error(message, 'cluster', `route: unknown shadow cluster '${cluster}'`);
  return {
    cluster,
    clusterHeader: clusterHeader.toLowerCase(),
    runtimeFraction: runtimeFraction === undefined ? null : parseRuntimeFraction(runtimeFraction),
    appendsShadowSuffix: !message.disableShadowHostSuffixAppend,
    hostRewrite: message.hostRewriteLiteral,
    mutations: message.requestHeadersMutations.map((mutation) => parseMutation(mutation, context)).filter((mutation) => mutation !== undefined),
  };
}

function parseMutation(message: HeaderMutation, context: ParseContext): HeaderMutationConfig | undefined {
  // Unlike elsewhere, this is an error.
  if (message.action.case === 'remove' && !isModifiableHeader(message.action.value)) {
    context.error(message, 'remove', ':-prefixed or host headers may not be removed');
    return undefined;
  }
  return parseHeaderMutation(message, context);
}
