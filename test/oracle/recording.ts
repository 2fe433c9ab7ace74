/** What was observed when a case ran: the shape of the golden files and of both sides of a comparison. */
import type { TlsSighting } from './scripted_tls.ts';
import type { WireMessage } from './wire_parser.ts';

/** A message; empty and default members are left out. */
export interface RecordedMessage {
  readonly start: string;
  readonly headers: readonly string[];
  /** Absent for `none`. */
  readonly framing?: string;
  readonly body?: string;
  readonly trailers?: readonly string[];
  /** Names of headers and trailers as they were spelled; only for groups about that. */
  readonly spelling?: string;
  readonly incomplete?: true;
}

export interface RecordedConnection {
  readonly messages: readonly RecordedMessage[];
  /** Bytes that are no HTTP message. */
  readonly rest?: string;
  readonly fate: string;
  /** What an upstream saw of the handshake. */
  readonly tls?: TlsSighting;
  /** Steps of the script that waited in vain. */
  readonly timeouts?: readonly string[];
}

export type LogValue = string | number | boolean | null;

/** A log line: text, or the members of a JSON line that are not null. */
export type RecordedLogLine = string | Readonly<Record<string, LogValue>>;

export interface Recording {
  readonly downstream: readonly RecordedConnection[];
  readonly upstream: Readonly<Record<string, readonly RecordedConnection[]>>;
  readonly log: readonly RecordedLogLine[];
  /** Counters and gauges that differ after the case, when all its connections are gone. */
  readonly stats: Readonly<Record<string, number>>;
  /** Gauges read while the case ran, in the order of the script's `gauges` steps. */
  readonly gauges?: readonly Readonly<Record<string, number>>[];
}

/** Longer bodies are recorded as their length and a checksum. */
const BODY_LIMIT = 600;

function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash.toString(16);
}

/** `text`, or its length and checksum when it is long. */
export function shortened(text: string): string {
  return text.length <= BODY_LIMIT ? text : `<${text.length} bytes, fnv1a ${checksum(text)}, begins ${text.slice(0, 40)}>`;
}

/** `message` as it is recorded, with `clean` applied to its lines. */
export function recordMessage(message: WireMessage, clean: (text: string) => string, withSpelling = false): RecordedMessage {
  return {
    start: shortened(clean(message.startLine)),
    headers: message.headers.map((line) => shortened(clean(line))),
    ...(message.framing === 'none' ? {} : { framing: message.framing }),
    ...(message.body === '' ? {} : { body: shortened(clean(message.body)) }),
    ...(message.trailers.length === 0 ? {} : { trailers: message.trailers.map(clean) }),
    ...(withSpelling ? { spelling: message.spelling.join(' ') } : {}),
    ...(message.isComplete ? {} : { incomplete: true as const }),
  };
}
