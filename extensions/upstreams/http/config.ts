import type { HttpProtocolOptions } from '../../../core/api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.d.ts';
import type { Http1ProtocolOptions } from '../../../core/api/gen/envoy/config/core/v3/protocol_pb.d.ts';
import { deepFreeze } from '../../../core/base/deep_freeze.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';
import type { ClusterPoliciesConfig } from '../../../core/route/cluster_policies.ts';
import { parseHashPolicies } from '../../../core/route/parse_hash_policy.ts';
import { parseMirrorPolicies } from '../../../core/route/parse_mirror_policies.ts';
import { parseRetries } from '../../../core/route/parse_retry_policy.ts';
import { parseErrorPredicate } from '../../../core/upstream/error_predicate.ts';
import { parseAutoServerName, parseCommonOptions, parseUpstreamHttp1, UPSTREAM_OPTIONS_CATEGORY, type ParsedHttpOptions } from '../../../core/upstream/http_protocol_options.ts';
import { CLUSTER_UPSTREAM_CHAIN, parseUpstreamFilters } from '../../../core/http/parse_http_filters.ts';

/** The options are data through and through: workers get them within the cluster's configuration. */
const factory: ExtensionFactory<ParsedHttpOptions, unknown, ParsedHttpOptions> = {
  category: UPSTREAM_OPTIONS_CATEGORY,
  name: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  typeName: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  parse: (message, context) => parseHttpProtocolOptions(message as HttpProtocolOptions, context),
  createFactory: (config) => config,
};

/** Adds the options to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}

function parseHttpProtocolOptions(message: HttpProtocolOptions, context: ParseContext): ParsedHttpOptions {
  const http1 = selectHttp1(message, context);
  const matcher = message.outlierDetection?.errorMatcher;
  return deepFreeze({
    ...parseCommonOptions(message.commonHttpProtocolOptions), protocol: 'http1', http1: parseUpstreamHttp1(http1, context), offersHttp2: offersHttp2(message),
    autoServerName: parseAutoServerName(message.upstreamHttpProtocolOptions),
    errors: matcher === undefined ? null : parseErrorPredicate(matcher, context), requestPolicies: parsePolicies(message, context),
  });
}

function parsePolicies(message: HttpProtocolOptions, context: ParseContext): ClusterPoliciesConfig | null {
  const { requestMirrorPolicies, hashPolicy, retryPolicy } = message;
  const upstreamFilters = parseUpstreamFilters(message, message.httpFilters, CLUSTER_UPSTREAM_CHAIN, context);
  if (requestMirrorPolicies.length === 0 && hashPolicy.length === 0 && retryPolicy === undefined && upstreamFilters === null) return null;
  return {
    // Clusters may name each other in any order: whether they exist is seen when one is needed, as in Envoy.
    mirrorPolicies: parseMirrorPolicies(requestMirrorPolicies, undefined, context),
    hashPolicies: parseHashPolicies(hashPolicy, context),
    retries: retryPolicy === undefined ? null : parseRetries(retryPolicy, context),
    upstreamFilters,
  };
}

/** The HTTP/1 options that apply; reports other protocols. */
function selectHttp1(message: HttpProtocolOptions, context: ParseContext): Http1ProtocolOptions | undefined {
  const options = message.upstreamProtocolOptions;
  switch (options.case) {
    case 'explicitHttpConfig': {
      const explicit = options.value.protocolConfig;
      if (explicit.case === 'httpProtocolOptions') return explicit.value;
      if (explicit.case === 'http2ProtocolOptions') context.refuse(options.value, 'http2_protocol_options', 'HTTP/2 to upstreams');
      else if (explicit.case === 'http3ProtocolOptions') context.refuse(options.value, 'http3_protocol_options', 'HTTP/3 to upstreams');
      return undefined;
    }
    case 'useDownstreamProtocolConfig':
      // Downstream speaks HTTP/1 only, so only those options can come to bear.
      return options.value.httpProtocolOptions;
    case 'autoConfig':
      context.refuse(message, 'auto_config', 'choosing the upstream protocol by ALPN (TLS)');
      return undefined;
    default:
      return undefined;
  }
}

/** Whether HTTP/2 is among the protocols. Those of `explicit_http_config` are refused, so what is said of them does not matter. */
function offersHttp2(message: HttpProtocolOptions): boolean {
  const options = message.upstreamProtocolOptions;
  switch (options.case) {
    case 'explicitHttpConfig':
      return options.value.protocolConfig.case === 'http2ProtocolOptions';
    case 'useDownstreamProtocolConfig':
      return options.value.http2ProtocolOptions !== undefined;
    default:
      return options.case === 'autoConfig';
  }
}
