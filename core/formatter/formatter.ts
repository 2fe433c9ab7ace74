import { latin1 } from '../headers/byte_range.ts';
import { AddressField } from './address_field.ts';
import { copyBytes, type Field, JsonKind } from './field.ts';
import type { BodyFormatConfig } from './format_config.ts';
import type { FormatContext } from './format_context.ts';
import type { FormatEnvironment } from './format_environment.ts';
import { type FormatErrorReporter, parseFormatString } from './format_parser.ts';
import { HeaderField } from './header_field.ts';
import { escapeJson } from './json_escape.ts';
import { jsonText } from './metadata_field.ts';
import { NumberField } from './number_field.ts';
import { buildField } from './operators.ts';
import { TextField } from './text_field.ts';
import { TimeField } from './time_field.ts';

/** How a segment's field is written. */
const Mode = { none: 0, text: 1, jsonText: 2, jsonString: 3, jsonCleanString: 4, jsonNumber: 5, jsonValue: 6 } as const;
type Mode = (typeof Mode)[keyof typeof Mode];

const NULL = Uint8Array.from([110, 117, 108, 108]);
const DASH = 45;
const QUOTE = 34;
const NEWLINE = 10;
const INITIAL_SCRATCH = 1024;
const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = new DataView(EMPTY.buffer);

/** Literal bytes, then at most one field. */
class Segment {
  readonly literal: Uint8Array;
  readonly firstByte: number;
  readonly field: Field | null;
  readonly mode: Mode;
  /** -1 = none. */
  readonly maxLength: number;
  /** The field again when it is of a frequent kind: a call through these is direct, through `field` it is not. */
  readonly header: HeaderField | null;
  readonly number: NumberField | null;
  readonly text: TextField | null;
  readonly address: AddressField | null;
  readonly time: TimeField | null;

  constructor(literal: Uint8Array, field: Field | null, mode: Mode, maxLength: number) {
    this.header = field instanceof HeaderField ? field : null;
    this.number = field instanceof NumberField ? field : null;
    this.text = field instanceof TextField ? field : null;
    this.address = field instanceof AddressField ? field : null;
    this.time = field instanceof TimeField ? field : null;
    this.literal = literal;
    this.firstByte = literal.length === 0 ? 0 : literal[0];
    this.field = field;
    this.mode = mode;
    this.maxLength = maxLength;
  }
}

/**
 * A compiled substitution format. One per thread and place of use; the same one serves log lines, local replies and header
 * values. `formatTo` allocates nothing for the operators that read headers, numbers, times and flags.
 */
export class Formatter {
  /** Whether it reads request headers; response headers or trailers. */
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  private readonly segments: readonly Segment[];
  /** Missing values print nothing instead of a dash. */
  private readonly omitEmptyValues: boolean;
  private scratch: Uint8Array;
  private scratchView: DataView;

  constructor(segments: readonly Segment[], omitEmptyValues: boolean) {
    this.needsRequestHeaders = segments.some((segment) => segment.field?.needsRequestHeaders === true);
    this.needsResponseHeaders = segments.some((segment) => segment.field?.needsResponseHeaders === true);
    this.segments = segments;
    this.omitEmptyValues = omitEmptyValues;
    this.scratch = EMPTY;
    this.scratchView = EMPTY_VIEW;
  }

  /**
   * `view` shows the same memory as `bytes`; up to seven bytes behind the formatted ones may be overwritten too.
   * Writes the formatted bytes at `at` and returns the offset after them. A result beyond `bytes.length` says that they did not
   * fit (what was written is void): format again into at least that much memory. Guarded by bench/micro/access_log_line.ts.
   */
  formatTo(bytes: Uint8Array, view: DataView, at: number, context: FormatContext): number {
    const segments = this.segments;
    const limit = bytes.length;
    let p = at;
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i];
      const literal = segment.literal;
      const length = literal.length;
      if (p + length > limit) return p + length;
      // Most literals are a few bytes: a loop here is cheaper than a call.
      if (length === 1) bytes[p] = segment.firstByte;
      else for (let k = 0; k < length; k++) bytes[p + k] = literal[k];
      p += length;
      const field = segment.field;
      if (field !== null) {
        p = segment.mode === Mode.text ? this.writeText(bytes, view, p, segment, field, context) : this.writeJson(bytes, view, p, segment, field, context);
        if (p > limit) return p;
      }
    }
    return p;
  }

  /** The formatted bytes as a string with one character per byte, as header values are given. Cost: one string. */
  formatToString(context: FormatContext): string {
    const end = this.formatToScratch(context);
    return latin1(this.scratch, 0, end);
  }

  /** The formatted bytes in memory of their own. */
  formatToBytes(context: FormatContext): Uint8Array {
    const end = this.formatToScratch(context);
    return this.scratch.slice(0, end);
  }

  private setScratch(length: number): void {
    this.scratch = new Uint8Array(length);
    this.scratchView = new DataView(this.scratch.buffer);
  }

  private formatToScratch(context: FormatContext): number {
    if (this.scratch.length === 0) this.setScratch(INITIAL_SCRATCH);
    let end = this.formatTo(this.scratch, this.scratchView, 0, context);
    while (end > this.scratch.length) {
      this.setScratch(end * 2);
      end = this.formatTo(this.scratch, this.scratchView, 0, context);
    }
    return end;
  }

  private writeText(bytes: Uint8Array, view: DataView, at: number, segment: Segment, field: Field, context: FormatContext): number {
    const end = writeValue(bytes, view, at, segment, field, context);
    if (end < 0) return this.writeMissing(bytes, at);
    return segment.maxLength >= 0 && end - at > segment.maxLength ? at + segment.maxLength : end;
  }

  private writeMissing(bytes: Uint8Array, at: number): number {
    if (this.omitEmptyValues) return at;
    bytes[at] = DASH;
    return at + 1;
  }

  private writeJson(bytes: Uint8Array, view: DataView, at: number, segment: Segment, field: Field, context: FormatContext): number {
    if (segment.mode === Mode.jsonText) {
      const end = this.writeText(bytes, view, at, segment, field, context);
      return end > bytes.length ? end : escapeJson(bytes, at, end);
    }
    if (segment.mode === Mode.jsonNumber || segment.mode === Mode.jsonValue) {
      const end = segment.mode === Mode.jsonNumber ? writeValue(bytes, view, at, segment, field, context) : field.writeJson(bytes, at, context);
      return end < 0 ? copyBytes(bytes, at, NULL, 0, 4) : end;
    }
    let end = writeValue(bytes, view, at + 1, segment, field, context);
    if (end < 0) return copyBytes(bytes, at, NULL, 0, 4);
    if (segment.maxLength >= 0 && end - at - 1 > segment.maxLength) end = at + 1 + segment.maxLength;
    if (end > bytes.length) return end;
    if (segment.mode === Mode.jsonString) end = escapeJson(bytes, at + 1, end);
    bytes[at] = QUOTE;
    bytes[end] = QUOTE;
    return end + 1;
  }
}

function writeValue(bytes: Uint8Array, view: DataView, at: number, segment: Segment, field: Field, context: FormatContext): number {
  if (segment.header !== null) return segment.header.writeFast(bytes, view, at, context);
  if (segment.number !== null) return segment.number.write(bytes, at, context);
  if (segment.text !== null) return segment.text.write(bytes, at, context);
  if (segment.address !== null) return segment.address.write(bytes, at, context);
  if (segment.time !== null) return segment.time.writeFast(bytes, view, at, context);
  return field.write(bytes, at, context);
}

/** Collects literals until a field ends the segment. */
class SegmentBuilder {
  private readonly segments: Segment[] = [];
  private literal = '';

  addLiteral(text: string): void {
    this.literal += text;
  }

  addField(field: Field, mode: Mode, maxLength: number): void {
    this.segments.push(new Segment(Buffer.from(this.literal), field, mode, maxLength));
    this.literal = '';
  }

  finish(omitEmptyValues: boolean): Formatter {
    if (this.literal !== '') this.segments.push(new Segment(Buffer.from(this.literal), null, Mode.none, -1));
    return new Formatter(this.segments, omitEmptyValues);
  }
}

/** Compiles a format. Mistakes are reported; the formatter returned then is not for use. Thread: the one that will format. */
export function compileFormat(config: BodyFormatConfig, environment: FormatEnvironment, report: FormatErrorReporter = throwMistake): Formatter {
  return config.kind === 'text'
    ? compileText(config.text, config.omitEmptyValues, environment, report)
    : compileJson(config.json, config.omitEmptyValues, environment, report);
}

/** Compiles a format of a header value: missing values print nothing. */
export function compileHeaderValue(text: string, environment: FormatEnvironment, report: FormatErrorReporter = throwMistake): Formatter {
  return compileText(text, true, environment, report);
}

/** Formats were checked when the configuration was parsed: a mistake here is our bug. */
function throwMistake(text: string): never {
  throw new Error(`substitution format: ${text}`);
}

/** Compiles a text format; nothing is added to it. */
export function compileText(text: string, omitEmptyValues: boolean, environment: FormatEnvironment, report: FormatErrorReporter = throwMistake): Formatter {
  const builder = new SegmentBuilder();
  for (const token of parseFormatString(text, report)) {
    if (token.kind === 'literal') {
      builder.addLiteral(token.text);
      continue;
    }
    const field = buildField(token, environment);
    if (typeof field === 'string') report(field);
    else builder.addField(field, Mode.text, token.maxLength);
  }
  return builder.finish(omitEmptyValues);
}

/** Compiles a JSON format: sorted keys, compact, one line feed at the end. */
export function compileJson(json: unknown, omitEmptyValues: boolean, environment: FormatEnvironment, report: FormatErrorReporter = throwMistake): Formatter {
  const builder = new SegmentBuilder();
  addJson(builder, json, environment, report);
  builder.addLiteral(String.fromCharCode(NEWLINE));
  return builder.finish(omitEmptyValues);
}

function addJson(builder: SegmentBuilder, json: unknown, environment: FormatEnvironment, report: FormatErrorReporter): void {
  if (typeof json === 'string') {
    addJsonString(builder, json, environment, report);
  } else if (Array.isArray(json)) {
    builder.addLiteral('[');
    for (let i = 0; i < json.length; i++) {
      if (i > 0) builder.addLiteral(',');
      addJson(builder, json[i], environment, report);
    }
    builder.addLiteral(']');
  } else if (typeof json === 'object' && json !== null) {
    const record = json as Record<string, unknown>;
    let separator = '{';
    for (const key of Object.keys(record).sort(byBytes)) {
      builder.addLiteral(`${separator}${JSON.stringify(key)}:`);
      separator = ',';
      addJson(builder, record[key], environment, report);
    }
    builder.addLiteral(separator === '{' ? '{}' : '}');
  } else {
    builder.addLiteral(jsonText(json));
  }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function addJsonString(builder: SegmentBuilder, text: string, environment: FormatEnvironment, report: FormatErrorReporter): void {
  const tokens = parseFormatString(text, report);
  const isSingle = tokens.length === 1 && tokens[0].kind === 'operator';
  if (!isSingle) builder.addLiteral('"');
  for (const token of tokens) {
    if (token.kind === 'literal') {
      builder.addLiteral(JSON.stringify(token.text).slice(1, -1));
      continue;
    }
    const field = buildField(token, environment);
    if (typeof field === 'string') report(field);
    else builder.addField(field, isSingle ? singleMode(field, token.maxLength) : Mode.jsonText, token.maxLength);
  }
  if (!isSingle) builder.addLiteral('"');
}

function singleMode(field: Field, maxLength: number): Mode {
  switch (field.jsonKind) {
    case JsonKind.string: return Mode.jsonString;
    case JsonKind.cleanString: return Mode.jsonCleanString;
    case JsonKind.number: return maxLength >= 0 ? Mode.jsonString : Mode.jsonNumber;
    case JsonKind.value: return Mode.jsonValue;
  }
}
