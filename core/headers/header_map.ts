import type { TurnBuffer } from '../buffer/turn_buffer.ts';
import { writeDecimal } from '../buffer/turn_buffer.ts';
import { FIRST_REGULAR_ID, HeaderId, type HeaderNames } from './header_names.ts';
import type { HeaderValue } from './header_value.ts';
import { rangeHasToken } from './token_list.ts';
import type { HeaderSpelling } from './header_spelling.ts';
import { copyRange, latin1, rangeEquals } from './byte_range.ts';

/** Int32 words per entry: line start (-1 = removed), line end (after CRLF), name length, value start, value length, name id. */
export const ENTRY_WORDS = 6;
/** Ids below this are found by one array load, others by a scan. */
export const FAST_IDS = 256;
const INITIAL_ENTRIES = 32;

const CR = 13;
const LF = 10;
const SPACE = 32;
const COMMA = 44;

/**
 * The headers of one message, as ranges of bytes: nothing is a string until someone asks for one.
 *
 * A map is *borrowed* while its bytes lie in the turn's slab (valid until the end of the turn) and *owned* after `retain()`
 * copied them into memory of its own. Every entry is a complete line `name: value CRLF`, name in lower case, so that a line
 * nobody changed is forwarded as it arrived. Pseudo-headers (:method, :path, :scheme, :status) are fields, not entries.
 *
 * Methods taking an id are the fast ones (`HeaderNames.intern` at config time); those taking a string are for convenience and
 * cost a look-up. Values are Latin-1. Thread: the worker that owns the stream. Allocation: none, but for strings returned and
 * growth beyond what the pooled map has seen.
 */
export class HeaderMap {
  readonly names: HeaderNames;
  private readonly turn: TurnBuffer;
  /** Where the ranges lie: the slab (borrowed) or `own`. */
  bytes: Uint8Array;
  /** `bytes` again, for copies of several bytes at a time. */
  view: DataView;
  /** Entries, `ENTRY_WORDS` each; `count` of them, removed ones included. */
  entries: Int32Array;
  count: number;
  /** 1 + index of the first live entry of each fast id; 0 = absent. */
  readonly slots: Int16Array;

  /** Pseudo-headers as ranges of `bytes`; length 0 = absent. */
  methodOffset: number;
  methodLength: number;
  pathOffset: number;
  pathLength: number;
  /** The request's :scheme is https; known once `hasScheme`. */
  isHttps: boolean;
  hasScheme: boolean;
  /** Some name with a fast id came more than once, or some line has other blanks than `name: value`. */
  hasRepeats: boolean;
  /** Bits of `HeaderGroup`: of which groups the map holds, or held, a name. */
  groups: number;
  /** The :status of a response, 0 in requests. */
  status: number;
  /** Where the start line begins in `bytes`, and where the first header line begins, while the start line is still as it arrived; -1 once changed. */
  startLineOffset: number;
  startLineEnd: number;

  /** How the names were spelled, if the codec keeps that. */
  spelling: HeaderSpelling | null;

  private own: Uint8Array;
  private ownView: DataView;
  private ownUsed: number;
  private isOwned: boolean;

  constructor(names: HeaderNames, turn: TurnBuffer) {
    this.names = names;
    this.turn = turn;
    this.bytes = turn.slab;
    this.view = turn.view;
    this.entries = new Int32Array(INITIAL_ENTRIES * ENTRY_WORDS);
    this.count = 0;
    this.slots = new Int16Array(FAST_IDS);
    this.methodOffset = 0;
    this.methodLength = 0;
    this.pathOffset = 0;
    this.pathLength = 0;
    this.isHttps = false;
    this.hasScheme = false;
    this.hasRepeats = false;
    this.groups = 0;
    this.status = 0;
    this.startLineOffset = -1;
    this.startLineEnd = -1;
    this.spelling = null;
    this.own = EMPTY;
    this.ownView = turn.view;
    this.ownUsed = 0;
    this.isOwned = false;
  }

  /** Empties the map and makes it borrow from the slab again. */
  clear(): void {
    const entries = this.entries;
    const slots = this.slots;
    for (let k = 0, end = this.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      const nameId = entries[k + 5];
      if (nameId < FAST_IDS) slots[nameId] = 0;
    }
    this.count = 0;
    this.methodLength = 0;
    this.pathLength = 0;
    this.isHttps = false;
    this.hasScheme = false;
    this.hasRepeats = false;
    this.groups = 0;
    this.status = 0;
    this.startLineOffset = -1;
    this.startLineEnd = -1;
    this.spelling = null;
    this.bytes = this.turn.slab;
    this.view = this.turn.view;
    this.ownUsed = 0;
    this.isOwned = false;
  }

  // === reading ===

  /** Whether the map owns its bytes (outlives the turn). */
  get owned(): boolean {
    return this.isOwned;
  }

  /** Word index of the first live entry of an id in `entries`, or -1. Not for pseudo-headers. */
  find(nameId: number): number {
    if (nameId < FAST_IDS) {
      const slot = this.slots[nameId];
      return slot === 0 ? -1 : (slot - 1) * ENTRY_WORDS;
    }
    return this.findFrom(nameId, 0);
  }

  /** Word index of the next live entry of the same id after word index `k`, or -1. */
  findNext(nameId: number, k: number): number {
    if (nameId < FAST_IDS && !this.hasRepeats) return -1;
    return this.findFrom(nameId, k + ENTRY_WORDS);
  }

  /** Whether a name of these groups (`HeaderGroup`, fast ids only) may be there; false is certain. */
  hasAny(groups: number): boolean {
    return (this.groups & groups) !== 0;
  }

  has(nameId: number): boolean {
    if (nameId >= FIRST_REGULAR_ID) return this.find(nameId) >= 0;
    return this.pseudo(nameId) !== undefined;
  }

  /** Value of the first header of that id as a string, or undefined. Pseudo-headers too. */
  get(nameId: number): string | undefined {
    if (nameId < FIRST_REGULAR_ID) return this.pseudo(nameId);
    const k = this.find(nameId);
    return k < 0 ? undefined : latin1(this.bytes, this.entries[k + 3], this.entries[k + 4]);
  }

  /** All values of an id joined with ',' (as matchers see them), or undefined. */
  getAll(nameId: number): string | undefined {
    let value = this.get(nameId);
    if (value === undefined || nameId < FIRST_REGULAR_ID) return value;
    for (let k = this.findNext(nameId, this.find(nameId)); k >= 0; k = this.findNext(nameId, k)) {
      value += `,${latin1(this.bytes, this.entries[k + 3], this.entries[k + 4])}`;
    }
    return value;
  }

  /** Value by name in any case; interned or not. Slower than `get`. */
  getByName(name: string): string | undefined {
    const nameId = this.names.find(name);
    if (nameId !== 0) {
      const value = this.getAll(nameId);
      if (value !== undefined || nameId < FIRST_REGULAR_ID) return value;
    }
    // Not interned, or only after this map was parsed.
    const lower = name.toLowerCase();
    for (let k = 0, end = this.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      if (this.entries[k] >= 0 && this.entries[k + 5] === 0 && this.nameAt(k) === lower) return latin1(this.bytes, this.entries[k + 3], this.entries[k + 4]);
    }
    return undefined;
  }

  /** Whether the first value of an id equals a Latin-1 text, byte for byte. No allocation. */
  valueEquals(nameId: number, text: string): boolean {
    const k = this.find(nameId);
    return k >= 0 && rangeEquals(this.bytes, this.entries[k + 3], this.entries[k + 4], text);
  }

  /** Whether any comma-separated token of any header of that id equals a lower-case text, in any case (RFC 9110 §5.6.1). */
  hasToken(nameId: number, token: string): boolean {
    for (let k = this.find(nameId); k >= 0; k = this.findNext(nameId, k)) {
      if (rangeHasToken(this.bytes, this.entries[k + 3], this.entries[k + 4], token)) return true;
    }
    return false;
  }

  /** Name of the entry at word index `k`, lower case. */
  nameAt(k: number): string {
    const nameId = this.entries[k + 5];
    return nameId !== 0 ? this.names.text(nameId) : latin1(this.bytes, this.entries[k], this.entries[k + 2]);
  }

  /** Value of the entry at word index `k`. */
  valueAt(k: number): string {
    return latin1(this.bytes, this.entries[k + 3], this.entries[k + 4]);
  }

  /** Calls `visit(name, value)` for each live entry in order. Allocates: for filters that ask for it, dumps and tests. */
  forEach(visit: (name: string, value: string) => void): void {
    for (let k = 0, end = this.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      if (this.entries[k] >= 0) visit(this.nameAt(k), this.valueAt(k));
    }
  }

  /** Number of live entries and the bytes of their names and values (what Envoy calls the map's byte size, pseudo-headers included). */
  byteSize(): number {
    let size = 0;
    if (this.methodLength > 0) size += 7 + this.methodLength;
    if (this.pathLength > 0) size += 5 + this.pathLength;
    if (this.hasScheme) size += 7 + (this.isHttps ? 5 : 4);
    if (this.status > 0) size += 10;
    const entries = this.entries;
    for (let k = 0, end = this.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      if (entries[k] >= 0) size += entries[k + 2] + entries[k + 4] + (entries[k + 5] === HeaderId.authority ? 6 : 0);
    }
    return size;
  }

  /** Sum over live headers of name and value lengths plus `perHeader` each. */
  lineBytes(perHeader: number): number {
    const entries = this.entries;
    let size = 0;
    for (let k = 0, end = this.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      if (entries[k] >= 0) size += entries[k + 2] + entries[k + 4] + perHeader;
    }
    return size;
  }

  // === changing ===

  /** Removes every header of that id. */
  remove(nameId: number): void {
    const entries = this.entries;
    let k = this.find(nameId);
    if (k < 0) return;
    if (nameId < FAST_IDS) {
      this.slots[nameId] = 0;
      if (!this.hasRepeats) {
        this.forgetEntry(k);
        return;
      }
    }
    for (const end = this.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      if (entries[k + 5] === nameId && entries[k] >= 0) this.forgetEntry(k);
    }
  }

  /** Removes by name in any case; interned or not. */
  removeByName(name: string): void {
    const nameId = this.names.find(name);
    if (nameId !== 0) {
      if (nameId < FIRST_REGULAR_ID) return;
      this.remove(nameId);
    }
    const lower = name.toLowerCase();
    for (let k = 0, end = this.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      if (this.entries[k] >= 0 && this.entries[k + 5] === 0 && this.nameAt(k) === lower) this.entries[k] = -1;
    }
  }

  /** Removes the entry at word index `k` only. */
  removeAt(k: number): void {
    const nameId = this.entries[k + 5];
    this.forgetEntry(k);
    if (nameId !== 0 && nameId < FAST_IDS) {
      const next = this.findFrom(nameId, 0);
      this.slots[nameId] = next < 0 ? 0 : next / ENTRY_WORDS + 1;
    }
  }

  /** Replaces all headers of that id by one. */
  set(nameId: number, value: string): void {
    this.writeLine(nameId, value, true);
  }

  /** Replaces all headers of that id by one whose value is a range of `source`. */
  setBytes(nameId: number, source: Uint8Array, offset: number, length: number): void {
    const at = this.beginLine(nameId, length);
    const valueAt = this.cursor;
    const bytes = this.bytes;
    for (let i = 0; i < length; i++) bytes[valueAt + i] = source[offset + i];
    this.endLine(nameId, at, valueAt, length, true);
  }

  /** Replaces all headers of that id by one whose value was prepared. */
  setValue(nameId: number, value: HeaderValue): void {
    const length = value.length;
    const at = this.beginLine(nameId, length + 3);
    const valueAt = this.cursor;
    const view = this.view;
    const source = value.view;
    for (let i = 0; i < length; i += 4) view.setInt32(valueAt + i, source.getInt32(i, true), true);
    this.endLine(nameId, at, valueAt, length, true);
  }

  /** Replaces all headers of that id by a non-negative integer in decimal. */
  setInteger(nameId: number, value: number): void {
    const at = this.beginLine(nameId, 16);
    const valueAt = this.cursor;
    const end = writeDecimal(this.bytes, valueAt, value);
    this.endLine(nameId, at, valueAt, end - valueAt, true);
  }

  /** Adds another header of that id, leaving those that are there. */
  add(nameId: number, value: string): void {
    this.writeLine(nameId, value, false);
  }

  /** Appends to the first header of that id with ', ' between, or sets it. */
  appendBytes(nameId: number, source: Uint8Array, offset: number, length: number): void {
    const k = this.find(nameId);
    if (k < 0) {
      this.setBytes(nameId, source, offset, length);
      return;
    }
    const oldLength = this.entries[k + 4];
    const at = this.beginLine(nameId, oldLength + 2 + length);
    const valueAt = this.cursor;
    // After beginLine: it may have grown `own`, which moves nothing (offsets stay) but replaces `bytes`.
    const bytes = this.bytes;
    const oldAt = this.entries[k + 3];
    for (let i = 0; i < oldLength; i++) bytes[valueAt + i] = bytes[oldAt + i];
    bytes[valueAt + oldLength] = COMMA;
    bytes[valueAt + oldLength + 1] = SPACE;
    for (let i = 0; i < length; i++) bytes[valueAt + oldLength + 2 + i] = source[offset + i];
    this.replaceLine(nameId, k, at, valueAt, oldLength + 2 + length);
  }

  /** Sets :method (tokens are checked by whoever made them). */
  setMethod(value: string): void {
    this.methodOffset = this.writePseudo(value);
    this.methodLength = value.length;
  }

  /** Sets :path. */
  setPath(value: string): void {
    this.pathOffset = this.writePseudo(value);
    this.pathLength = value.length;
  }

  /** Sets :path to a range of `source`. */
  setPathBytes(source: Uint8Array, offset: number, length: number): void {
    const at = this.reserve(length);
    const bytes = this.bytes;
    for (let i = 0; i < length; i++) bytes[at + i] = source[offset + i];
    this.pathOffset = at;
    this.pathLength = length;
    this.startLineOffset = -1;
  }

  /** Offset of `length` free bytes in `bytes` for a caller that writes a value itself (then `setWritten`). */
  beginValue(nameId: number, maxLength: number): number {
    this.pendingLine = this.beginLine(nameId, maxLength);
    return this.cursor;
  }

  /** Ends what `beginValue` began: the value has `length` bytes. Replaces all headers of that id. */
  endValue(nameId: number, length: number): void {
    this.endLine(nameId, this.pendingLine, this.cursor, length, true);
  }

  /** Ends what `beginValue` began, as one more header of that id. */
  endAddedValue(nameId: number, length: number): void {
    this.endLine(nameId, this.pendingLine, this.cursor, length, false);
  }

  /** Adds or replaces by name; interned or not. For filters written for ease, config-time names should be interned. */
  setByName(name: string, value: string): void {
    // Lines parsed while the name was unknown are replaced too.
    if (this.names.find(name) === 0) this.removeByName(name);
    this.set(this.names.intern(name), value);
  }

  /** Copies everything live into memory of the map's own, so that it outlives the turn. No-op when owned. Cost: one pass. */
  retain(): void {
    if (this.isOwned) return;
    const source = this.bytes;
    let need = this.methodLength + this.pathLength;
    const entries = this.entries;
    const end = this.count * ENTRY_WORDS;
    for (let k = 0; k < end; k += ENTRY_WORDS) if (entries[k] >= 0) need += entries[k + 1] - entries[k];
    if (this.own.length < need + 256) this.setOwn(new Uint8Array(Math.max(1024, (need + 256) << 1)));
    const own = this.own;
    let p = 0;
    p = copyRange(own, p, source, this.methodOffset, this.methodLength);
    this.methodOffset = p - this.methodLength;
    p = copyRange(own, p, source, this.pathOffset, this.pathLength);
    this.pathOffset = p - this.pathLength;
    // Lines that lie one after another are copied as one run.
    let runStart = 0;
    let runEnd = -1;
    let shift = 0;
    for (let k = 0; k < end; k += ENTRY_WORDS) {
      const line = entries[k];
      if (line < 0) continue;
      const lineEnd = entries[k + 1];
      if (line !== runEnd) {
        if (runEnd >= 0) p = copyRange(own, p, source, runStart, runEnd - runStart);
        runStart = line;
        shift = p - line;
      }
      runEnd = lineEnd;
      entries[k] = line + shift;
      entries[k + 1] = lineEnd + shift;
      entries[k + 3] += shift;
    }
    if (runEnd >= 0) p = copyRange(own, p, source, runStart, runEnd - runStart);
    this.ownUsed = p;
    this.bytes = own;
    this.view = this.ownView;
    this.isOwned = true;
    this.startLineOffset = -1;
    this.startLineEnd = -1;
  }

  /** Records a line that the parser found: `line .. end` (after CRLF), name of `nameLength` bytes in lower case, value range, id. */
  appendParsed(line: number, end: number, nameLength: number, valueOffset: number, valueLength: number, nameId: number): void {
    const k = this.count * ENTRY_WORDS;
    if (k === this.entries.length) this.growEntries();
    const entries = this.entries;
    entries[k] = line;
    entries[k + 1] = end;
    entries[k + 2] = nameLength;
    entries[k + 3] = valueOffset;
    entries[k + 4] = valueLength;
    entries[k + 5] = nameId;
    this.count++;
    if (nameId === 0 || nameId >= FAST_IDS) return;
    this.groups |= this.names.groups[nameId];
    if (this.slots[nameId] === 0) this.slots[nameId] = this.count;
    else this.hasRepeats = true;
  }

  /** A new map with the same content, owned. Allocates. */
  clone(): HeaderMap {
    const copy = new HeaderMap(this.names, this.turn);
    copy.copyFrom(this);
    return copy;
  }

  /** Makes this map an owned copy of another (retries, mirrors). */
  copyFrom(other: HeaderMap): void {
    this.clear();
    if (this.entries.length < other.count * ENTRY_WORDS) this.entries = new Int32Array(other.entries.length);
    this.entries.set(other.entries.subarray(0, other.count * ENTRY_WORDS));
    this.count = other.count;
    this.slots.set(other.slots);
    this.methodOffset = other.methodOffset;
    this.methodLength = other.methodLength;
    this.pathOffset = other.pathOffset;
    this.pathLength = other.pathLength;
    this.isHttps = other.isHttps;
    this.hasScheme = other.hasScheme;
    this.hasRepeats = other.hasRepeats;
    this.groups = other.groups;
    this.status = other.status;
    this.bytes = other.bytes;
    this.view = other.view;
    this.spelling = other.spelling;
    this.retain();
  }

  // === private ===

  private cursor = 0;
  private pendingLine = 0;

  private forgetEntry(k: number): void {
    this.entries[k] = -1;
    this.entries[k + 5] = 0;
  }

  private findFrom(nameId: number, from: number): number {
    const entries = this.entries;
    for (let k = from, end = this.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      if (entries[k + 5] === nameId && entries[k] >= 0) return k;
    }
    return -1;
  }

  private pseudo(nameId: number): string | undefined {
    switch (nameId) {
      case HeaderId.method:
        return this.methodLength === 0 ? undefined : latin1(this.bytes, this.methodOffset, this.methodLength);
      case HeaderId.path:
        return this.pathLength === 0 ? undefined : latin1(this.bytes, this.pathOffset, this.pathLength);
      case HeaderId.scheme:
        return this.hasScheme ? (this.isHttps ? 'https' : 'http') : undefined;
      case HeaderId.status:
        return this.status === 0 ? undefined : String(this.status);
      default:
        return undefined;
    }
  }

  private writePseudo(value: string): number {
    const at = this.reserve(value.length);
    const bytes = this.bytes;
    for (let i = 0; i < value.length; i++) bytes[at + i] = value.charCodeAt(i);
    this.startLineOffset = -1;
    return at;
  }

  private setOwn(own: Uint8Array): void {
    this.own = own;
    this.ownView = new DataView(own.buffer, own.byteOffset, own.length);
  }

  private reserve(length: number): number {
    if (!this.isOwned) return this.turn.reserve(length);
    const at = this.ownUsed;
    if (at + length > this.own.length) {
      const grown = new Uint8Array((at + length) << 1);
      copyRange(grown, 0, this.own, 0, at);
      this.setOwn(grown);
      this.bytes = grown;
      this.view = this.ownView;
    }
    this.ownUsed = at + length;
    return at;
  }

  /** Reserves a line and writes `name: `; leaves `cursor` at the value. */
  private beginLine(nameId: number, maxLength: number): number {
    const names = this.names;
    const length = names.lengths[nameId] + 2;
    // Copied four bytes at a time, up to three too many; `finishLine` gives back what was not used.
    const at = this.reserve(length + maxLength + 5);
    const view = this.view;
    const source = names.view;
    let from = names.offsets[nameId];
    for (let p = at, end = at + length; p < end; p += 4, from += 4) view.setInt32(p, source.getInt32(from, true), true);
    this.cursor = at + length;
    return at;
  }

  private writeLine(nameId: number, value: string, replace: boolean): void {
    const length = value.length;
    const at = this.beginLine(nameId, length);
    const valueAt = this.cursor;
    const bytes = this.bytes;
    for (let i = 0; i < length; i++) bytes[valueAt + i] = value.charCodeAt(i);
    this.endLine(nameId, at, valueAt, length, replace);
  }

  private endLine(nameId: number, at: number, valueAt: number, length: number, replace: boolean): void {
    const k = replace ? this.find(nameId) : -1;
    if (k < 0) {
      const end = this.finishLine(valueAt + length);
      this.appendParsed(at, end, this.names.lengths[nameId], valueAt, length, nameId);
      return;
    }
    this.replaceLine(nameId, k, at, valueAt, length);
    for (let next = this.findNext(nameId, k); next >= 0; next = this.findNext(nameId, next)) this.forgetEntry(next);
  }

  private replaceLine(nameId: number, k: number, at: number, valueAt: number, length: number): void {
    const entries = this.entries;
    entries[k] = at;
    entries[k + 1] = this.finishLine(valueAt + length);
    entries[k + 2] = this.names.lengths[nameId];
    entries[k + 3] = valueAt;
    entries[k + 4] = length;
  }

  /** Writes CRLF at `p`, gives back what was reserved beyond it, returns the end. */
  private finishLine(p: number): number {
    const bytes = this.bytes;
    bytes[p] = CR;
    bytes[p + 1] = LF;
    if (this.isOwned) this.ownUsed = p + 2;
    else this.turn.position = p + 2;
    return p + 2;
  }

  /** Doubles the room for entries; returns the new array. */
  growEntries(): Int32Array {
    const grown = new Int32Array(this.entries.length * 2);
    grown.set(this.entries);
    return (this.entries = grown);
  }
}

const EMPTY = new Uint8Array(0);
