/** Test files of Envoy's router check tool as plain data (envoy.RouterCheckToolSchema.Validation). Thread: main. */
import type { HeaderValue } from '../../core/api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { HeaderMatcher as HeaderMatcherMessage } from '../../core/api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import type { Metadata } from '../../core/api/gen/envoy/extensions/filters/http/set_metadata/v3/set_metadata_pb.d.ts';
import type { Validation, ValidationAssert, ValidationInput, ValidationItem } from '../../core/api/gen/envoy/tools/router_check/validation_pb.d.ts';
import type { ProtoRegistry } from '../../core/api/proto_registry.ts';
import { durationMs } from '../../core/api/scalar_values.ts';
import type { HeaderMatcherConfig } from '../../core/matcher/matcher_config.ts';
import { parseHeaderMatcher } from '../../core/matcher/parse_matcher.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import { formatOf } from '../bootstrap/load_bootstrap.ts';
import { readMessage, validateMessage } from '../config/config_loader.ts';
import { LoadedConfig } from '../config/loaded_config.ts';
import { readFileOrFail, throwErrors } from './load_route_config.ts';

const VALIDATION_TYPE = 'envoy.RouterCheckToolSchema.Validation';

export type NameValue = readonly [name: string, value: string];

export interface CheckInput {
  readonly authority: string;
  readonly path: string;
  readonly method: string;
  readonly random: number;
  readonly isHttps: boolean;
  readonly isInternal: boolean;
  /** The runtime key that is on; '' = none. */
  readonly runtimeKey: string;
  readonly requestHeaders: readonly NameValue[];
  readonly responseHeaders: readonly NameValue[];
  /** By namespace, already merged. */
  readonly dynamicMetadata: ReadonlyMap<string, Record<string, unknown>>;
}

export interface HeaderExpectation {
  readonly config: HeaderMatcherConfig;
  /** As the test file has it. */
  readonly message: HeaderMatcherMessage;
  /** How the matcher is called in reports: `string_match.exact`. */
  readonly kind: string;
  /** The exact value wanted, where it is one. */
  readonly exact: string | undefined;
}

/** What a test expects; undefined = not checked. */
export interface CheckAssert {
  readonly clusterName: string | undefined;
  readonly virtualClusterName: string | undefined;
  readonly virtualHostName: string | undefined;
  readonly pathRewrite: string | undefined;
  readonly hostRewrite: string | undefined;
  readonly pathRedirect: string | undefined;
  readonly codeRedirect: number | undefined;
  /** Milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly requestHeaderFields: readonly NameValue[];
  readonly responseHeaderFields: readonly NameValue[];
  readonly requestHeaderMatches: readonly HeaderExpectation[];
  readonly responseHeaderMatches: readonly HeaderExpectation[];
}

export interface CheckTest {
  readonly name: string;
  readonly input: CheckInput;
  readonly validate: CheckAssert;
}

/**
 * Reads a test file: YAML, JSON, binary or text proto by its suffix.
 * @throws ConfigError with everything that is wrong; CheckError when it cannot be read.
 */
export function loadTests(path: string, descriptors: ProtoRegistry, factories: FactoryRegistry): CheckTest[] {
  const loaded = new LoadedConfig<Validation>(descriptors);
  const message = readMessage(loaded, VALIDATION_TYPE, path, readFileOrFail(path), formatOf(path), { unknownFields: 'error', skipDeprecated: true });
  if (message !== undefined) {
    loaded.setRoot(message);
    validateMessage(loaded, message);
  }
  throwErrors(loaded);
  const context = loaded.context(factories);
  const tests = loaded.message.tests.map((item) => parseTest(item, context));
  loaded.finish();
  throwErrors(loaded);
  return tests;
}

function parseTest(item: ValidationItem, context: ParseContext): CheckTest {
  // Both are required by validate.rules.
  if (item.input === undefined || item.validate === undefined) throw new Error('a test without input or validate');
  return { name: item.testName, input: parseInput(item.input, context), validate: parseAssert(item.validate, context) };
}

function parseInput(input: ValidationInput, context: ParseContext): CheckInput {
  return {
    authority: input.authority,
    path: input.path,
    method: input.method,
    random: Number(input.randomValue),
    isHttps: input.ssl,
    isInternal: input.internal,
    runtimeKey: input.runtime,
    requestHeaders: parseNameValues(input.additionalRequestHeaders),
    responseHeaders: parseNameValues(input.additionalResponseHeaders),
    dynamicMetadata: parseDynamicMetadata(input.dynamicMetadata, context),
  };
}

function parseNameValues(headers: readonly HeaderValue[]): NameValue[] {
  return headers.map((header) => [header.key, header.value]);
}

/** As the set_metadata filter does: a namespace that is there stays, or is merged with where overwriting is allowed. */
function parseDynamicMetadata(entries: readonly Metadata[], context: ParseContext): Map<string, Record<string, unknown>> {
  const namespaces = new Map<string, Record<string, unknown>>();
  for (const entry of entries) {
    if (entry.typedValue !== undefined) context.refuse(entry, 'typed_value', 'typed dynamic metadata');
    const value = JSON.parse(JSON.stringify(entry.value ?? {})) as Record<string, unknown>;
    const known = namespaces.get(entry.metadataNamespace);
    if (known === undefined) namespaces.set(entry.metadataNamespace, value);
    else if (entry.allowOverwrite) mergeStruct(known, value);
  }
  return namespaces;
}

/** Maps are merged, lists joined, everything else replaced. */
function mergeStruct(into: Record<string, unknown>, from: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(from)) {
    const known = into[key];
    if (Array.isArray(known) && Array.isArray(value)) known.push(...value);
    else if (isStruct(known) && isStruct(value)) mergeStruct(known, value);
    else into[key] = value;
  }
}

function isStruct(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseAssert(validate: ValidationAssert, context: ParseContext): CheckAssert {
  return {
    clusterName: validate.clusterName,
    virtualClusterName: validate.virtualClusterName,
    virtualHostName: validate.virtualHostName,
    pathRewrite: validate.pathRewrite,
    hostRewrite: validate.hostRewrite,
    pathRedirect: validate.pathRedirect,
    codeRedirect: validate.codeRedirect,
    timeoutMs: durationMs(validate.timeout),
    requestHeaderFields: parseNameValues(validate.requestHeaderFields),
    responseHeaderFields: parseNameValues(validate.responseHeaderFields),
    requestHeaderMatches: validate.requestHeaderMatches.map((matcher) => parseExpectation(matcher, context)),
    responseHeaderMatches: validate.responseHeaderMatches.map((matcher) => parseExpectation(matcher, context)),
  };
}

const KINDS: Readonly<Record<string, string>> = {
  exactMatch: 'exact_match', safeRegexMatch: 'safe_regex_match', rangeMatch: 'range_match', presentMatch: 'present_match',
  prefixMatch: 'prefix_match', suffixMatch: 'suffix_match', containsMatch: 'contains_match',
};
const PATTERNS: Readonly<Record<string, string>> = {
  exact: 'exact', prefix: 'prefix', suffix: 'suffix', safeRegex: 'safe_regex', contains: 'contains', custom: 'custom',
};

function parseExpectation(message: HeaderMatcherMessage, context: ParseContext): HeaderExpectation {
  const config = parseHeaderMatcher(message, context);
  const specifier = message.headerMatchSpecifier;
  if (specifier.case !== 'stringMatch') return { config, message, kind: KINDS[specifier.case ?? 'presentMatch'] ?? 'present_match', exact: undefined };
  const pattern = specifier.value.matchPattern;
  const kind = `string_match.${PATTERNS[pattern.case ?? ''] ?? 'match_pattern_not_set'}`;
  return { config, message, kind, exact: pattern.case === 'exact' ? pattern.value : undefined };
}
