/** `bootstrap.stats_config` (envoy.config.metrics.v3.StatsConfig) into plain data. Thread: main. */
import { RE2JS, RE2JSException } from 're2js';
import type {
  HistogramBucketSettings, StatsConfig as StatsConfigMessage, StatsMatcher, TagSpecifier as TagSpecifierMessage,
} from '../../core/api/gen/envoy/config/metrics/v3/stats_pb.d.ts';
import type { ListStringMatcher, StringMatcher } from '../../core/api/gen/envoy/type/matcher/v3/string_pb.d.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import { DEFAULT_STATS_CONFIG, type HistogramBucketsConfig, type StatsConfig } from '../../core/stats/stats_config.ts';
import type { StatNamePattern, StatsMatcherConfig } from '../../core/stats/stat_name_matcher.ts';
import { hasDefaultTag, type TagExtractorConfig, type TagSpecifier } from '../../core/stats/tag_extractor.ts';

/** A `--stats-tag` of the command line. */
export interface CommandLineTag {
  readonly name: string;
  readonly value: string;
}

/** The flush settings, which stand beside `stats_config` in the bootstrap. */
export interface FlushSettings {
  /** bootstrap.stats_flush_interval; undefined = default. */
  readonly intervalMs: number | undefined;
  readonly onAdmin: boolean;
}

/** Reads the message; problems go to the context. */
export function parseStatsConfig(
  message: StatsConfigMessage | undefined,
  flush: FlushSettings,
  commandLineTags: readonly CommandLineTag[],
  context: ParseContext,
): StatsConfig {
  return {
    matcher: message?.statsMatcher === undefined ? undefined : parseMatcher(message.statsMatcher, context),
    tags: parseTags(message, commandLineTags, context),
    buckets: (message?.histogramBucketSettings ?? []).flatMap((settings) => parseBuckets(settings, context)),
    flushIntervalMs: flush.intervalMs ?? DEFAULT_STATS_CONFIG.flushIntervalMs,
    flushOnAdmin: flush.onAdmin,
  };
}

function parseTags(
  message: StatsConfigMessage | undefined,
  commandLineTags: readonly CommandLineTag[],
  context: ParseContext,
): TagExtractorConfig {
  const tags: TagSpecifier[] = commandLineTags.map(({ name, value }) => ({ tagName: name, kind: 'fixed', value }));
  for (const specifier of message?.statsTags ?? []) {
    const tag = parseTag(specifier, context);
    if (tag !== undefined) tags.push(tag);
  }
  return { useAllDefaultTags: message?.useAllDefaultTags ?? true, tags };
}

function parseTag(specifier: TagSpecifierMessage, context: ParseContext): TagSpecifier | undefined {
  const { tagName, tagValue } = specifier;
  if (tagValue.case === 'fixedValue') return { tagName, kind: 'fixed', value: tagValue.value };
  if (tagValue.case === 'regex' && tagValue.value !== '') {
    const problem = regexProblem(tagValue.value);
    if (problem === undefined) return { tagName, kind: 'regex', regex: tagValue.value };
    context.error(specifier, 'regex', problem);
    return undefined;
  }
  if (hasDefaultTag(tagName)) return { tagName, kind: 'default' };
  context.error(specifier, 'tag_name', `No regex specified for tag specifier and no default regex for name: '${tagName}'`);
  return undefined;
}

function parseMatcher(matcher: StatsMatcher, context: ParseContext): StatsMatcherConfig | undefined {
  const { statsMatcher } = matcher;
  switch (statsMatcher.case) {
    case 'rejectAll':
      return statsMatcher.value ? { kind: 'rejectAll' } : undefined;
    case 'inclusionList':
      return { kind: 'include', patterns: parsePatterns(statsMatcher.value, context) };
    case 'exclusionList':
      return { kind: 'exclude', patterns: parsePatterns(statsMatcher.value, context) };
    default:
      return undefined;
  }
}

function parsePatterns(list: ListStringMatcher, context: ParseContext): StatNamePattern[] {
  return list.patterns.flatMap((pattern) => parsePattern(pattern, context));
}

function parsePattern(matcher: StringMatcher, context: ParseContext): StatNamePattern[] {
  const { matchPattern, ignoreCase } = matcher;
  switch (matchPattern.case) {
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'contains':
      return [{ kind: matchPattern.case, value: matchPattern.value, ignoreCase }];
    case 'safeRegex': {
      const regexMatcher = matchPattern.value;
      // The engine is always RE2; naming it changes nothing.
      context.consume(regexMatcher);
      const problem = regexProblem(regexMatcher.regex);
      if (problem === undefined) return [{ kind: 'regex', value: regexMatcher.regex, ignoreCase: false }];
      context.error(regexMatcher, 'regex', problem);
      return [];
    }
    case 'custom':
      context.refuse(matcher, 'custom', 'custom string matchers for stats');
      return [];
    default:
      return [];
  }
}

function parseBuckets(settings: HistogramBucketSettings, context: ParseContext): HistogramBucketsConfig[] {
  if (settings.match === undefined) return [];
  const bounds = [...settings.buckets].sort((a, b) => a - b);
  return parsePattern(settings.match, context).map((match) => ({ match, bounds }));
}

function regexProblem(regex: string): string | undefined {
  try {
    RE2JS.compile(regex);
    return undefined;
  } catch (error) {
    if (error instanceof RE2JSException) return error.message;
    throw error;
  }
}
