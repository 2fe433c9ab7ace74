import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseAllDocuments, Scalar } from 'yaml';
import type { ConfigNode, MapEntry } from './config_node.ts';
import type { ProblemSink } from './config_problem.ts';
import type { SourceRange, SourceText } from './source_text.ts';

/**
 * Reads YAML the way Envoy's loader (yaml-cpp, then a JSON printer) does: the first document only; plain scalars become booleans,
 * nulls or integers by YAML 1.1 spelling and everything else strings; anchors and aliases, but no merge keys; the last of repeated
 * keys wins; entries whose key is tagged `!ignore` are dropped. Errors go to `problems`.
 * @returns undefined when the text is not YAML at all.
 */
export function parseYamlNodes(source: SourceText, problems: ProblemSink): ConfigNode | undefined {
  let reader: YamlReader;
  try {
    const documents = parseAllDocuments(source.text, { schema: 'failsafe', uniqueKeys: false, merge: false, prettyErrors: false, logLevel: 'silent' });
    const document = Array.isArray(documents) ? documents[0] : undefined;
    reader = new YamlReader(source, problems);
    if (document === undefined) return { kind: 'null', range: reader.range(0, 0) };
    // The YAML parser recurses: a hostile nesting depth ends as this error, or as a RangeError below.
    if (document.errors.some((error) => error.message.includes('call stack'))) throw new RangeError('nested too deeply');
    for (const error of document.errors) reader.syntaxError(error.pos[0], error.pos[1], error.message);
    if (reader.failed) return undefined;
    const node = document.contents === null ? reader.nullAt(0) : reader.read(document.contents as Node);
    return reader.failed ? undefined : node;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.add({ severity: 'error', text: 'JSON content was too deeply nested', range: { source, start: 0, end: 1 }, path: '', hints: [] });
    return undefined;
  }
}

class YamlReader {
  failed = false;
  private readonly source: SourceText;
  private readonly problems: ProblemSink;
  /** The latest node of each anchor name read so far, as YAML scopes them; undefined while the node itself is being read. */
  private readonly anchors = new Map<string, ConfigNode | undefined>();

  constructor(source: SourceText, problems: ProblemSink) {
    this.source = source;
    this.problems = problems;
  }

  read(node: Node): ConfigNode {
    const anchor = isAlias(node) ? undefined : (node as { anchor?: string }).anchor;
    if (anchor !== undefined) this.anchors.set(anchor, undefined);
    const result = this.readValue(node);
    if (anchor !== undefined) this.anchors.set(anchor, result);
    return result;
  }

  private readValue(node: Node): ConfigNode {
    const range = this.rangeOf(node);
    if (isAlias(node)) return this.readAlias(node, range);
    if (isScalar(node)) return this.readScalar(node, range);
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => (item === null ? this.nullAt(range.start) : this.read(item as Node))), range };
    if (isMap(node)) return { kind: 'map', entries: this.readPairs(node.items as Pair<Node, Node | null>[], range), range };
    return { kind: 'null', range };
  }

  private readPairs(pairs: Pair<Node, Node | null>[], mapRange: SourceRange): MapEntry[] {
    const entries: MapEntry[] = [];
    const seen = new Map<string, number>();
    for (const pair of pairs) {
      const key = pair.key;
      const keyRange = key === null ? mapRange : this.rangeOf(key);
      // The value is read in any case: it may hold the anchors that the rest of the file refers to.
      const value = pair.value === null ? this.nullAt(keyRange.end) : this.read(pair.value);
      if (key !== null && key.tag === '!ignore') continue;
      const keyNode = key === null ? undefined : this.read(key);
      const name = keyNode === undefined ? undefined : keyText(keyNode, key);
      if (name === undefined) {
        this.syntaxError(keyRange.start, keyRange.end, 'a map key must be a plain word or a string');
        continue;
      }
      const earlier = seen.get(name);
      if (earlier === undefined) {
        seen.set(name, entries.length);
        entries.push({ key: name, keyRange, value });
        continue;
      }
      entries[earlier] = { key: name, keyRange, value };
      const text = `key '${name}' is given twice in the same map; the last one wins`;
      this.problems.add({ severity: 'warning', text, range: keyRange, path: '', hints: [] });
    }
    return entries;
  }

  private readAlias(node: Alias, range: SourceRange): ConfigNode {
    const name = node.source;
    const target = this.anchors.get(name);
    if (target !== undefined) return target;
    const why = this.anchors.has(name) ? `the anchor &${name} refers to itself` : `there is no anchor &${name} before this`;
    this.syntaxError(range.start, range.end, why);
    return { kind: 'null', range };
  }

  private readScalar(node: Scalar, range: SourceRange): ConfigNode {
    const text = node.value === null || node.value === undefined ? '' : String(node.value);
    // `! 5` is the one tag that yaml-cpp treats as "do not guess"; `!!str` and the like are ignored, as in Envoy.
    const isPlain = node.type === undefined || node.type === Scalar.PLAIN;
    if (!isPlain || node.tag === '!') return { kind: 'string', text, range };
    return classifyPlain(text, range);
  }

  nullAt(offset: number): ConfigNode {
    return { kind: 'null', range: this.range(offset, offset) };
  }

  range(start: number, end: number): SourceRange {
    return { source: this.source, start, end };
  }

  private rangeOf(node: Node): SourceRange {
    const range = node.range;
    return range === null || range === undefined ? this.range(0, 0) : this.range(range[0], Math.max(range[0], range[1]));
  }

  syntaxError(start: number, end: number, what: string): void {
    this.failed = true;
    const sentence = what.replace(/\s+/g, ' ').replace(/[.:]$/, '');
    this.problems.add({ severity: 'error', text: `YAML syntax error: ${sentence}`, range: this.range(start, end), path: '', hints: [] });
  }
}

/** Keys are strings whatever they look like: `true:` is the key "true". */
function keyText(node: ConfigNode, key: Node | null): string | undefined {
  if (node.kind === 'string') return node.text;
  if (node.kind === 'map' || node.kind === 'list' || node.kind === 'null') return undefined;
  return isScalar(key) ? String(key.value) : nodeSpelling(node);
}

function nodeSpelling(node: ConfigNode): string {
  if (node.kind === 'number') return node.text;
  return node.kind === 'bool' ? String(node.value) : '';
}

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const TRUES = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const FALSES = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);
const INTEGER = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** A plain scalar as yaml-cpp and Envoy's loader see it: null, bool, 32-bit integer, or string. */
export function classifyPlain(text: string, range: SourceRange): ConfigNode {
  if (NULLS.has(text)) return { kind: 'null', range };
  if (TRUES.has(text)) return { kind: 'bool', value: true, range };
  if (FALSES.has(text)) return { kind: 'bool', value: false, range };
  const integer = INTEGER.exec(text);
  if (integer === null) return { kind: 'string', text, range };
  const magnitude = integer[2] !== undefined ? BigInt(`0x${integer[2]}`) : integer[4] !== undefined ? BigInt(integer[4]) : BigInt(`0o${integer[3] || '0'}`);
  const value = integer[1] === '-' ? -magnitude : magnitude;
  if (value < INT64_MIN || value > INT64_MAX) return { kind: 'string', text, range };
  // Beyond 32 bits a JSON number could lose digits, so it travels as a decimal string.
  const fits = value >= -2147483648n && value <= 2147483647n;
  return { kind: fits ? 'number' : 'string', text: value.toString(), range };
}
