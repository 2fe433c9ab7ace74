import { describe, expect, it } from 'vitest';
import { parseYamlMessage } from '../support/parse_yaml.ts';
import { fileAccessLogFactory } from '../../extensions/access_loggers/file/config.ts';
import { stderrAccessLogFactory } from '../../extensions/access_loggers/stderr/config.ts';
import { stdoutAccessLogFactory } from '../../extensions/access_loggers/stdout/config.ts';
import type { AccessLog } from '../../core/api/gen/envoy/config/accesslog/v3/accesslog_pb.d.ts';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { AccessLogConfig } from '../../core/access_log/access_log_config.ts';
import { parseAccessLogs } from '../../core/access_log/parse_access_log.ts';

interface Parsed {
  readonly log: AccessLogConfig | undefined;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

function parse(yaml: string): Parsed {
  const registry = new FactoryRegistry();
  registry.register(fileAccessLogFactory);
  registry.register(stdoutAccessLogFactory);
  registry.register(stderrAccessLogFactory);
  const { message, context, errors, warnings } = parseYamlMessage(yaml, 'envoy.config.accesslog.v3.AccessLog', registry);
  const log = parseAccessLogs([message as AccessLog], context)[0];
  return { log, errors: errors(), warnings: warnings().filter((text) => !text.startsWith('Deprecated field')) };
}

const file = (format: string): string => `
name: envoy.access_loggers.file
typed_config:
  "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
  path: /tmp/a.log
${format}`;

const withFilter = (filter: string): string => `${file('')}
filter:
${filter}`;

describe('parsing access logs', () => {
  it('gives a file log without a format the default one', () => {
    const { log, errors, warnings } = parse(file(''));
    expect([errors, warnings]).toEqual([[], []]);
    expect(log?.filter).toBe(null);
    expect(log?.extension).toMatchObject({ typeName: fileAccessLogFactory.typeName, config: { destination: '/tmp/a.log', format: { kind: 'text', omitEmptyValues: false } } });
    expect(structuredClone(log)).toEqual(log);
  });

  const formats: readonly (readonly [string, string, object])[] = [
    ['a text source', '  log_format: {text_format_source: {inline_string: "%PROTOCOL%\\n"}}', { kind: 'text', text: '%PROTOCOL%\n' }],
    ['a JSON format', '  log_format: {json_format: {a: {b: "%PROTOCOL%", c: 5}, d: [x]}, omit_empty_values: true}', { kind: 'json', json: { a: { b: '%PROTOCOL%', c: 5 }, d: ['x'] }, omitEmptyValues: true }],
    ['a deprecated format', '  format: "%PROTOCOL%"', { kind: 'text', text: '%PROTOCOL%' }],
    ['a deprecated JSON format', '  typed_json_format: {a: "%DURATION%"}', { kind: 'json', json: { a: '%DURATION%' } }],
    ['a formatter that is built in', '  log_format: {text_format_source: {inline_string: "%REQ_WITHOUT_QUERY(X)%"}, formatters: [{name: q, typed_config: {"@type": type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery}}]}', { kind: 'text' }],
  ];
  it.each(formats)('reads %s', (_name, yaml, expected) => {
    const { log, errors, warnings } = parse(file(yaml));
    expect([errors, warnings]).toEqual([[], []]);
    expect(log?.extension.config).toMatchObject({ format: expected });
    expect(structuredClone(log)).toEqual(log);
  });

  it('reads logs to the standard streams', () => {
    for (const [name, stream] of [['StdoutAccessLog', '/dev/stdout'], ['StderrAccessLog', '/dev/stderr']]) {
      const { log, errors } = parse(`typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.${name}, log_format: {text_format: "x %PROTOCOL%"}}`);
      expect(errors).toEqual([]);
      expect(log?.extension.config).toMatchObject({ destination: stream, format: { text: 'x %PROTOCOL%' } });
    }
  });

  it('reports mistakes in formats', () => {
    expect(parse(file('  log_format: {text_format_source: {inline_string: "%RESPONSE_COD%"}}')).errors.join()).toContain('did you mean %RESPONSE_CODE%');
    expect(parse(file('  log_format: {json_format: {a: {b: ["%REQ%"]}}}')).errors.join()).toContain('needs arguments');
    expect(parse(file('  log_format: {text_format_source: {filename: /nope}}')).errors.join()).toMatch(/nope|reading a file/);
  });

  const filters: readonly (readonly [string, string, object])[] = [
    ['status', '  status_code_filter: {comparison: {op: GE, value: {default_value: 400, runtime_key: k}}}', { kind: 'status_code', op: 'GE', value: 400, runtimeKey: 'k' }],
    ['duration', '  duration_filter: {comparison: {op: NE, value: {default_value: 5, runtime_key: k}}}', { kind: 'duration', op: 'NE', value: 5, runtimeKey: 'k' }],
    ['health check', '  not_health_check_filter: {}', { kind: 'not_health_check' }],
    ['runtime', '  runtime_filter: {runtime_key: k, percent_sampled: {numerator: 5, denominator: TEN_THOUSAND}, use_independent_randomness: true}', { kind: 'runtime', fraction: { defaultValue: { numerator: 5, denominator: 10000 }, runtimeKey: 'k' }, useIndependentRandomness: true }],
    ['and, or', '  and_filter: {filters: [{not_health_check_filter: {}}, {or_filter: {filters: [{not_health_check_filter: {}}, {response_flag_filter: {}}]}}]}', { kind: 'and', filters: [{ kind: 'not_health_check' }, { kind: 'or', filters: [{ kind: 'not_health_check' }, { kind: 'response_flag', flags: [] }] }] }],
    ['header', '  header_filter: {header: {name: X-A, string_match: {exact: b}}}', { kind: 'header', header: { name: 'x-a', kind: 'string', matcher: { kind: 'exact', value: 'b' } } }],
    ['response flag', '  response_flag_filter: {flags: [UH, NR]}', { kind: 'response_flag', flags: ['UH', 'NR'] }],
    ['gRPC status', '  grpc_status_filter: {statuses: [NOT_FOUND], exclude: true}', { kind: 'grpc_status', statuses: [5], exclude: true }],
    ['log type', '  log_type_filter: {types: [DownstreamEnd]}', { kind: 'log_type', types: ['DownstreamEnd'], exclude: false }],
    ['metadata', '  metadata_filter: {matcher: {filter: ns, path: [{key: a}, {key: b}], value: {string_match: {prefix: x}}, invert: true}, match_if_key_not_found: false}', { kind: 'metadata', namespace: 'ns', path: ['a', 'b'], value: { kind: 'string' }, invert: true, matchIfKeyNotFound: false }],
  ];
  it.each(filters)('reads the %s filter', (_name, yaml, expected) => {
    const { log, errors, warnings } = parse(withFilter(yaml));
    expect([errors, warnings]).toEqual([[], []]);
    expect(log?.filter).toMatchObject(expected);
    expect(structuredClone(log)).toEqual(log);
  });

  it('says that a traceable filter lets nothing through, and refuses filter extensions', () => {
    expect(parse(withFilter('  traceable_filter: {}')).warnings.join()).toContain('no stream passes');
    const extension = parse(withFilter('  extension_filter: {name: cel, typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: x}}'));
    expect(extension.errors.join()).toContain('access log filter envoy.extensions.access_loggers.file.v3.FileAccessLog');
    expect(parse(withFilter('  extension_filter: {name: cel}')).errors.join()).toContain('must be set');
  });

  it('reads the CEL filter, and tells the mistakes in its expression', () => {
    const filter = (expression: string) => parse(withFilter(`  extension_filter: {name: cel, typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter, expression: "${expression}", cel_config: {enable_string_concat: true}}}`));
    expect(filter('response.code > 400').log?.filter).toEqual({ kind: 'cel', expression: 'response.code > 400', features: { stringConversion: false, stringConcat: true, stringFunctions: false } });
    expect(filter('string(response.code)').errors.join()).toContain('No overload found in reference resolve step for string');
  });
});
