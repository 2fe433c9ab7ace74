import type { SourceRange, SourceText } from './source_text.ts';

const DEPTH_MAX = 100;

/** A protobuf text-format message before its type is known. */
export interface TextMessage {
  readonly kind: 'message';
  readonly fields: readonly TextField[];
  readonly range: SourceRange;
}

/** One `name: value`, as it stands; a repeated field is several of them, or one with a list. */
export interface TextField {
  /** A field name, or the type URL of an expanded Any (`[type.googleapis.com/x] {}`). */
  readonly name: string;
  readonly isTypeUrl: boolean;
  readonly nameRange: SourceRange;
  readonly value: TextValue;
}

/** A quoted value: its bytes as Latin-1 characters, escapes resolved, adjacent pieces joined. */
export interface TextString {
  readonly kind: 'string';
  readonly latin1: string;
  readonly range: SourceRange;
}

/** A number or a name, with its sign. */
export interface TextWord {
  readonly kind: 'number' | 'word';
  readonly text: string;
  readonly range: SourceRange;
}

export interface TextList {
  readonly kind: 'list';
  readonly items: readonly TextValue[];
  readonly range: SourceRange;
}

export type TextValue = TextMessage | TextString | TextWord | TextList;

/** Why a text is not in protobuf's text format. */
export class TextSyntaxError extends Error {
  readonly range: SourceRange;

  constructor(range: SourceRange, message: string) {
    super(message);
    this.range = range;
  }
}

/**
 * Reads protobuf's text format (protobuf.dev/reference/protobuf/textformat-spec) without knowing the message type.
 * @throws TextSyntaxError at the first mistake.
 */
export function parseTextProto(source: SourceText): TextMessage {
  return new TextReader(source).readAll();
}

const SPACE_OR_COMMENT = /(?:[ \t\r\n\v\f]+|#[^\n]*)*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?)(?![\w.])/y;
const TYPE_URL = /[ \t]*([A-Za-z0-9._~%!$&()*+,;=-]+(?:\/[A-Za-z0-9._-]+)*)[ \t]*\]/y;

class TextReader {
  private readonly source: SourceText;
  private readonly text: string;
  private at = 0;
  private depth = 0;

  constructor(source: SourceText) {
    this.source = source;
    this.text = source.text;
  }

  readAll(): TextMessage {
    const fields = this.readFields('');
    return { kind: 'message', fields, range: { source: this.source, start: 0, end: this.text.length } };
  }

  /** Fields up to `close`, which is consumed; '' stands for the end of the text. */
  private readFields(close: string): TextField[] {
    if (++this.depth > DEPTH_MAX) this.fail('messages are nested too deeply');
    const fields: TextField[] = [];
    for (;;) {
      this.skipSpace();
      if (this.at >= this.text.length) {
        if (close !== '') this.fail(`the text ends where '${close}' is expected`);
        break;
      }
      if (close !== '' && this.take(close)) break;
      fields.push(this.readField());
    }
    this.depth--;
    return fields;
  }

  private readField(): TextField {
    const start = this.at;
    const isTypeUrl = this.take('[');
    const name = isTypeUrl ? this.readTypeUrl() : this.match(NAME) ?? this.fail(`expected a field name, found '${this.text[this.at]}'`);
    const nameRange = this.range(start);
    this.skipSpace();
    const hasColon = this.take(':');
    this.skipSpace();
    const c = this.text[this.at];
    if (!hasColon && c !== '{' && c !== '<') this.fail(`expected ':' after the field name '${name}'`);
    const value = this.readValue(true);
    this.skipSpace();
    if (!this.take(',')) this.take(';');
    return { name, isTypeUrl, nameRange, value };
  }

  private readTypeUrl(): string {
    TYPE_URL.lastIndex = this.at;
    const match = TYPE_URL.exec(this.text);
    if (match === null) return this.fail("expected a type URL such as [type.googleapis.com/package.Message] after '['");
    this.at = TYPE_URL.lastIndex;
    return match[1];
  }

  private readValue(mayBeList: boolean): TextValue {
    const start = this.at;
    const c = this.text[start];
    if (c === '{' || c === '<') {
      this.at++;
      const fields = this.readFields(c === '{' ? '}' : '>');
      return { kind: 'message', fields, range: this.range(start) };
    }
    if (c === '[' && mayBeList) return this.readList(start);
    if (c === '"' || c === "'") return this.readStrings(start);
    const sign = this.take('-') ? '-' : '';
    this.skipSpace();
    const number = this.match(NUMBER);
    if (number !== undefined) return { kind: 'number', text: sign + number, range: this.range(start) };
    const word = this.match(NAME);
    if (word !== undefined) return { kind: 'word', text: sign + word, range: this.range(start) };
    return this.fail(this.at < this.text.length ? `expected a value, found '${this.text[this.at]}'` : 'the text ends where a value is expected');
  }

  private readList(start: number): TextList {
    this.at++;
    const items: TextValue[] = [];
    this.skipSpace();
    if (!this.take(']')) {
      do {
        this.skipSpace();
        items.push(this.readValue(false));
        this.skipSpace();
      } while (this.take(','));
      if (!this.take(']')) this.fail("expected ',' or ']'");
    }
    return { kind: 'list', items, range: this.range(start) };
  }

  private readStrings(start: number): TextString {
    let latin1 = '';
    let end = this.at;
    for (let c = this.text[this.at]; c === '"' || c === "'"; c = this.text[this.at]) {
      latin1 += this.readString(c);
      end = this.at;
      this.skipSpace();
    }
    return { kind: 'string', latin1, range: { source: this.source, start, end } };
  }

  private readString(quote: string): string {
    this.at++;
    let result = '';
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined || c === '\n') this.fail('the string has no end on its line');
      if (c === quote) {
        this.at++;
        return result;
      }
      if (c === '\\') {
        result += this.readEscape();
        continue;
      }
      const point = String.fromCodePoint(this.text.codePointAt(this.at) ?? 0);
      result += Buffer.from(point).toString('latin1');
      this.at += point.length;
    }
  }

  private readEscape(): string {
    const rest = this.text.slice(this.at + 1, this.at + 11);
    const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
    if (octal !== undefined) return this.escaped(1 + octal.length, Number.parseInt(octal, 8));
    const hex = /^[xX]([0-9a-fA-F]{1,2})/.exec(rest);
    if (hex !== null) return this.escaped(1 + hex[0].length, Number.parseInt(hex[1], 16));
    const unicode = /^(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
    if (unicode !== null) {
      const point = Number.parseInt(unicode[1] ?? unicode[2], 16);
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) this.fail('not a Unicode character');
      this.at += 1 + unicode[0].length;
      return Buffer.from(String.fromCodePoint(point)).toString('latin1');
    }
    const simple = ESCAPES.get(rest[0] ?? '');
    if (simple === undefined) return this.fail('unknown escape');
    this.at += 2;
    return simple;
  }

  private escaped(length: number, byte: number): string {
    if (byte > 255) this.fail('an octal escape is at most \\377');
    this.at += length;
    return String.fromCharCode(byte);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at = pattern.lastIndex;
    return match[0];
  }

  private take(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }

  private skipSpace(): void {
    SPACE_OR_COMMENT.lastIndex = this.at;
    SPACE_OR_COMMENT.exec(this.text);
    this.at = SPACE_OR_COMMENT.lastIndex;
  }

  private range(start: number): SourceRange {
    return { source: this.source, start, end: this.at };
  }

  private fail(message: string): never {
    const start = Math.min(this.at, this.text.length);
    throw new TextSyntaxError({ source: this.source, start, end: Math.min(start + 1, this.text.length) }, message);
  }
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
  ['?', '?'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
]);
