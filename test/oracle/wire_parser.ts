/**
 * A tolerant HTTP/1 message reader for recordings. It describes what a peer put on the wire, in order, without judging
 * it: the proxy under test is the one that must be strict. Bytes are latin1 text throughout.
 */

/** How the end of a message body was found. */
export type Framing = 'none' | 'content-length' | 'chunked' | 'until-close' | 'data frames';

export interface WireMessage {
  /** Request line or status line. */
  readonly startLine: string;
  /** `name: value` in wire order, names in lower case, values trimmed. */
  readonly headers: readonly string[];
  readonly framing: Framing;
  readonly body: string;
  readonly trailers: readonly string[];
  /** Names of headers and trailers as they were spelled, in wire order. */
  readonly spelling: readonly string[];
  /** False when the bytes ended before the message did. */
  readonly isComplete: boolean;
}

export interface WireReading {
  readonly messages: readonly WireMessage[];
  /** Complete messages, counting only final responses (status 200 and above) or requests. */
  readonly finalCount: number;
  /** Bytes that do not begin a message. */
  readonly rest: string;
}

interface Head {
  readonly startLine: string;
  readonly headers: string[];
  readonly spelling: string[];
  readonly next: number;
}

interface Body {
  readonly framing: Framing;
  readonly body: string;
  readonly trailers: string[];
  readonly trailerSpelling?: string[];
  readonly next: number;
  readonly isComplete: boolean;
}

function readLines(text: string, from: number): { lines: string[]; next: number } | undefined {
  const lines: string[] = [];
  let at = from;
  for (;;) {
    const end = text.indexOf('\n', at);
    if (end < 0) {
      return undefined;
    }
    const line = text.slice(at, end > at && text[end - 1] === '\r' ? end - 1 : end);
    at = end + 1;
    if (line === '') {
      return { lines, next: at };
    }
    lines.push(line);
  }
}

function headerLine(line: string): string {
  const colon = line.indexOf(':');
  if (colon < 0) {
    return line;
  }
  return `${line.slice(0, colon).toLowerCase()}: ${line.slice(colon + 1).trim()}`;
}

function nameOf(line: string): string {
  const colon = line.indexOf(':');
  return colon < 0 ? line : line.slice(0, colon);
}

function readHead(text: string, from: number): Head | undefined {
  const block = readLines(text, from);
  const startLine = block?.lines[0];
  if (block === undefined || startLine === undefined) {
    return undefined;
  }
  const lines = block.lines.slice(1);
  return { startLine, headers: lines.map(headerLine), spelling: lines.map(nameOf), next: block.next };
}

/** The values of `name` in `headers`, in order. */
export function headerValues(headers: readonly string[], name: string): string[] {
  const prefix = `${name}: `;
  return headers.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
}

function readChunked(text: string, from: number): Body {
  let at = from;
  let body = '';
  for (;;) {
    const end = text.indexOf('\r\n', at);
    const size = end < 0 ? Number.NaN : Number.parseInt(text.slice(at, end), 16);
    if (Number.isNaN(size)) {
      return { framing: 'chunked', body, trailers: [], next: text.length, isComplete: false };
    }
    at = end + 2;
    if (size === 0) {
      const trailers = readLines(text, at);
      return trailers === undefined
        ? { framing: 'chunked', body, trailers: [], next: text.length, isComplete: false }
        : { framing: 'chunked', body, trailers: trailers.lines.map(headerLine), trailerSpelling: trailers.lines.map(nameOf), next: trailers.next, isComplete: true };
    }
    body += text.slice(at, at + size);
    if (text.length < at + size + 2) {
      return { framing: 'chunked', body, trailers: [], next: text.length, isComplete: false };
    }
    at += size + 2;
  }
}

function readBody(text: string, from: number, headers: readonly string[], untilCloseAllowed: boolean): Body {
  if (headerValues(headers, 'transfer-encoding').some((value) => value.toLowerCase().endsWith('chunked'))) {
    return readChunked(text, from);
  }
  const length = headerValues(headers, 'content-length')[0];
  if (length !== undefined) {
    const end = from + Number.parseInt(length, 10);
    const isComplete = text.length >= end;
    return { framing: 'content-length', body: text.slice(from, end), trailers: [], next: Math.min(end, text.length), isComplete };
  }
  if (untilCloseAllowed) {
    return { framing: 'until-close', body: text.slice(from), trailers: [], next: text.length, isComplete: false };
  }
  return { framing: 'none', body: '', trailers: [], next: from, isComplete: true };
}

function framingOfBodiless(headers: readonly string[]): Framing {
  if (headerValues(headers, 'transfer-encoding').length > 0) {
    return 'chunked';
  }
  return headerValues(headers, 'content-length').length > 0 ? 'content-length' : 'none';
}

function spellingOf(head: Head, body: Body): string[] {
  return [...head.spelling, ...(body.trailerSpelling ?? [])];
}

/** Reads requests: what an upstream received. */
export function readRequests(text: string): WireReading {
  const messages: WireMessage[] = [];
  let at = 0;
  let finalCount = 0;
  while (at < text.length) {
    const head = readHead(text, at);
    if (head === undefined || !/ HTTP\/\d/.test(head.startLine)) {
      return { messages, finalCount, rest: text.slice(at) };
    }
    const body = readBody(text, head.next, head.headers, false);
    messages.push({ startLine: head.startLine, headers: head.headers, framing: body.framing, body: body.body, trailers: body.trailers, spelling: spellingOf(head, body), isComplete: body.isComplete });
    finalCount += body.isComplete ? 1 : 0;
    at = body.next;
  }
  return { messages, finalCount, rest: '' };
}

/**
 * Reads responses: what a downstream received.
 *
 * @param methods the methods of the requests sent, in order; HEAD has no body, CONNECT none after 2xx
 * @param isClosed whether the connection has ended, which completes a body without framing
 */
export function readResponses(text: string, methods: readonly string[], isClosed: boolean): WireReading {
  const messages: WireMessage[] = [];
  let at = 0;
  let finalCount = 0;
  while (at < text.length) {
    const head = readHead(text, at);
    const match = head === undefined ? null : /^HTTP\/\d(?:\.\d)? (\d{3})/.exec(head.startLine);
    if (head === undefined || match === null) {
      return { messages, finalCount, rest: text.slice(at) };
    }
    const status = Number(match[1]);
    const isFinal = status >= 200 || status === 101;
    const hasNoBody = !isFinal || status === 101 || status === 204 || status === 304 || methods[finalCount] === 'HEAD';
    const body: Body = hasNoBody
      ? { framing: framingOfBodiless(head.headers), body: '', trailers: [], next: head.next, isComplete: true }
      : readBody(text, head.next, head.headers, true);
    const isComplete = body.isComplete || (body.framing === 'until-close' && isClosed);
    messages.push({ startLine: head.startLine, headers: head.headers, framing: body.framing, body: body.body, trailers: body.trailers, spelling: spellingOf(head, body), isComplete });
    finalCount += isFinal && isComplete ? 1 : 0;
    at = body.next;
  }
  return { messages, finalCount, rest: '' };
}
