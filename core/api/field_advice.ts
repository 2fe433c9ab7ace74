import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { ProblemSink } from './config_problem.ts';
import { nearestName } from './nearest_name.ts';
import { listNames } from './scalar_converter.ts';
import type { SourceRange } from './source_text.ts';

/** Fields of the v2 API, and what v3 has instead. Key: message type and field. */
const V2_FIELDS: Readonly<Record<string, string>> = {
  'envoy.config.listener.v3.Filter.config': "v3 wants 'typed_config' with an \"@type\"",
  'envoy.config.listener.v3.ListenerFilter.config': "v3 wants 'typed_config' with an \"@type\"",
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter.config': "v3 wants 'typed_config' with an \"@type\"",
  'envoy.config.accesslog.v3.AccessLog.config': "v3 wants 'typed_config' with an \"@type\"",
  'envoy.config.core.v3.TransportSocket.config': "v3 wants 'typed_config' with an \"@type\"",
  'envoy.config.metrics.v3.StatsSink.config': "v3 wants 'typed_config' with an \"@type\"",
  'envoy.config.trace.v3.Tracing.Http.config': "v3 wants 'typed_config' with an \"@type\"",
  'envoy.config.cluster.v3.Cluster.hosts': "v3 wants 'load_assignment'",
  'envoy.config.cluster.v3.Cluster.tls_context': "v3 wants 'transport_socket' with an UpstreamTlsContext",
  'envoy.config.listener.v3.FilterChain.tls_context': "v3 wants 'transport_socket' with a DownstreamTlsContext",
  'envoy.config.listener.v3.Listener.use_original_dst_deprecated': "v3 wants 'use_original_dst'",
  'envoy.config.route.v3.RouteMatch.regex': "v3 wants 'safe_regex'",
  'envoy.config.route.v3.HeaderMatcher.regex_match': "v3 wants 'string_match' with 'safe_regex'",
  'envoy.config.route.v3.CorsPolicy.allow_origin': "v3 wants 'allow_origin_string_match'",
  'envoy.config.route.v3.CorsPolicy.enabled': "v3 wants 'filter_enabled'",
  'envoy.config.route.v3.VirtualHost.per_filter_config': "v3 wants 'typed_per_filter_config'",
  'envoy.config.route.v3.Route.per_filter_config': "v3 wants 'typed_per_filter_config'",
  'envoy.config.bootstrap.v3.Bootstrap.runtime': "v3 wants 'layered_runtime'",
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.idle_timeout': "v3 wants it in 'common_http_protocol_options'",
};

/** Lines that help with a field that does not exist: the v3 way, the nearest name, or what there is. */
export function unknownFieldHints(desc: DescMessage, name: string): string[] {
  const v2 = V2_FIELDS[`${desc.typeName}.${name}`];
  if (v2 !== undefined) return [`'${name}' belongs to the v2 API, which is not supported: ${v2}`];
  const names = desc.fields.map((field) => field.name);
  const nearest = nearestName(name, names);
  if (nearest !== undefined) return [`did you mean '${nearest}'?`];
  if (name === '<<') return ['YAML merge keys are not supported, as in Envoy; write the fields out'];
  return names.length === 0 ? [`${desc.name} has no fields`] : [`fields of ${desc.name}: ${listNames(names)}`];
}

/** True when a hint of unknownFieldHints says that the configuration is v2. */
export function isV2Hint(hint: string): boolean {
  return hint.includes('belongs to the v2 API');
}

/** Warns when a deprecated field, or a deprecated value of an enum, is set. */
export function checkDeprecated(field: DescField, value: unknown, range: SourceRange, path: string, problems: ProblemSink): void {
  const file = `${field.parent.file.name.slice(field.parent.file.name.lastIndexOf('/') + 1)}.proto`;
  if (field.deprecated) {
    const text = `Deprecated field: type ${field.parent.typeName} Using deprecated option '${field.parent.typeName}.${field.name}' from file ${file}. It still works; a later version of the API removes it`;
    problems.add({ severity: 'warning', text, range, path, hints: [] });
    return;
  }
  if (field.fieldKind !== 'enum' || field.enum.value[Number(value)]?.deprecated !== true) return;
  const name = field.enum.value[Number(value)].name;
  const text = `Deprecated field: type ${field.parent.typeName} Using deprecated value ${name} for enum '${field.parent.typeName}.${field.name}' from file ${file}. It still works; a later version of the API removes it`;
  problems.add({ severity: 'warning', text, range, path, hints: [] });
}
