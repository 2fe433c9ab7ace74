/**
 * The tags that Envoy takes out of stat names unless told otherwise (docs: stats tag extraction; `use_all_default_tags`).
 * Order matters: within one name, tags appear in this order (see tag_extractor.ts).
 */

export interface DefaultTag {
  readonly tagName: string;
  /** Group 1 is cut out of the name, group 2 is the value. */
  readonly pattern: RegExp;
  /** A piece of text without which the pattern cannot match. */
  readonly needle: string;
}

/** An address as it stands in listener stat names (`127.0.0.1_80`, `[__1]_80`), or one token (a stat_prefix). */
const LISTENER = '(?:[_.\\d]+|[_[\\]a-fA-F\\d]+|[^.]+)';
const TOKEN = '[^.]+';

/**
 * From a path of tokens: `$` the value (one token), `*` any token, `**` what follows (one token or more at the end, any number
 * in the middle).
 */
function tokens(tagName: string, path: string): DefaultTag {
  const parts = path.split('.');
  let source = '^';
  let needle = '';
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    const last = i === parts.length - 1;
    if (part === '**') source += last ? '.+' : `(?:${TOKEN}\\.)*?`;
    else if (part === '$') source += `((${TOKEN})\\.)`;
    else if (part === '*') source += last ? TOKEN : `${TOKEN}\\.`;
    else {
      source += `${part}\\.`;
      if (i > 0) needle = `.${part}.`;
    }
  }
  return { tagName, pattern: new RegExp(`${source}$`, 'd'), needle };
}

function regex(tagName: string, source: string, needle: string): DefaultTag {
  return { tagName, pattern: new RegExp(source, 'd'), needle };
}

export const DEFAULT_TAGS: readonly DefaultTag[] = [
  regex('envoy.response_code', '_rq(_(\\d{3}))$', '_rq_'),
  regex('envoy.response_code_class', '_rq_((\\d))xx$', '_rq_'),
  regex('envoy.dynamo_partition_id', `^http\\.${TOKEN}\\.dynamodb\\.table\\.${TOKEN}\\.capacity\\.${TOKEN}(\\.__partition_id=(\\w{7}))$`, '.dynamodb.table.'),
  regex('envoy.dynamo_operation', `^http\\.${TOKEN}\\.dynamodb\\.(?:operation|table\\.${TOKEN}\\.capacity)(\\.(${TOKEN}))(?:\\.|$)`, '.dynamodb.'),
  tokens('envoy.mongo_callsite', 'mongo.*.collection.*.callsite.$.query.**'),
  regex('envoy.dynamo_table', `^http\\.${TOKEN}\\.dynamodb\\.(?:table|error)\\.((${TOKEN})\\.)`, '.dynamodb.'),
  tokens('envoy.mongo_collection', 'mongo.*.collection.$.**.query.*'),
  tokens('envoy.mongo_cmd', 'mongo.*.cmd.$.**'),
  tokens('envoy.grpc_bridge_method', 'cluster.*.grpc.*.$.**'),
  tokens('envoy.http_user_agent', 'http.*.user_agent.$.**'),
  tokens('envoy.virtual_cluster', 'vhost.*.vcluster.$.**'),
  tokens('envoy.route', 'vhost.*.route.$.**'),
  tokens('envoy.fault_downstream_cluster', 'http.*.fault.$.**'),
  regex('envoy.ssl_cipher', '^listener\\..*?\\.ssl\\.ciphers(\\.([^.]+))$', '.ssl.ciphers.'),
  regex('envoy.ssl_curve', '^listener\\..*?\\.ssl\\.curves(\\.([^.]+))$', '.ssl.curves.'),
  regex('envoy.ssl_curve', '^cluster\\..*?\\.ssl\\.curves(\\.([^.]+))$', '.ssl.curves.'),
  regex('envoy.ssl_sigalg', '^listener\\..*?\\.ssl\\.sigalgs(\\.([^.]+))$', '.ssl.sigalgs.'),
  regex('envoy.ssl_sigalg', '^cluster\\..*?\\.ssl\\.sigalgs(\\.([^.]+))$', '.ssl.sigalgs.'),
  regex('envoy.ssl_version', '^listener\\..*?\\.ssl\\.versions(\\.(.+))$', '.ssl.versions.'),
  regex('envoy.ssl_version', '^cluster\\..*?\\.ssl\\.versions(\\.(.+))$', '.ssl.versions.'),
  regex('envoy.ssl_cipher_suite', '^cluster\\..*?\\.ssl\\.ciphers(\\.([^.]+))$', '.ssl.ciphers.'),
  regex('envoy.tls_certificate', '^listener\\..*?\\.ssl\\.certificate\\.((.+)\\.)[^.]+$', '.ssl.certificate.'),
  regex('envoy.tls_certificate', '^cluster\\..*?\\.ssl\\.certificate\\.((.+)\\.)[^.]+$', '.ssl.certificate.'),
  tokens('envoy.grpc_bridge_service', 'cluster.*.grpc.$.**'),
  tokens('envoy.tcp_prefix', 'tcp.$.**'),
  tokens('envoy.udp_prefix', 'udp.$.**'),
  tokens('envoy.clientssl_prefix', 'auth.clientssl.$.**'),
  tokens('envoy.ratelimit_prefix', 'ratelimit.$.**'),
  tokens('envoy.cluster_name', 'cluster.$.**'),
  regex('envoy.http_conn_manager_prefix', `^listener\\..*?\\.http\\.((${TOKEN})\\.)`, '.http.'),
  tokens('envoy.http_conn_manager_prefix', 'http.$.**'),
  regex('envoy.listener_address', `^listener\\.((?!admin\\.)(${LISTENER})\\.)`, ''),
  tokens('envoy.virtual_host', 'vhost.$.**'),
  tokens('envoy.mongo_prefix', 'mongo.$.**'),
  regex('envoy.rds_route_config', `^http\\.${TOKEN}\\.rds\\.((.+)\\.)\\w+$`, '.rds.'),
  regex('envoy.scoped_rds_config', `^http\\.${TOKEN}\\.scoped_rds\\.((.+)\\.)\\w+$`, '.scoped_rds.'),
  regex('envoy.worker_id', `^(?:listener\\.${LISTENER}|server|listener_manager|thread_local_cluster_manager)\\.worker_((\\d+)\\.)`, '.worker_'),
  tokens('envoy.thrift_prefix', 'thrift.$.**'),
  tokens('envoy.redis_prefix', 'redis.$.**'),
  regex('envoy.proxy_protocol_version', '^proxy_proto\\.(?:[^.]+\\.)?versions\\.v((\\d)\\.)\\w+$', '.versions.v'),
  regex('envoy.proxy_protocol_prefix', '^proxy_proto\\.((?!versions\\.)([^.]+)\\.)', ''),
  tokens('envoy.dns_filter_prefix', 'dns_filter.$.**'),
  tokens('envoy.connection_limit_prefix', 'connection_limit.$.**'),
  tokens('envoy.rbac_prefix', '$.rbac.**'),
  regex('envoy.rbac_policy_name', `\\.policy\\.((${TOKEN})\\.)(?:allowed|shadow_allowed|denied|shadow_denied)$`, '.policy.'),
  regex('envoy.rbac_http_prefix', `^http\\.${TOKEN}\\.rbac\\.((?!policy\\.)(${TOKEN})\\.)`, '.rbac.'),
  tokens('envoy.ext_authz_prefix', 'cluster.*.ext_authz.$.**'),
  tokens('envoy.ext_authz_prefix', 'http.*.ext_authz.$.**'),
  tokens('envoy.local_http_ratelimit_prefix', '$.http_local_rate_limit.**'),
  tokens('envoy.local_network_ratelimit_prefix', 'local_rate_limit.$.**'),
  tokens('envoy.local_listener_ratelimit_prefix', 'listener_local_ratelimit.$.**'),
  tokens('envoy.google_grpc_client_prefix', 'grpc.$.**'),
  regex('envoy.xds_resource_name', '^sds\\.((.+)\\.)\\w+$', ''),
];
