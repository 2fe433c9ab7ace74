/** envoy.config.accesslog.v3 to plain data. Thread: main, config time. */
import type { AccessLog, AccessLogFilter, ComparisonFilter, ExtensionFilter, MetadataFilter, RuntimeFilter } from '../api/gen/envoy/config/accesslog/v3/accesslog_pb.d.ts';
import type { MetadataMatcher } from '../api/gen/envoy/type/matcher/v3/metadata_pb.d.ts';
import type { ValueMatcher } from '../api/gen/envoy/type/matcher/v3/value_pb.d.ts';
import { fractionalDenominator } from '../api/scalar_values.ts';
import type { ExpressionFilter } from '../api/gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.d.ts';
import { compileCel } from '../formatter/cel_expression.ts';
import { ACCESS_LOG_TYPE_TEXT } from '../formatter/format_context.ts';
import { parseHeaderMatcher, parseStringMatcher } from '../matcher/parse_matcher.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import type { FractionalPercent } from '../runtime/runtime_snapshot.ts';
import type { AccessLogConfig, AccessLogFilterConfig, ValueMatcherConfig } from './access_log_config.ts';
import { ACCESS_LOGGER_CATEGORY } from './create_access_loggers.ts';

/** A list of access logs; those that cannot be used are reported and left out. */
export function parseAccessLogs(messages: readonly AccessLog[], context: ParseContext): AccessLogConfig[] {
  const logs: AccessLogConfig[] = [];
  for (const message of messages) {
    const config = message.configType;
    const filter = message.filter === undefined ? null : parseAccessLogFilter(message.filter, context);
    const extension = context.parseExtension(ACCESS_LOGGER_CATEGORY, message.name, config.case === 'typedConfig' ? config.value : undefined, message, 'typed_config');
    if (filter !== undefined && extension !== undefined) logs.push({ filter, extension });
  }
  return logs;
}

/** One filter; undefined when it was reported as unusable. */
export function parseAccessLogFilter(message: AccessLogFilter, context: ParseContext): AccessLogFilterConfig | undefined {
  const specifier = message.filterSpecifier;
  switch (specifier.case) {
    case 'statusCodeFilter': return parseComparison('status_code', specifier.value.comparison, specifier.value, context);
    case 'durationFilter': return parseComparison('duration', specifier.value.comparison, specifier.value, context);
    case 'notHealthCheckFilter': return { kind: 'not_health_check' };
    case 'traceableFilter':
      context.warn(message, 'traceable_filter', 'nothing is traced, so no stream passes');
      return { kind: 'traceable' };
    case 'runtimeFilter': return parseRuntimeFilter(specifier.value);
    case 'andFilter': return { kind: 'and', filters: parseFilters(specifier.value.filters, context) };
    case 'orFilter': return { kind: 'or', filters: parseFilters(specifier.value.filters, context) };
    case 'headerFilter': {
      const header = specifier.value.header;
      if (header !== undefined) return { kind: 'header', header: parseHeaderMatcher(header, context) };
      context.error(specifier.value, 'header', 'must be set');
      return undefined;
    }
    case 'responseFlagFilter': return { kind: 'response_flag', flags: [...specifier.value.flags] };
    case 'grpcStatusFilter': return { kind: 'grpc_status', statuses: [...specifier.value.statuses], exclude: specifier.value.exclude };
    case 'logTypeFilter': return { kind: 'log_type', types: specifier.value.types.map((type) => ACCESS_LOG_TYPE_TEXT[type] ?? ''), exclude: specifier.value.exclude };
    case 'metadataFilter': return parseMetadataFilter(specifier.value, context);
    case 'extensionFilter': return parseExtensionFilter(specifier.value, context);
    case undefined:
      context.error(message, undefined, 'a filter must be set, e.g. status_code_filter');
      return undefined;
  }
}

const CEL_FILTER = 'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter';

function parseExtensionFilter(message: ExtensionFilter, context: ParseContext): AccessLogFilterConfig | undefined {
  context.consume(message, 'name');
  const config = message.configType;
  const opened = config.case === 'typedConfig' ? context.unpackAny(config.value) : undefined;
  if (config.case !== 'typedConfig') context.error(message, 'typed_config', 'must be set');
  if (opened === undefined) return undefined;
  if (opened.typeName !== CEL_FILTER) {
    context.consume(opened.message);
    context.refuse(message, 'typed_config', `access log filter ${opened.typeName}`);
    return undefined;
  }
  const { expression, celConfig } = opened.message as ExpressionFilter;
  const features = {
    stringConversion: celConfig?.enableStringConversion ?? false, stringConcat: celConfig?.enableStringConcat ?? false, stringFunctions: celConfig?.enableStringFunctions ?? false,
  };
  const compiled = compileCel(expression, features);
  if (typeof compiled !== 'string') return { kind: 'cel', expression, features };
  context.error(opened.message, 'expression', compiled);
  return undefined;
}

function parseFilters(messages: readonly AccessLogFilter[], context: ParseContext): AccessLogFilterConfig[] {
  return messages.map((message) => parseAccessLogFilter(message, context)).filter((filter) => filter !== undefined);
}

const OPS = ['EQ', 'GE', 'LE', 'NE'] as const;

function parseComparison(kind: 'status_code' | 'duration', message: ComparisonFilter | undefined, holder: object, context: ParseContext): AccessLogFilterConfig | undefined {
  if (message === undefined) {
    context.error(holder, 'comparison', 'must be set');
    return undefined;
  }
  const value = message.value;
  return { kind, op: OPS[message.op] ?? 'EQ', value: value?.defaultValue ?? 0, runtimeKey: value?.runtimeKey ?? '' };
}

function parseRuntimeFilter(message: RuntimeFilter): AccessLogFilterConfig {
  const percent = message.percentSampled;
  const defaultValue: FractionalPercent =
    percent === undefined ? { numerator: 0, denominator: 100 } : { numerator: percent.numerator, denominator: fractionalDenominator(percent) as FractionalPercent['denominator'] };
  return { kind: 'runtime', fraction: { defaultValue, runtimeKey: message.runtimeKey }, useIndependentRandomness: message.useIndependentRandomness };
}

function parseMetadataFilter(message: MetadataFilter, context: ParseContext): AccessLogFilterConfig {
  const matcher: MetadataMatcher | undefined = message.matcher;
  return {
    kind: 'metadata',
    namespace: matcher?.filter ?? '',
    path: (matcher?.path ?? []).map((segment) => (segment.segment.case === 'key' ? segment.segment.value : '')),
    value: matcher?.value === undefined ? null : parseValueMatcher(matcher.value, context),
    invert: matcher?.invert ?? false,
    matchIfKeyNotFound: message.matchIfKeyNotFound ?? true,
  };
}

function parseValueMatcher(message: ValueMatcher, context: ParseContext): ValueMatcherConfig {
  const pattern = message.matchPattern;
  switch (pattern.case) {
    case 'nullMatch': return { kind: 'null' };
    case 'doubleMatch': {
      const number = pattern.value.matchPattern;
      if (number.case === 'range') return { kind: 'number_range', start: number.value.start, end: number.value.end };
      return { kind: 'number', value: number.value ?? 0 };
    }
    case 'stringMatch': return { kind: 'string', matcher: parseStringMatcher(pattern.value, context) };
    case 'boolMatch': return { kind: 'bool', value: pattern.value };
    case 'presentMatch': return { kind: 'present', present: pattern.value };
    case 'listMatch': {
      const element = pattern.value.matchPattern;
      return { kind: 'list', oneOf: element.case === 'oneOf' ? parseValueMatcher(element.value, context) : { kind: 'present', present: true } };
    }
    case 'orMatch': return { kind: 'or', matchers: pattern.value.valueMatchers.map((matcher) => parseValueMatcher(matcher, context)) };
    case undefined:
      context.error(message, undefined, 'a match pattern must be set, e.g. string_match');
      return { kind: 'null' };
  }
}
