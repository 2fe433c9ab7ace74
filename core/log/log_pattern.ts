/**
 * Line patterns of the process log, in spdlog's syntax (spdlog wiki, "Custom formatting") with the additions that Envoy
 * documents for --log-format: `%_` newlines escaped, `%j` JSON string escapes, `%+` the message without its tags, `%*` the tags as
 * JSON members. Compiled once; formatting is for the control plane, it allocates.
 */
import { LOG_LEVEL_LETTERS, LOG_LEVEL_NAMES, type LogLevel } from './log_level.ts';

/** Key-value pairs that belong to a message, such as the connection it is about. */
export type LogTags = Readonly<Record<string, string>>;

export interface LogRecord {
  /** Milliseconds since the epoch, fractional. */
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly component: string;
  readonly message: string;
  readonly tags: LogTags | undefined;
  /** Thread id as the system shows it. */
  readonly threadId: number;
  readonly processId: number;
}

/** Where in the source the line was written; asked for only by patterns that show it. */
export interface SourceLocation {
  /** Path within the project. */
  readonly file: string;
  readonly line: number;
  readonly functionName: string;
}

/** What a piece of a pattern may use beside the record. */
interface Frame {
  readonly record: LogRecord;
  readonly date: Date;
  readonly location: SourceLocation;
  /** Milliseconds since the previous line of this thread. */
  readonly sinceLastMs: number;
}

type Piece = (frame: Frame) => string;

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

const pad2 = (value: number): string => `${value}`.padStart(2, '0');
const time24 = (date: Date): string => `${pad2(date.getHours())}:${pad2(date.getMinutes())}:${pad2(date.getSeconds())}`;
const shortDate = (date: Date): string => `${pad2(date.getMonth() + 1)}/${pad2(date.getDate())}/${pad2(date.getFullYear() % 100)}`;
const hour12 = (date: Date): string => pad2(date.getHours() % 12 === 0 ? 12 : date.getHours() % 12);
const meridiem = (date: Date): string => (date.getHours() < 12 ? 'AM' : 'PM');
const fraction = (timeMs: number, digits: number): string =>
  `${Math.floor((timeMs - Math.floor(timeMs / 1000) * 1000) * 10 ** (digits - 3))}`.padStart(digits, '0');
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function utcOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad2(Math.floor(size / 60))}:${pad2(size % 60)}`;
}

function ctime(date: Date): string {
  return `${DAYS[date.getDay()].slice(0, 3)} ${MONTHS[date.getMonth()].slice(0, 3)} ${date.getDate()} ${time24(date)} ${date.getFullYear()}`;
}

/** `[Tags: "a":"1"] ` in front of the message, as text lines show tags. */
function withTags(record: LogRecord): string {
  if (record.tags === undefined) return record.message;
  const members = Object.entries(record.tags).map(([key, value]) => `"${key}":"${value}"`);
  return `[Tags: ${members.join(',')}] ${record.message}`;
}

function tagMembers(tags: LogTags | undefined): string {
  if (tags === undefined) return '';
  return Object.entries(tags).map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`).join('');
}

const FLAGS: Readonly<Record<string, Piece>> = {
  v: (f) => withTags(f.record),
  _: (f) => withTags(f.record).replaceAll('\n', '\\n'),
  j: (f) => JSON.stringify(f.record.message).slice(1, -1),
  '+': (f) => f.record.message,
  '*': (f) => tagMembers(f.record.tags),
  t: (f) => `${f.record.threadId}`,
  P: (f) => `${f.record.processId}`,
  n: (f) => f.record.component,
  l: (f) => LOG_LEVEL_NAMES[f.record.level],
  L: (f) => LOG_LEVEL_LETTERS[f.record.level],
  a: (f) => DAYS[f.date.getDay()].slice(0, 3),
  A: (f) => DAYS[f.date.getDay()],
  b: (f) => MONTHS[f.date.getMonth()].slice(0, 3),
  h: (f) => MONTHS[f.date.getMonth()].slice(0, 3),
  B: (f) => MONTHS[f.date.getMonth()],
  c: (f) => ctime(f.date),
  C: (f) => pad2(f.date.getFullYear() % 100),
  Y: (f) => `${f.date.getFullYear()}`,
  D: (f) => shortDate(f.date),
  x: (f) => shortDate(f.date),
  m: (f) => pad2(f.date.getMonth() + 1),
  d: (f) => pad2(f.date.getDate()),
  H: (f) => pad2(f.date.getHours()),
  I: (f) => hour12(f.date),
  M: (f) => pad2(f.date.getMinutes()),
  S: (f) => pad2(f.date.getSeconds()),
  e: (f) => fraction(f.record.timeMs, 3),
  f: (f) => fraction(f.record.timeMs, 6),
  F: (f) => fraction(f.record.timeMs, 9),
  p: (f) => meridiem(f.date),
  r: (f) => `${hour12(f.date)}:${pad2(f.date.getMinutes())}:${pad2(f.date.getSeconds())} ${meridiem(f.date)}`,
  R: (f) => `${pad2(f.date.getHours())}:${pad2(f.date.getMinutes())}`,
  T: (f) => time24(f.date),
  X: (f) => time24(f.date),
  z: (f) => utcOffset(f.date),
  E: (f) => `${Math.floor(f.record.timeMs / 1000)}`,
  i: (f) => `${Math.floor(f.sinceLastMs)}`,
  u: (f) => `${Math.floor(f.sinceLastMs * 1e6)}`,
  o: (f) => `${Math.floor(f.sinceLastMs * 1e3)}`,
  O: (f) => `${Math.floor(f.sinceLastMs / 1e3)}`,
  g: (f) => f.location.file,
  s: (f) => baseName(f.location.file),
  '#': (f) => `${f.location.line}`,
  '!': (f) => f.location.functionName,
  '@': (f) => `${f.location.file}:${f.location.line}`,
  // Colour ranges: lines go to files and pipes, never coloured.
  '^': () => '',
  $: () => '',
};

const LOCATION_FLAGS = 'gs#!@';

/** A compiled pattern. */
export class LogPattern {
  readonly text: string;
  /** Whether it shows where the line was written (then the caller's position is looked up per line). */
  readonly needsLocation: boolean;
  private readonly pieces: readonly Piece[];

  constructor(text: string) {
    this.text = text;
    const pieces: Piece[] = [];
    let needsLocation = false;
    // Alignment: "-" left, "=" centre, default right; then a width, then "!" to truncate.
    const matcher = /%(?:([-=]?)(\d{1,3})(!?))?([^%\s])|%%|[^%]+|%/gs;
    for (const match of text.matchAll(matcher)) {
      const piece = match[4] === undefined ? undefined : FLAGS[match[4]];
      if (piece === undefined) {
        const literal = match[0] === '%%' ? '%' : match[0];
        pieces.push(() => literal);
        continue;
      }
      if (LOCATION_FLAGS.includes(match[4])) needsLocation = true;
      pieces.push(match[2] === undefined ? piece : aligned(piece, match[1], Number(match[2]), match[3] === '!'));
    }
    this.pieces = pieces;
    this.needsLocation = needsLocation;
  }

  /** One line without its newline. */
  format(record: LogRecord, location: SourceLocation, sinceLastMs: number): string {
    const frame: Frame = { record, location, sinceLastMs, date: new Date(record.timeMs) };
    let line = '';
    for (const piece of this.pieces) line += piece(frame);
    return line;
  }
}

function aligned(piece: Piece, side: string, width: number, truncates: boolean): Piece {
  return (frame) => {
    const text = piece(frame);
    if (text.length >= width) return truncates ? text.slice(0, width) : text;
    if (side === '-') return text.padEnd(width);
    if (side === '=') return text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width);
    return text.padStart(width);
  };
}

/**
 * The pattern of a JSON log format (application_log_config.log_format.json_format): an object whose values contain flags.
 * Tags are appended as further members. Returns an error text instead for flags that would break the JSON.
 */
export function jsonLogPattern(format: Readonly<Record<string, unknown>>): { pattern: string } | { error: string } {
  const text = JSON.stringify(format);
  for (const flag of ['%v', '%_']) {
    if (text.includes(flag)) return { error: `setJsonLogFormat error: usage of ${flag} is unavailable for JSON log formats` };
  }
  return { pattern: `${text.slice(0, -1)}%*}` };
}
