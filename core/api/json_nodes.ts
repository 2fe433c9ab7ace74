import type { ConfigNode, MapEntry } from './config_node.ts';
import type { ProblemSink } from './config_problem.ts';
import type { SourceRange, SourceText } from './source_text.ts';

const DEPTH_MAX = 100;

/**
 * Reads JSON as Envoy's `.json` loader does: RFC 8259 plus trailing commas, single-quoted strings and unquoted keys. The first
 * syntax error goes to `problems`.
 * @returns undefined on a syntax error.
 */
export function parseJsonNodes(source: SourceText, problems: ProblemSink): ConfigNode | undefined {
  const reader = new JsonReader(source, problems);
  try {
    return reader.readAll();
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const range = { source, start: error.offset, end: Math.min(error.offset + 1, source.text.length) };
    problems.add({ severity: 'error', text: `Unable to parse JSON as proto (INVALID_ARGUMENT: ${error.message})`, range, path: '', hints: [] });
    return undefined;
  }
}

class JsonSyntaxError extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

class JsonReader {
  private readonly source: SourceText;
  private readonly problems: ProblemSink;
  private readonly text: string;
  private at = 0;
  private depth = 0;

  constructor(source: SourceText, problems: ProblemSink) {
    this.source = source;
    this.problems = problems;
    this.text = source.text;
    // A byte order mark is not part of the text.
    if (this.text.charCodeAt(0) === 0xfeff) this.at = 1;
  }

  readAll(): ConfigNode {
    const node = this.readValue();
    this.skipSpace();
    if (this.at < this.text.length) this.fail('unexpected text after the end of the JSON value');
    return node;
  }

  private readValue(): ConfigNode {
    this.skipSpace();
    const start = this.at;
    switch (this.text[start]) {
      case '{':
        return this.readMap(start);
      case '[':
        return this.readList(start);
      case '"':
      case "'":
        return { kind: 'string', text: this.readString(), range: this.range(start) };
      case undefined:
        return this.fail('the text ends where a value is expected');
    }
    const number = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.])/.exec(this.text.slice(start, start + 400));
    if (number !== null) {
      this.at += number[0].length;
      return { kind: 'number', text: number[0], range: this.range(start) };
    }
    const word = /^[A-Za-z_$][\w$]*/.exec(this.text.slice(start, start + 400))?.[0] ?? '';
    this.at += word.length;
    if (word === 'null') return { kind: 'null', range: this.range(start) };
    if (word === 'true' || word === 'false') return { kind: 'bool', value: word === 'true', range: this.range(start) };
    this.at = start;
    return this.fail(word === '' ? `unexpected character '${String.fromCodePoint(this.text.codePointAt(start) ?? 0)}'` : `unexpected word '${word}': a string needs quotes`);
  }

  private readMap(start: number): ConfigNode {
    this.enter();
    const entries: MapEntry[] = [];
    const seen = new Map<string, number>();
    for (;;) {
      this.skipSpace();
      if (this.take('}')) break;
      const keyStart = this.at;
      const key = this.readKey();
      const keyRange = this.range(keyStart);
      this.skipSpace();
      if (!this.take(':')) this.fail(`expected ':' after the key '${key}'`);
      const entry = { key, keyRange, value: this.readValue() };
      const earlier = seen.get(key);
      if (earlier === undefined) {
        seen.set(key, entries.length);
        entries.push(entry);
      } else {
        entries[earlier] = entry;
        const text = `key '${key}' is given twice in the same object; the last one wins`;
        this.problems.add({ severity: 'warning', text, range: keyRange, path: '', hints: [] });
      }
      this.skipSpace();
      if (this.take('}')) break;
      if (!this.take(',')) this.fail("expected ',' or '}'");
    }
    this.depth--;
    return { kind: 'map', entries, range: this.range(start) };
  }

  private readList(start: number): ConfigNode {
    this.enter();
    const items: ConfigNode[] = [];
    for (;;) {
      this.skipSpace();
      if (this.take(']')) break;
      items.push(this.readValue());
      this.skipSpace();
      if (this.take(']')) break;
      if (!this.take(',')) this.fail("expected ',' or ']'");
    }
    this.depth--;
    return { kind: 'list', items, range: this.range(start) };
  }

  private readKey(): string {
    const c = this.text[this.at];
    if (c === '"' || c === "'") return this.readString();
    const word = /^[A-Za-z_$][\w$]*/.exec(this.text.slice(this.at, this.at + 400));
    if (word === null) return this.fail('expected a key');
    this.at += word[0].length;
    return word[0];
  }

  private readString(): string {
    const quote = this.text[this.at++];
    let result = '';
    let from = this.at;
    for (; this.at < this.text.length; this.at++) {
      const c = this.text[this.at];
      if (c === quote) {
        result += this.text.slice(from, this.at++);
        return result;
      }
      if (c === '\\') {
        result += this.text.slice(from, this.at) + this.readEscape();
        from = this.at + 1;
      } else if (c < ' ') {
        this.fail('a control character inside a string must be escaped');
      }
    }
    return this.fail('the text ends inside a string');
  }

  /** Reads an escape at `at` and leaves `at` on its last character. */
  private readEscape(): string {
    const c = this.text[++this.at];
    const simple = c === undefined ? undefined : ESCAPES.get(c);
    if (simple !== undefined) return simple;
    const hex = /^u([0-9a-fA-F]{4})/.exec(this.text.slice(this.at, this.at + 5));
    if (hex === null) return this.fail('unknown escape');
    this.at += 4;
    return String.fromCharCode(Number.parseInt(hex[1], 16));
  }

  private enter(): void {
    if (++this.depth > DEPTH_MAX) this.fail('JSON content was too deeply nested');
    this.at++;
  }

  private take(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }

  private skipSpace(): void {
    while (this.at < this.text.length && ' \t\r\n'.includes(this.text[this.at])) this.at++;
  }

  private range(start: number): SourceRange {
    return { source: this.source, start, end: this.at };
  }

  private fail(message: string): never {
    throw new JsonSyntaxError(Math.min(this.at, this.text.length), message);
  }
}

const ESCAPES = new Map([
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
