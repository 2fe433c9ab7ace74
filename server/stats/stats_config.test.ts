import { describe, expect, test } from 'vitest';
import type { StatsConfig as StatsConfigMessage } from '../../core/api/gen/envoy/config/metrics/v3/stats_pb.d.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import { parseStatsConfig } from './stats_config.ts';

function parse(message: object | undefined, tags: readonly { name: string; value: string }[] = []) {
  const problems: string[] = [];
  const context: ParseContext = {
    error: (_message, field, text) => void problems.push(`${field}: ${text}`),
    refuse: (_message, field, feature) => void problems.push(`${field} refused: ${feature}`),
    warn: () => {},
    consume: () => {},
    unpackAny: () => undefined,
    parseExtension: () => undefined,
    isRegistered: () => false,
    registeredName: () => undefined,
    position: () => undefined,
  };
  // Only the fields that the reader looks at.
  const config = parseStatsConfig(message as StatsConfigMessage | undefined, { intervalMs: undefined, onAdmin: false }, tags, context);
  return { config, problems };
}

const exact = (value: string) => ({ ignoreCase: false, matchPattern: { case: 'exact', value } });

describe('stats_config', () => {
  test('absent: every stat, default tags, flush every five seconds', () => {
    expect(parse(undefined)).toEqual({
      config: {
        matcher: undefined, tags: { useAllDefaultTags: true, tags: [] }, buckets: [], flushIntervalMs: 5000, flushOnAdmin: false,
      },
      problems: [],
    });
  });

  test('tags of the command line come before those of the file', () => {
    const { config } = parse({
      useAllDefaultTags: false,
      statsTags: [
        { tagName: 'a', tagValue: { case: 'fixedValue', value: 'x' } }, { tagName: 'b', tagValue: { case: 'regex', value: '(b)' } },
        { tagName: 'envoy.cluster_name', tagValue: { case: undefined } },
      ],
      histogramBucketSettings: [],
    }, [{ name: 'cli', value: 'v' }]);
    expect(config.tags).toEqual({
      useAllDefaultTags: false,
      tags: [
        { tagName: 'cli', kind: 'fixed', value: 'v' }, { tagName: 'a', kind: 'fixed', value: 'x' },
        { tagName: 'b', kind: 'regex', regex: '(b)' }, { tagName: 'envoy.cluster_name', kind: 'default' },
      ],
    });
  });

  test('a bad regex and a tag that is neither known nor described are errors', () => {
    const { problems } = parse({
      statsTags: [{ tagName: 'a', tagValue: { case: 'regex', value: '(' } }, { tagName: 'unknown', tagValue: { case: undefined } }],
      histogramBucketSettings: [],
    });
    expect(problems).toEqual([
      expect.stringMatching(/^regex: /), "tag_name: No regex specified for tag specifier and no default regex for name: 'unknown'",
    ]);
  });

  test('matcher lists and histogram buckets', () => {
    const { config } = parse({
      statsTags: [],
      statsMatcher: { statsMatcher: { case: 'exclusionList', value: { patterns: [
        exact('a'), { ignoreCase: false, matchPattern: { case: 'safeRegex', value: { regex: 'x.*' } } },
      ] } } },
      histogramBucketSettings: [{ match: exact('h'), buckets: [10, 5] }],
    });
    expect(config.matcher).toEqual({ kind: 'exclude', patterns: [
      { kind: 'exact', value: 'a', ignoreCase: false }, { kind: 'regex', value: 'x.*', ignoreCase: false },
    ] });
    expect(config.buckets).toEqual([{ match: { kind: 'exact', value: 'h', ignoreCase: false }, bounds: [5, 10] }]);
  });
});
