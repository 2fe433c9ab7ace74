/** rate_limits of a route or virtual host to plain data. Thread: main, config time. */
import type { RateLimit, RateLimit_Action } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import type { MetadataKey } from '../api/gen/envoy/type/metadata/v3/metadata_pb.d.ts';
import { checkTextFormat, isTextFormat } from '../formatter/parse_format.ts';
import { parseHeaderMatcher, parseQueryParameterMatcher } from '../matcher/parse_matcher.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import { type MetadataKeyConfig, RATE_LIMIT_DESCRIPTOR_CATEGORY, type RateLimitActionConfig, type RateLimitConfig } from './rate_limit_config.ts';

const V4_BITS = 32;
const V6_BITS = 128;
const HEADER_OPTIONS = ['unspecified', 'off', 'draft_version_03'] as const;

/** Every policy; those with mistakes are reported. */
export function parseRateLimits(messages: readonly RateLimit[], context: ParseContext): RateLimitConfig[] {
  return messages.map((message) => ({
    stage: message.stage ?? 0,
    disableKey: message.disableKey,
    actions: message.actions.map((action) => parseAction(action, context)).filter((action) => action !== undefined),
    limitOverride: message.limit?.overrideSpecifier.case === 'dynamicMetadata' ? parseMetadataKey(message.limit.overrideSpecifier.value.metadataKey) : null,
    hitsAddend: parseHitsAddend(message, context),
    appliesOnStreamDone: message.applyOnStreamDone,
    rateLimitHeaders: HEADER_OPTIONS[message.xRatelimitOption] ?? 'unspecified',
  }));
}

function parseHitsAddend(message: RateLimit, context: ParseContext): number | string | null {
  const addend = message.hitsAddend;
  if (addend === undefined) return null;
  const { number, format } = addend;
  if (number === undefined) {
    checkTextFormat(format, addend, 'format', context);
    return format === '' ? null : format;
  }
  if (format !== '') context.warn(addend, 'format', 'has no effect beside number');
  return Number(number);
}

function parseAction(message: RateLimit_Action, context: ParseContext): RateLimitActionConfig | undefined {
  const specifier = message.actionSpecifier;
  switch (specifier.case) {
    case 'sourceCluster':
      context.consume(message, 'source_cluster');
      return { kind: 'source_cluster' };
    case 'destinationCluster':
      context.consume(message, 'destination_cluster');
      return { kind: 'destination_cluster' };
    case 'remoteAddress':
      context.consume(message, 'remote_address');
      return { kind: 'remote_address' };
    case 'requestHeaders': {
      const { headerName, descriptorKey, skipIfAbsent } = specifier.value;
      return { kind: 'request_headers', name: headerName.toLowerCase(), key: descriptorKey, skipIfAbsent };
    }
    case 'queryParameters': {
      const { queryParameterName, descriptorKey, skipIfAbsent } = specifier.value;
      return { kind: 'query_parameters', name: queryParameterName, key: descriptorKey, skipIfAbsent };
    }
    case 'maskedRemoteAddress':
      return { kind: 'masked_remote_address', v4Bits: specifier.value.v4PrefixMaskLen ?? V4_BITS, v6Bits: specifier.value.v6PrefixMaskLen ?? V6_BITS };
    case 'extension': {
      const { name, typedConfig } = specifier.value;
      const extension = context.parseExtension(RATE_LIMIT_DESCRIPTOR_CATEGORY, name, typedConfig, specifier.value, 'typed_config');
      return extension === undefined ? undefined : { kind: 'extension', extension };
    }
    default:
      return parseValueAction(specifier, context);
  }
}

/** Actions whose value is configured, and metadata. */
function parseValueAction(specifier: RateLimit_Action['actionSpecifier'], context: ParseContext): RateLimitActionConfig | undefined {
  switch (specifier.case) {
    case 'genericKey':
      return { kind: 'generic_key', key: specifier.value.descriptorKey || 'generic_key', ...parseValue(specifier.value) };
    case 'headerValueMatch': {
      const { value } = specifier;
      return {
        kind: 'header_value_match', key: value.descriptorKey || 'header_match', ...parseValue(value), expectsMatch: value.expectMatch ?? true,
        headers: value.headers.map((header) => parseHeaderMatcher(header, context)),
      };
    }
    case 'queryParameterValueMatch': {
      const { value } = specifier;
      return {
        kind: 'query_parameter_value_match', key: value.descriptorKey || 'query_match', ...parseValue(value), expectsMatch: value.expectMatch ?? true,
        parameters: value.queryParameters.map((parameter) => parseQueryParameterMatcher(parameter, context)),
      };
    }
    case 'dynamicMetadata': {
      const { descriptorKey, metadataKey, defaultValue } = specifier.value;
      return { kind: 'metadata', source: 'dynamic', key: descriptorKey, metadataKey: parseMetadataKey(metadataKey), fallback: defaultValue, skipIfAbsent: false };
    }
    case 'metadata': {
      const { descriptorKey, metadataKey, defaultValue, source, skipIfAbsent } = specifier.value;
      return { kind: 'metadata', source: source === 1 ? 'route' : 'dynamic', key: descriptorKey, metadataKey: parseMetadataKey(metadataKey), fallback: defaultValue, skipIfAbsent };
    }
    default:
      return undefined;
  }
}

function parseValue(message: { readonly descriptorValue: string; readonly defaultValue: string }): { value: string; isFormat: boolean; fallback: string } {
  const { descriptorValue: value } = message;
  return { value, isFormat: value.includes('%') && isTextFormat(value), fallback: message.defaultValue };
}

function parseMetadataKey(message: MetadataKey | undefined): MetadataKeyConfig {
  return { namespace: message?.key ?? '', path: (message?.path ?? []).map((segment) => segment.segment.case === 'key' ? segment.segment.value : '') };
}
