/**
 * Takes tags out of stat names: `cluster.up.upstream_rq_200` becomes the family `cluster.upstream_rq` with
 * `envoy.response_code=200` and `envoy.cluster_name=up`. Thread: main (readers only; the data path never sees tags).
 *
 * Every extractor looks at the full name; what the extractors found is cut out at the end, so they do not disturb each other.
 * Tags come in the order: fixed ones, extractors that may match anywhere, extractors bound to the first token of the name.
 */
import { RE2JS } from 're2js';
import { DEFAULT_TAGS } from './default_tags.ts';
import type { StatTag } from './stats_view.ts';

/** One entry of `stats_config.stats_tags` as plain data. */
export type TagSpecifier =
  | { readonly tagName: string; readonly kind: 'default' }
  | { readonly tagName: string; readonly kind: 'regex'; readonly regex: string }
  | { readonly tagName: string; readonly kind: 'fixed'; readonly value: string };

export interface TagExtractorConfig {
  readonly useAllDefaultTags: boolean;
  readonly tags: readonly TagSpecifier[];
}

/** What a name consists of. */
export interface TaggedName {
  /** The name without the parts that became tags. */
  readonly name: string;
  readonly tags: readonly StatTag[];
}

/** A found tag: its value and the range of the name that it replaces. */
interface Extraction {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

interface Extractor {
  readonly tagName: string;
  /** Must occur in the name, else there is no need to look; '' = always look. */
  readonly needle: string;
  extract(name: string): Extraction | undefined;
}

const NO_TAGS: readonly StatTag[] = [];

/** Whether a default extractor of this tag name exists. */
export function hasDefaultTag(tagName: string): boolean {
  return DEFAULT_TAGS.some((tag) => tag.tagName === tagName);
}

export class TagExtractor {
  private readonly fixed: readonly StatTag[];
  private readonly anywhere: Extractor[] = [];
  private readonly byFirstToken = new Map<string, Extractor[]>();
  /** One string per family, however many stats belong to it. */
  private readonly families = new Map<string, string>();

  /** Throws (re2js) on a bad regex: validate when the configuration is read. */
  constructor(config: TagExtractorConfig) {
    const fixed: StatTag[] = [];
    if (config.useAllDefaultTags) {
      for (const tag of DEFAULT_TAGS) this.addPattern(tag.tagName, tag.pattern, tag.needle);
    }
    for (const tag of config.tags) {
      switch (tag.kind) {
        case 'fixed':
          fixed.push({ name: tag.tagName, value: tag.value });
          break;
        case 'regex':
          this.addRegex(tag.tagName, tag.regex);
          break;
        case 'default':
          for (const byDefault of DEFAULT_TAGS) {
            if (byDefault.tagName === tag.tagName) this.addPattern(byDefault.tagName, byDefault.pattern, byDefault.needle);
          }
          break;
      }
    }
    this.fixed = fixed;
  }

  /** Splits a full stat name. Some microseconds. */
  extract(name: string): TaggedName {
    const tags: StatTag[] = this.fixed.slice();
    const cuts: Extraction[] = [];
    collect(this.anywhere, name, tags, cuts);
    const dot = name.indexOf('.');
    if (dot > 0) {
      const bound = this.byFirstToken.get(name.slice(0, dot));
      if (bound !== undefined) collect(bound, name, tags, cuts);
    }
    if (tags.length === 0) return { name, tags: NO_TAGS };
    return { name: cuts.length === 0 ? name : this.family(cut(name, cuts)), tags };
  }

  private family(name: string): string {
    const known = this.families.get(name);
    if (known !== undefined) return known;
    this.families.set(name, name);
    return name;
  }

  private addPattern(tagName: string, pattern: RegExp, needle: string): void {
    this.add(pattern.source, {
      tagName,
      needle,
      extract(name) {
        const match = pattern.exec(name);
        const range = match?.indices?.[1];
        const value = match?.[2];
        return range === undefined || value === undefined ? undefined : { value, start: range[0], end: range[1] };
      },
    });
  }

  /** A user's regex: group 1 is cut out, group 2 is the value (group 1 where there is no second). */
  private addRegex(tagName: string, source: string): void {
    const regex = RE2JS.compile(source);
    this.add(source, {
      tagName,
      needle: '',
      extract(name) {
        const matcher = regex.matcher(name);
        if (matcher.groupCount() === 0 || !matcher.find()) return undefined;
        const start = matcher.start(1);
        if (start < 0) return undefined;
        const value = matcher.groupCount() > 1 ? matcher.group(2) : matcher.group(1);
        return { value: value ?? '', start, end: matcher.end(1) };
      },
    });
  }

  private add(source: string, extractor: Extractor): void {
    const first = /^\^(\w+)\\\./.exec(source)?.[1];
    if (first === undefined) {
      this.anywhere.push(extractor);
      return;
    }
    const bound = this.byFirstToken.get(first);
    if (bound === undefined) this.byFirstToken.set(first, [extractor]);
    else bound.push(extractor);
  }
}

/** Runs extractors; the first that finds a tag wins it. */
function collect(extractors: readonly Extractor[], name: string, tags: StatTag[], cuts: Extraction[]): void {
  for (const extractor of extractors) {
    if (extractor.needle !== '' && !name.includes(extractor.needle)) continue;
    if (tags.some((tag) => tag.name === extractor.tagName)) continue;
    const found = extractor.extract(name);
    if (found === undefined) continue;
    tags.push({ name: extractor.tagName, value: found.value });
    cuts.push(found);
  }
}

/** The name without the ranges, which may overlap. */
function cut(name: string, cuts: Extraction[]): string {
  cuts.sort((a, b) => a.start - b.start);
  let result = '';
  let position = 0;
  for (const range of cuts) {
    if (range.start > position) result += name.slice(position, range.start);
    if (range.end > position) position = range.end;
  }
  return result + name.slice(position);
}
