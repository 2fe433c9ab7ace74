import type { LogContext } from '../access_log/access_log.ts';
import { maskedIp, withoutPort } from '../base/cidr.ts';
import type { BodyFormatConfig } from '../formatter/format_config.ts';
import type { Formatter } from '../formatter/formatter.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId, type HeaderNames } from '../headers/header_names.ts';
import { compileHeaderMatchers, matchesAllHeaders } from '../matcher/header_matcher.ts';
import { QueryParameterMatcher } from '../matcher/query_parameter_matcher.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import { queryParameterValue } from './query_parameter.ts';
import { RATE_LIMIT_DESCRIPTOR_CATEGORY, type RateLimitActionConfig } from './rate_limit_config.ts';

/** One key and value of a descriptor. */
export interface DescriptorEntry {
  readonly key: string;
  readonly value: string;
}

/** What compiling needs of the thread. */
export interface RateLimitCompileContext {
  readonly names: HeaderNames;
  readonly runtime: RuntimeSnapshot;
  compileFormat(config: BodyFormatConfig): Formatter;
  product(category: string, extension: ExtensionConfig): unknown;
}

/**
 * One action: adds its entry, or none, and answers true; false drops the whole descriptor. `context` holds the request for
 * values that are formats.
 */
export interface RateLimitAction {
  append(entries: DescriptorEntry[], headers: HeaderMap, info: StreamInfo, nodeCluster: string, clusterName: string, context: LogContext): boolean;
}

/** Product of a rate-limit descriptor extension: the entry's value, '' for no entry; null drops the descriptor. */
export interface DescriptorProducer {
  readonly key: string;
  value(headers: HeaderMap, info: StreamInfo): string | null;
}

/** The action, compiled. */
export function compileRateLimitAction(config: RateLimitActionConfig, compile: RateLimitCompileContext): RateLimitAction {
  switch (config.kind) {
    case 'source_cluster':
      return { append: (entries, _headers, _info, nodeCluster) => add(entries, 'source_cluster', nodeCluster) };
    case 'destination_cluster':
      // A route that forwards nowhere has no cluster.
      return { append: (entries, _headers, info, _nodeCluster, clusterName) => info.route !== null && add(entries, 'destination_cluster', clusterName) };
    case 'remote_address':
      return { append: (entries, _headers, info) => addAddress(entries, 'remote_address', remoteIp(info)) };
    case 'masked_remote_address':
      return { append: (entries, _headers, info) => addAddress(entries, 'masked_remote_address', maskedIp(remoteIp(info), config.v4Bits, config.v6Bits)) };
    case 'request_headers': {
      const nameId = compile.names.intern(config.name);
      return { append: (entries, headers) => addOrSkip(entries, config.key, headers.get(nameId), config.skipIfAbsent) };
    }
    case 'query_parameters': {
      const name = Buffer.from(config.name).toString('latin1');
      return { append: (entries, headers) => addOrSkip(entries, config.key, queryParameterValue(headers.get(HeaderId.path) ?? '', name), config.skipIfAbsent) };
    }
    case 'metadata':
      return { append: (entries, _headers, info) => addOrSkip(entries, config.key, metadataText(config, info), config.skipIfAbsent) };
    case 'extension': {
      const producer = compile.product(RATE_LIMIT_DESCRIPTOR_CATEGORY, config.extension) as DescriptorProducer;
      return {
        append: (entries, headers, info) => {
          const value = producer.value(headers, info);
          return value !== null && (value === '' || add(entries, producer.key, value));
        },
      };
    }
    default:
      return compileMatch(config, compile);
  }
}

type ValueAction = RateLimitActionConfig & { readonly kind: 'generic_key' | 'header_value_match' | 'query_parameter_value_match' };

/** Makes descriptor values formats. As in Envoy off by default: a `%` in them has always been just that. */
const FORMATS_VALUES = 'envoy.reloadable_features.enable_formatter_for_ratelimit_action_descriptor_value';

/** Actions with a configured value, which may be a format, and a condition. */
function compileMatch(config: ValueAction, compile: RateLimitCompileContext): RateLimitAction {
  const isFormat = config.isFormat && compile.runtime.getBoolean(FORMATS_VALUES, false);
  const format = isFormat ? compile.compileFormat({ kind: 'text', text: config.value, contentType: '', omitEmptyValues: true }) : null;
  const holds = condition(config, compile);
  return {
    append: (entries, headers, _info, _nodeCluster, _clusterName, context) => {
      if (!holds(headers)) return false;
      const made = format === null ? config.value : format.formatToString(context);
      const value = made === '' ? config.fallback : made;
      return value !== '' && add(entries, config.key, value);
    },
  };
}

function condition(config: ValueAction, compile: RateLimitCompileContext): (headers: HeaderMap) => boolean {
  if (config.kind === 'generic_key') return () => true;
  if (config.kind === 'header_value_match') {
    const matchers = compileHeaderMatchers(config.headers, compile.names);
    return (headers) => matchesAllHeaders(matchers, headers) === config.expectsMatch;
  }
  const matchers = config.parameters.map((parameter) => new QueryParameterMatcher(parameter));
  return (headers) => matchers.every((matcher) => matcher.matches(headers.bytes, headers.pathOffset, headers.pathLength)) === config.expectsMatch;
}

/** The value that a path of keys leads to in a struct; undefined when it leads nowhere. */
export function metadataValue(struct: unknown, path: readonly string[]): unknown {
  let value = struct;
  for (const key of path) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return value;
}

/** Only strings count. */
function metadataText(config: RateLimitActionConfig & { kind: 'metadata' }, info: StreamInfo): string | undefined {
  const { namespace, path } = config.metadataKey;
  const value = metadataValue(config.source === 'route' ? info.route?.metadata?.[namespace] : info.dynamicMetadata?.get(namespace), path);
  const text = typeof value === 'string' && value !== '' ? value : config.fallback;
  return text === '' ? undefined : text;
}

function remoteIp(info: StreamInfo): string {
  return withoutPort(info.downstreamRemoteAddress !== '' ? info.downstreamRemoteAddress : info.connection?.remoteAddress ?? '');
}

function add(entries: DescriptorEntry[], key: string, value: string): true {
  entries.push({ key, value });
  return true;
}

function addOrSkip(entries: DescriptorEntry[], key: string, value: string | undefined, skips: boolean): boolean {
  return value === undefined ? skips : add(entries, key, value);
}

/** A peer on a Unix socket has no address: no descriptor. */
function addAddress(entries: DescriptorEntry[], key: string, address: string): boolean {
  return address !== '' && !address.startsWith('/') && add(entries, key, address);
}
