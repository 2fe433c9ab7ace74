/** How a message's header names were spelled (preserve_case): kept beside a map whose names are in lower case. */

/** What the preserve_case formatter is configured with. */
export interface PreserveCaseConfig {
  /** Names that the message did not have get capitals (`X-Request-Id`) instead of lower case. */
  readonly capitalisesOthers: boolean;
  /** The reason phrase of a response is forwarded too. */
  readonly forwardsReason: boolean;
}

const COLON = 58;
const LINE_FEED = 10;

/**
 * Belongs to one HeaderMap from the first byte of its message to `clear()`; null on maps of messages whose spelling nobody keeps.
 * The first spelling of a name stands for all its lines. Allocates: paid by those who configure it.
 */
export class HeaderSpelling {
  readonly capitalisesOthers: boolean;
  /** '' = the usual one. */
  reason: string;
  private readonly byName: Map<string, string>;
  /** The name of an unfinished line as far as it was seen: the parser overwrites it with lower case before the rest comes. */
  private partial: string;

  constructor(config: PreserveCaseConfig) {
    this.capitalisesOthers = config.capitalisesOthers;
    this.reason = '';
    this.byName = new Map();
    this.partial = '';
  }

  /** The spelling of a lower-case name, undefined if the message did not have it. */
  spell(name: string): string | undefined {
    return this.byName.get(name);
  }

  /**
   * Notes the names of the header lines in `from .. end`, before a parser lowers them. `from` is the start of a line: the same one
   * as last time if that was unfinished.
   */
  note(bytes: Uint8Array, from: number, end: number): void {
    let line = from;
    let seen = this.partial;
    while (line < end) {
      let p = line + seen.length;
      while (p < end && bytes[p] !== COLON && bytes[p] !== LINE_FEED) p++;
      const name = seen + text(bytes, line + seen.length, p);
      seen = '';
      if (p >= end) {
        this.partial = name;
        return;
      }
      if (bytes[p] === COLON) this.add(name);
      while (p < end && bytes[p] !== LINE_FEED) p++;
      // The line's name is noted: when the line comes again with its end, it is noted once more to no effect.
      line = p + 1;
    }
    this.partial = '';
  }

  private add(name: string): void {
    const lower = name.toLowerCase();
    if (!this.byName.has(lower)) this.byName.set(lower, name);
  }
}

/** The reason phrase of the status line `HTTP/1.1 200 reason CRLF` in `from .. end`. */
export function reasonOf(bytes: Uint8Array, from: number, end: number): string {
  return text(bytes, from + 13, end - 2);
}

function text(bytes: Uint8Array, from: number, end: number): string {
  return from >= end ? '' : Buffer.prototype.latin1Slice.call(bytes, from, end);
}

/** The form `X-Request-Id`: a capital at the beginning and behind everything that is no letter and no digit. In place. */
export function capitalise(bytes: Uint8Array, at: number, length: number): void {
  let upper = true;
  for (let i = 0; i < length; i++) {
    const c = bytes[at + i];
    const isLetter = c >= 97 && c <= 122;
    if (upper && isLetter) bytes[at + i] = c - 32;
    upper = !isLetter && !(c >= 48 && c <= 57);
  }
}
