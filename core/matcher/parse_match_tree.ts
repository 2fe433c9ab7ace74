/** xds.type.matcher.v3.Matcher to plain data. Thread: main, config time. */
import type { Config as EnvironmentInput } from '../api/gen/envoy/extensions/matching/common_inputs/environment_variable/v3/input_pb.d.ts';
import type { DynamicMetadataInput, FilterStateInput } from '../api/gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.d.ts';
import type { ConsistentHashing } from '../api/gen/envoy/extensions/matching/input_matchers/consistent_hashing/v3/consistent_hashing_pb.d.ts';
import type { Ip } from '../api/gen/envoy/extensions/matching/input_matchers/ip/v3/ip_pb.d.ts';
import type { Metadata } from '../api/gen/envoy/extensions/matching/input_matchers/metadata/v3/metadata_pb.d.ts';
import type { RuntimeFraction } from '../api/gen/envoy/extensions/matching/input_matchers/runtime_fraction/v3/runtime_fraction_pb.d.ts';
import type { HttpRequestHeaderMatchInput, HttpRequestQueryParamMatchInput } from '../api/gen/envoy/type/matcher/v3/http_inputs_pb.d.ts';
import type { StringMatcher } from '../api/gen/envoy/type/matcher/v3/string_pb.d.ts';
import type { TypedExtensionConfig } from '../api/gen/xds/core/v3/extension_pb.d.ts';
import type { ServerNameMatcher } from '../api/gen/xds/type/matcher/v3/domain_pb.d.ts';
import type { IPMatcher } from '../api/gen/xds/type/matcher/v3/ip_pb.d.ts';
import type {
  Matcher, Matcher_MatcherList_Predicate, Matcher_MatcherList_Predicate_SinglePredicate, Matcher_MatcherTree, Matcher_OnMatch,
} from '../api/gen/xds/type/matcher/v3/matcher_pb.d.ts';
import type { AnyMessage, ParseContext, UnpackedAny } from '../registry/parse_context.ts';
import { parseRuntimeFraction } from '../runtime/parse_runtime.ts';
import type { MatchInputConfig, MatchPredicateConfig, MatchTreeConfig, OnMatchConfig, ValuePredicateConfig } from './match_tree_config.ts';
import { parseStringMatcher } from './parse_matcher.ts';
import { parseCidrRanges, parseValueMatcher } from './parse_value_matcher.ts';

const HTTP = 'envoy.type.matcher.v3.';
const NETWORK = 'envoy.extensions.matching.common_inputs.network.v3.';
const MATCHERS = 'envoy.extensions.matching.input_matchers.';
const NEVER = { defaultValue: { numerator: 0, denominator: 100 }, runtimeKey: '' } as const;
const ABSENT: MatchInputConfig = { kind: 'constant', value: null };

/** Inputs by type name. */
const INPUTS: Readonly<Record<string, (message: object) => MatchInputConfig>> = {
  [`${HTTP}HttpRequestHeaderMatchInput`]: (message) => ({ kind: 'request_header', name: (message as HttpRequestHeaderMatchInput).headerName.toLowerCase() }),
  [`${HTTP}HttpRequestQueryParamMatchInput`]: (message) => ({ kind: 'query_param', name: (message as HttpRequestQueryParamMatchInput).queryParam }),
  [`${NETWORK}SourceIPInput`]: () => ({ kind: 'source_ip' }),
  [`${NETWORK}SourcePortInput`]: () => ({ kind: 'source_port' }),
  [`${NETWORK}DirectSourceIPInput`]: () => ({ kind: 'direct_source_ip' }),
  [`${NETWORK}DestinationIPInput`]: () => ({ kind: 'destination_ip' }),
  [`${NETWORK}DestinationPortInput`]: () => ({ kind: 'destination_port' }),
  [`${NETWORK}SourceTypeInput`]: () => ({ kind: 'source_type' }),
  [`${NETWORK}ServerNameInput`]: () => ({ kind: 'server_name' }),
  [`${NETWORK}FilterStateInput`]: (message) => ({ kind: 'filter_state', name: (message as FilterStateInput).key }),
  [`${NETWORK}DynamicMetadataInput`]: (message) => ({
    kind: 'dynamic_metadata', filter: (message as DynamicMetadataInput).filter, path: (message as DynamicMetadataInput).path.map((segment) => segment.segment.value ?? ''),
  }),
  'envoy.extensions.matching.common_inputs.environment_variable.v3.Config': (message) => ({ kind: 'constant', value: process.env[(message as EnvironmentInput).name] ?? null }),
};

const CEL_INPUT = 'xds.type.matcher.v3.HttpAttributesCelMatchInput';
const CEL_MATCHER = 'xds.type.matcher.v3.CelMatcher';
/** Inputs that exist but may be used by none of the trees there are. */
const FOREIGN_INPUTS: readonly string[] = [CEL_INPUT, `${HTTP}HttpResponseHeaderMatchInput`, `${HTTP}HttpRequestTrailerMatchInput`, `${HTTP}HttpResponseTrailerMatchInput`];

/** Matchers of one value by type name. */
const MATCHER_TYPES: Readonly<Record<string, (message: object, context: ParseContext) => ValuePredicateConfig>> = {
  [`${MATCHERS}ip.v3.Ip`]: (message, context) => ({ kind: 'ip', ranges: parseCidrRanges((message as Ip).cidrRanges, context) }),
  [`${MATCHERS}metadata.v3.Metadata`]: (message, context) => {
    const { value, invert } = message as Metadata;
    return { kind: 'metadata', value: value === undefined ? { kind: 'or', matchers: [] } : parseValueMatcher(value, context), invert };
  },
  [`${MATCHERS}consistent_hashing.v3.ConsistentHashing`]: (message, context) => {
    const { threshold, modulo, seed } = message as ConsistentHashing;
    if (threshold > modulo) context.error(message, 'threshold', `threshold cannot be greater than modulo: ${threshold} > ${modulo}`);
    return { kind: 'consistent_hashing', threshold, modulo, seed: halves(seed) };
  },
  [`${MATCHERS}runtime_fraction.v3.RuntimeFraction`]: (message) => {
    const { runtimeFraction, seed } = message as RuntimeFraction;
    const fraction = runtimeFraction === undefined ? NEVER : parseRuntimeFraction(runtimeFraction);
    return { kind: 'runtime_fraction', fraction, seed: halves(seed) };
  },
};

function halves(seed: bigint): { high: number; low: number } {
  return { high: Number(seed >> 32n) | 0, low: Number(seed & 0xffffffffn) | 0 };
}

/** What depends on who uses the tree. */
export interface MatchTreeOptions<Action> {
  /** Whether a kind of input may be used, constants always; `unsupported` is the error that names another type. */
  readonly inputs: ReadonlySet<MatchInputConfig['kind']>;
  unsupported(typeName: string): string;
  /** Parses a leaf; undefined: no such action (reported here), or reported already. */
  action(opened: UnpackedAny): Action | undefined;
  /** Type names that `action` knows. */
  readonly actionTypes: readonly string[];
}

/** Parses a tree. Errors are reported; what they leave of the tree matches nothing. */
export function parseMatchTree<Action>(message: Matcher, options: MatchTreeOptions<Action>, context: ParseContext): MatchTreeConfig<Action> {
  return new TreeParser(options, context).tree(message);
}

class TreeParser<Action> {
  private readonly options: MatchTreeOptions<Action>;
  private readonly context: ParseContext;

  constructor(options: MatchTreeOptions<Action>, context: ParseContext) {
    this.options = options;
    this.context = context;
  }

  tree(message: Matcher): MatchTreeConfig<Action> {
    const onNoMatch = this.onMatch(message.onNoMatch);
    const type = message.matcherType;
    switch (type.case) {
      case 'matcherList': {
        const matchers = type.value.matchers.flatMap((matcher) => {
          const onMatch = this.onMatch(matcher.onMatch);
          const predicate = matcher.predicate === undefined ? undefined : this.predicate(matcher.predicate);
          return onMatch === null || predicate === undefined ? [] : [{ predicate, onMatch }];
        });
        return { kind: 'list', matchers, onNoMatch };
      }
      case 'matcherTree':
        return { ...this.branches(type.value), onNoMatch };
      default:
        return { kind: 'none', onNoMatch };
    }
  }

  private branches(message: Matcher_MatcherTree): MatchTreeConfig<Action> {
    const none: MatchTreeConfig<Action> = { kind: 'none', onNoMatch: null };
    const input = this.input(message, message.input);
    const type = message.treeType;
    switch (type.case) {
      case 'exactMatchMap':
      case 'prefixMatchMap': {
        const entries = Object.entries(type.value.map).flatMap(([key, value]) => {
          const onMatch = this.onMatch(value);
          return onMatch === null ? [] : [[key, onMatch] as const];
        });
        return { kind: type.case === 'exactMatchMap' ? 'exact_map' : 'prefix_map', input, entries, onNoMatch: null };
      }
      case 'customMatch': {
        const opened = this.open(message, 'custom_match', type.value, ['xds.type.matcher.v3.IPMatcher', 'xds.type.matcher.v3.ServerNameMatcher']);
        if (opened === undefined) return none;
        return opened.typeName.endsWith('IPMatcher') ? this.ipRanges(opened.message as IPMatcher, input) : this.domains(opened.message as ServerNameMatcher, input);
      }
      default:
        return none;
    }
  }

  private ipRanges(message: IPMatcher, input: MatchInputConfig): MatchTreeConfig<Action> {
    const entries = message.rangeMatchers.flatMap((matcher) => {
      const onMatch = this.onMatch(matcher.onMatch);
      const ranges = parseCidrRanges(matcher.ranges, this.context);
      return onMatch === null ? [] : [{ ranges, onMatch, exclusive: matcher.exclusive }];
    });
    return { kind: 'ip_ranges', input, entries, onNoMatch: null };
  }

  private domains(message: ServerNameMatcher, input: MatchInputConfig): MatchTreeConfig<Action> {
    const seen = new Set<string>();
    const entries = message.domainMatchers.flatMap((matcher) => {
      for (const [index, domain] of matcher.domains.entries()) {
        const mistake = seen.has(domain) ? `Duplicate domain in ServerNameMatcher: ${domain}` : domainMistake(domain);
        if (mistake !== undefined) this.context.error(matcher, `domains[${index}]`, mistake);
        seen.add(domain);
      }
      const onMatch = this.onMatch(matcher.onMatch);
      return onMatch === null ? [] : [{ domains: [...matcher.domains], onMatch }];
    });
    return { kind: 'domains', input, entries, onNoMatch: null };
  }

  private onMatch(message: Matcher_OnMatch | undefined): OnMatchConfig<Action> | null {
    if (message === undefined) return null;
    if (message.keepMatching) this.context.error(message, 'keep_matching', 'keep_matching is not supported in this context');
    const on = message.onMatch;
    if (on.case === 'matcher') return { kind: 'tree', tree: this.tree(on.value) };
    if (on.case !== 'action') return null;
    const opened = this.open(message, 'action', on.value, this.options.actionTypes);
    const action = opened === undefined ? undefined : this.options.action(opened);
    return action === undefined ? null : { kind: 'action', action };
  }

  private predicate(message: Matcher_MatcherList_Predicate): MatchPredicateConfig | undefined {
    const type = message.matchType;
    switch (type.case) {
      case 'singlePredicate':
        return this.single(type.value);
      case 'orMatcher':
      case 'andMatcher': {
        const predicates = type.value.predicate.map((predicate) => this.predicate(predicate)).filter((predicate) => predicate !== undefined);
        return { kind: type.case === 'orMatcher' ? 'or' : 'and', predicates };
      }
      case 'notMatcher': {
        const predicate = this.predicate(type.value);
        return predicate === undefined ? undefined : { kind: 'not', predicate };
      }
      default:
        return undefined;
    }
  }

  private single(message: Matcher_MatcherList_Predicate_SinglePredicate): MatchPredicateConfig | undefined {
    const input = this.input(message, message.input);
    const matcher = this.valuePredicate(message);
    return matcher === undefined ? undefined : { kind: 'single', input, matcher };
  }

  private valuePredicate(message: Matcher_MatcherList_Predicate_SinglePredicate): ValuePredicateConfig | undefined {
    const { context } = this;
    // The same message under another name.
    if (message.matcher.case === 'valueMatch') return { kind: 'string', matcher: parseStringMatcher(message.matcher.value as object as StringMatcher, context) };
    if (message.matcher.case !== 'customMatch') return undefined;
    const opened = this.open(message, 'custom_match', message.matcher.value, [...Object.keys(MATCHER_TYPES), CEL_MATCHER]);
    if (opened?.typeName === CEL_MATCHER) {
      // Its input is refused everywhere, so it has none that it could take.
      context.consume(opened.message);
      context.error(message, 'custom_match', 'Unsupported data input type: string. The matcher supports input type: cel_data_input');
      return undefined;
    }
    return opened === undefined ? undefined : MATCHER_TYPES[opened.typeName]?.(opened.message, context);
  }

  private input(holder: object, extension: TypedExtensionConfig | undefined): MatchInputConfig {
    const { context } = this;
    if (extension === undefined) return ABSENT;
    const opened = this.open(holder, 'input', extension, [...Object.keys(INPUTS), ...FOREIGN_INPUTS]);
    const isForeign = opened !== undefined && FOREIGN_INPUTS.includes(opened.typeName);
    if (isForeign) {
      context.consume(opened.message);
      context.error(holder, 'input', this.options.unsupported(opened.typeName));
    }
    const config = opened === undefined ? undefined : INPUTS[opened.typeName]?.(opened.message);
    if (opened === undefined || config === undefined) return ABSENT;
    if (config.kind !== 'constant' && !this.options.inputs.has(config.kind)) {
      context.error(holder, 'input', this.options.unsupported(opened.typeName));
      return ABSENT;
    }
    return config;
  }

  /** Opens an extension whose type is among `known`; else reports. */
  private open(holder: object, field: string, extension: TypedExtensionConfig, known: readonly string[]): UnpackedAny | undefined {
    this.context.consume(extension, 'name');
    const opened = extension.typedConfig === undefined ? undefined : this.context.unpackAny(extension.typedConfig as AnyMessage);
    if (opened !== undefined && known.includes(opened.typeName)) return opened;
    if (opened !== undefined || extension.typedConfig === undefined) {
      this.context.error(holder, field, `Didn't find a registered implementation for '${extension.name}' with type URL: '${opened?.typeName ?? ''}'; there are: ${known.join(', ')}`);
    }
    return undefined;
  }
}

function domainMistake(domain: string): string | undefined {
  if (domain === '') return 'Empty domain in ServerNameMatcher';
  if (domain === '*' || !domain.includes('*')) return undefined;
  if (!/^\*\../.test(domain)) return `Invalid wildcard domain format: ${domain}. Only '*' and '*.domain' patterns are supported`;
  return domain.includes('*', 1) ? `Invalid wildcard domain format: ${domain}. Multiple wildcards are not supported` : undefined;
}
