/** RouteAction.hash_policy to plain data. Thread: main, config time. */
import type { RouteAction_HashPolicy, RouteAction_HashPolicy_Cookie } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import type { BalancerHashPolicies, CookieHashConfig, HashPolicyConfig } from './hash_policy_config.ts';
import { parseRegexRewrite } from './parse_regex_rewrite.ts';

/** The policies that can yield a hash, in order. */
export function parseHashPolicies(messages: readonly RouteAction_HashPolicy[], context: ParseContext): HashPolicyConfig[] {
  return messages.map((message) => parseHashPolicy(message, context)).filter((policy) => policy !== null);
}

/** Those of a balancing policy: a part of its configuration, none if there are none. */
export function parseBalancerHashPolicies(message: { readonly hashPolicy: readonly RouteAction_HashPolicy[] } | undefined, context: ParseContext): BalancerHashPolicies {
  return message === undefined || message.hashPolicy.length === 0 ? {} : { hashPolicies: parseHashPolicies(message.hashPolicy, context) };
}

function parseHashPolicy(message: RouteAction_HashPolicy, context: ParseContext): HashPolicyConfig | null {
  const { terminal } = message;
  const specifier = message.policySpecifier;
  switch (specifier.case) {
    case 'header': {
      const { headerName, regexRewrite } = specifier.value;
      return { kind: 'header', name: headerName.toLowerCase(), rewrite: regexRewrite === undefined ? null : parseRegexRewrite(regexRewrite, context), terminal };
    }
    case 'cookie':
      return parseCookie(specifier.value, terminal);
    case 'connectionProperties':
      return specifier.value.sourceIp ? { kind: 'source_ip', terminal } : null;
    case 'queryParameter':
      return { kind: 'query_parameter', name: specifier.value.name, terminal };
    case 'filterState':
      return { kind: 'filter_state', key: specifier.value.key, terminal };
    default:
      return null;
  }
}

function parseCookie(message: RouteAction_HashPolicy_Cookie, terminal: boolean): CookieHashConfig {
  const { name, ttl, path } = message;
  // Fractions of a second do not count: Max-Age has none.
  const ttlSeconds = ttl === undefined ? -1 : Math.floor(Number(ttl.seconds) + ttl.nanos / 1e9);
  return { kind: 'cookie', name, ttlSeconds, path, attributes: message.attributes.map((attribute) => ({ name: attribute.name, value: attribute.value })), terminal };
}
