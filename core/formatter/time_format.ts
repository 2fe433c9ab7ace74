/**
 * Time formats of %START_TIME(...)% and its like: strftime's letters, fractions (%f, %3f, %6f, %9f) and the extended forms of
 * Abseil's time library (%E3S, %E*S, %E3f, %E*f, %E4Y, %Ez, %E*z, %Es). What is no specifier is printed as it stands.
 *
 * The text of a second is made once per second; the fraction's digits are patched when the time is another, and a line copies it.
 */
import { copyBytes, copyWords, writeText } from './field.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December',
];

/** One second of civil time. */
interface CivilSecond {
  readonly epoch: number;
  readonly year: number;
  /** 0 to 11. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 = Sunday. */
  readonly weekday: number;
  /** 0 = 1 January. */
  readonly yearDay: number;
  /** East of UTC. */
  readonly offsetMinutes: number;
  readonly zone: string;
}

type Renderer = (t: CivilSecond) => string;

const two = (value: number): string => String(value).padStart(2, '0');
const blank = (value: number): string => String(value).padStart(2, ' ');
const hour12 = (t: CivilSecond): number => t.hour % 12 || 12;
const clock = (t: CivilSecond): string => `${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
const usDate = (t: CivilSecond): string => `${two(t.month + 1)}/${two(t.day)}/${two(t.year % 100)}`;

function offset(t: CivilSecond, separator: string, withSeconds: boolean): string {
  const size = Math.abs(t.offsetMinutes);
  const text = `${t.offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`;
  return withSeconds ? `${text}${separator}00` : text;
}

/** ISO 8601 week number and the year it belongs to. */
function isoWeek(t: CivilSecond): { year: number; week: number } {
  const thursday = new Date(Date.UTC(t.year, t.month, t.day + 3 - ((t.weekday + 6) % 7)));
  const year = thursday.getUTCFullYear();
  const days = (thursday.getTime() - Date.UTC(year, 0, 1)) / 86400000;
  return { year, week: Math.floor(days / 7) + 1 };
}

const SPECIFIERS: Readonly<Record<string, Renderer>> = {
  a: (t) => DAYS[t.weekday].slice(0, 3),
  A: (t) => DAYS[t.weekday],
  b: (t) => MONTHS[t.month].slice(0, 3),
  B: (t) => MONTHS[t.month],
  c: (t) => `${DAYS[t.weekday].slice(0, 3)} ${MONTHS[t.month].slice(0, 3)} ${blank(t.day)} ${clock(t)} ${t.year}`,
  C: (t) => two(Math.floor(t.year / 100)),
  d: (t) => two(t.day),
  D: usDate,
  e: (t) => blank(t.day),
  F: (t) => `${t.year}-${two(t.month + 1)}-${two(t.day)}`,
  g: (t) => two(isoWeek(t).year % 100),
  G: (t) => String(isoWeek(t).year),
  h: (t) => MONTHS[t.month].slice(0, 3),
  H: (t) => two(t.hour),
  I: (t) => two(hour12(t)),
  j: (t) => String(t.yearDay + 1).padStart(3, '0'),
  k: (t) => blank(t.hour),
  l: (t) => blank(hour12(t)),
  m: (t) => two(t.month + 1),
  M: (t) => two(t.minute),
  p: (t) => (t.hour < 12 ? 'AM' : 'PM'),
  P: (t) => (t.hour < 12 ? 'am' : 'pm'),
  r: (t) => `${two(hour12(t))}:${two(t.minute)}:${two(t.second)} ${t.hour < 12 ? 'AM' : 'PM'}`,
  R: (t) => `${two(t.hour)}:${two(t.minute)}`,
  s: (t) => String(t.epoch),
  S: (t) => two(t.second),
  t: () => '\t',
  T: clock,
  u: (t) => String(t.weekday || 7),
  U: (t) => two(Math.floor((t.yearDay + 7 - t.weekday) / 7)),
  V: (t) => two(isoWeek(t).week),
  w: (t) => String(t.weekday),
  W: (t) => two(Math.floor((t.yearDay + 7 - ((t.weekday + 6) % 7)) / 7)),
  x: usDate,
  X: clock,
  y: (t) => two(t.year % 100),
  Y: (t) => String(t.year),
  z: (t) => offset(t, '', false),
  Z: (t) => t.zone,
  '%': () => '%',
  Ez: (t) => offset(t, ':', false),
  'E*z': (t) => offset(t, ':', true),
  E4Y: (t) => String(t.year).padStart(4, '0'),
  Es: (t) => String(t.epoch),
};

/** Text, a renderer, or digits of the fraction (`trim`: trailing zeros dropped, and `dot` before them if any remain). */
type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'civil'; readonly render: Renderer }
  | { readonly kind: 'fraction'; readonly digits: number }
  | { readonly kind: 'trimmed'; readonly dot: boolean };

const SPECIFIER = /%(?:(E\*z|E4Y|E[a-zA-Z]|[a-zA-DF-Z%])|([1-9])f|E([0-9]+)([Sf])|E\*([Sf]))/y;

function parsePieces(format: string): Piece[] {
  const pieces: Piece[] = [];
  let p = 0;
  while (p < format.length) {
    const percent = format.indexOf('%', p);
    if (percent < 0) break;
    if (percent > p) pieces.push({ kind: 'text', text: format.slice(p, percent) });
    SPECIFIER.lastIndex = percent;
    const match = SPECIFIER.exec(format);
    p = match === null ? percent + 1 : SPECIFIER.lastIndex;
    if (match === null) pieces.push({ kind: 'text', text: '%' });
    else pushSpecifier(pieces, match);
  }
  if (p < format.length) pieces.push({ kind: 'text', text: format.slice(p) });
  return pieces;
}

function pushSpecifier(pieces: Piece[], match: RegExpExecArray): void {
  const [whole, plain, digits, extendedDigits, extendedLetter, trimmedLetter] = match;
  if (plain !== undefined) {
    if (plain === 'f') {
      pieces.push({ kind: 'fraction', digits: 9 });
      return;
    }
    // An E before a letter that has no extended form of its own is ignored, as strftime does.
    const render = SPECIFIERS[plain] ?? (plain.length === 2 ? SPECIFIERS[plain[1]] : undefined);
    pieces.push(render === undefined ? { kind: 'text', text: whole } : { kind: 'civil', render });
    return;
  }
  if (digits !== undefined) {
    pieces.push({ kind: 'fraction', digits: Number(digits) });
    return;
  }
  const letter = extendedLetter ?? trimmedLetter;
  if (letter === 'S') pieces.push({ kind: 'civil', render: SPECIFIERS['S'] });
  if (trimmedLetter !== undefined) {
    pieces.push({ kind: 'trimmed', dot: letter === 'S' });
    return;
  }
  const count = Math.min(Number(extendedDigits), 15);
  if (count === 0) return;
  if (letter === 'S') pieces.push({ kind: 'text', text: '.' });
  pieces.push({ kind: 'fraction', digits: count });
}

/** A compiled time format with its cache of the current second. One per operator and thread. */
export class TimeFormat {
  private readonly pieces: readonly Piece[];
  private readonly isLocal: boolean;
  /** Whether the text's length depends on the fraction: then it is made anew for each line. */
  private readonly isVariable: boolean;
  /** What the cache shows: [0] milliseconds, [1] their second. Typed, so that a change allocates nothing. */
  private readonly cached: Float64Array;
  private cache: Uint8Array;
  private cacheView: DataView;
  private cacheLength: number;
  /** Offsets in `cache` of the fraction's digits, and how many. */
  private readonly patchOffsets: number[];
  private readonly patchDigits: number[];

  constructor(format: string, isLocal: boolean) {
    this.pieces = parsePieces(format);
    this.isLocal = isLocal;
    this.isVariable = this.pieces.some((piece) => piece.kind === 'trimmed');
    this.cached = Float64Array.of(NaN, NaN);
    this.cache = new Uint8Array(64);
    this.cacheView = new DataView(this.cache.buffer);
    this.cacheLength = 0;
    this.patchOffsets = [];
    this.patchDigits = [];
  }

  /** Writes the time `wallMs` (milliseconds since 1970, fractions to the microsecond) and returns the end. `view`: as of `copyWords`, null = none at hand. */
  write(bytes: Uint8Array, view: DataView | null, at: number, wallMs: number): number {
    // Streams that began in the same turn have the same start.
    if (wallMs !== this.cached[0]) this.update(wallMs);
    if (view === null) return copyBytes(bytes, at, this.cache, 0, this.cacheLength);
    return copyWords(bytes, view, at, this.cache, this.cacheView, 0, this.cacheLength);
  }

  private update(wallMs: number): void {
    const second = Math.floor(wallMs / 1000);
    const micros = Math.floor((wallMs - second * 1000) * 1000);
    if (second !== this.cached[1] || this.isVariable) this.render(second, micros);
    for (let i = 0; i < this.patchOffsets.length; i++) writeFraction(this.cache, this.patchOffsets[i], micros, this.patchDigits[i]);
    this.cached[0] = wallMs;
  }

  private render(second: number, micros: number): void {
    const civil = this.isLocal ? localSecond(second) : utcSecond(second);
    this.patchOffsets.length = 0;
    this.patchDigits.length = 0;
    let text = '';
    for (const piece of this.pieces) {
      if (piece.kind === 'text') text += piece.text;
      else if (piece.kind === 'civil') text += piece.render(civil);
      else if (piece.kind === 'trimmed') {
        const digits = String(micros).padStart(6, '0').replace(/0+$/, '');
        text += piece.dot ? (digits === '' ? '' : `.${digits}`) : digits || '0';
      } else {
        this.patchOffsets.push(Buffer.byteLength(text));
        this.patchDigits.push(piece.digits);
        text += '0'.repeat(piece.digits);
      }
    }
    // writeText wants room for the worst case of UTF-8.
    if (this.cache.length < text.length * 3) {
      this.cache = new Uint8Array(text.length * 3);
      this.cacheView = new DataView(this.cache.buffer);
    }
    this.cacheLength = writeText(this.cache, 0, text);
    this.cached[1] = second;
  }
}

/** Writes the first `digits` digits of a fraction given in microseconds. */
function writeFraction(bytes: Uint8Array, at: number, micros: number, digits: number): void {
  let rest = digits <= 3 ? (micros / 1000) | 0 : micros | 0;
  for (let i = digits <= 3 ? 2 : 5; i >= 0; i--) {
    const q = (rest / 10) | 0;
    if (i < digits) bytes[at + i] = 48 + (rest - q * 10);
    rest = q;
  }
}

function utcSecond(epoch: number): CivilSecond {
  const date = new Date(epoch * 1000);
  const year = date.getUTCFullYear();
  return {
    epoch, year, month: date.getUTCMonth(), day: date.getUTCDate(), hour: date.getUTCHours(), minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(), weekday: date.getUTCDay(), yearDay: dayOfYear(year, date.getUTCMonth(), date.getUTCDate()),
    offsetMinutes: 0, zone: 'UTC',
  };
}

function localSecond(epoch: number): CivilSecond {
  const date = new Date(epoch * 1000);
  const year = date.getFullYear();
  const zone = /\(([^)]*)\)/.exec(date.toString())?.[1] ?? '';
  const offsetMinutes = -date.getTimezoneOffset();
  return {
    epoch, year, month: date.getMonth(), day: date.getDate(), hour: date.getHours(), minute: date.getMinutes(),
    second: date.getSeconds(), weekday: date.getDay(), yearDay: dayOfYear(year, date.getMonth(), date.getDate()),
    offsetMinutes, zone: offsetMinutes === 0 ? 'UTC' : shortZone(zone),
  };
}

/** `Central European Standard Time` is CEST or CET in strftime; Node knows only the long name: its initials. */
function shortZone(name: string): string {
  return name.includes(' ') ? name.split(' ').map((word) => word[0]).join('') : name;
}

function dayOfYear(year: number, month: number, day: number): number {
  return Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86400000);
}
