/**
 * An HTTP/2 connection for health checks: made when it is first needed and again when the last one is gone. One exchange at a time.
 * Thread: main.
 *
 *     none --send--> connecting --ready--> [exchange | between exchanges] --GOAWAY, close, error--> none
 *
 * A host that says GOAWAY without an error is let finish the exchange; with an error the connection ends at once, and the exchange
 * with it.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { HeaderLine } from './check_request.ts';
import type { HeadLimits } from './http_verdict.ts';
import { connectProbe, type ProbeRoute } from './probe_socket.ts';

/** One request and what comes back. After `onEnd`, `onReset` or `reset` nothing more is told. */
export interface Http2Exchange {
  /** `isEnd`: nothing follows. */
  onHeaders(headers: IncomingHttpHeaders, isEnd: boolean): void;
  onData(chunk: Buffer): void;
  onTrailers(trailers: IncomingHttpHeaders): void;
  /** The response is complete. */
  onEnd(): void;
  /** The exchange was cut, or there was no connection for it. */
  onReset(): void;
}

interface Request {
  readonly lines: readonly HeaderLine[];
  /** Empty = none. */
  readonly body: Uint8Array;
  readonly exchange: Http2Exchange;
}

export class Http2Channel {
  /** Loaded with the first such check: a start without any does not pay for it. */
  private readonly http2 = process.getBuiltinModule('node:http2');
  private readonly route: ProbeRoute;
  private readonly limits: HeadLimits;
  private readonly onConnect: () => void;
  /** Being made. */
  private socket: Socket | undefined;
  /** What is sent when it is. */
  private waiting: Request | undefined;
  private session: ClientHttp2Session | undefined;
  private stream: ClientHttp2Stream | undefined;

  /** `onConnect`: a connection is made. */
  constructor(route: ProbeRoute, limits: HeadLimits, onConnect: () => void) {
    this.route = route;
    this.limits = limits;
    this.onConnect = onConnect;
  }

  /** `body`: empty = none. */
  send(lines: readonly HeaderLine[], body: Uint8Array, exchange: Http2Exchange): void {
    const { session } = this;
    const request = { lines, body, exchange };
    if (session !== undefined && !session.closed && !session.destroyed) {
      this.request(session, request);
      return;
    }
    this.waiting = request;
    if (this.socket === undefined) this.connect();
  }

  /** Ends the exchange, if there is one; the connection stays. */
  reset(): void {
    const { stream } = this;
    this.waiting = undefined;
    this.stream = undefined;
    // Envoy's code for it.
    stream?.close(this.http2.constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** Ends the connection and whatever goes on on it. */
  close(): void {
    const { session, socket } = this;
    this.waiting = undefined;
    this.stream = undefined;
    this.session = undefined;
    this.socket = undefined;
    socket?.destroy();
    session?.destroy();
  }

  private request(session: ClientHttp2Session, { lines, body, exchange }: Request): void {
    const { constants } = this.http2;
    const stream = session.request(outgoing(lines), { endStream: body.length === 0 });
    this.stream = stream;
    const isCurrent = () => this.stream === stream;
    stream.on('response', (headers, flags, raw: unknown) => {
      if (!isCurrent()) return;
      if (!isWithin(this.limits, raw as readonly string[])) {
        this.reset();
        exchange.onReset();
        return;
      }
      exchange.onHeaders(headers, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
    });
    stream.on('data', (chunk: Buffer) => {
      if (isCurrent()) exchange.onData(chunk);
    });
    stream.on('trailers', (trailers) => {
      if (isCurrent()) exchange.onTrailers(trailers);
    });
    stream.on('end', () => {
      // Ends as if it were complete, too, when the host has reset it.
      if (!isCurrent() || stream.rstCode !== constants.NGHTTP2_NO_ERROR || stream.aborted) return;
      this.stream = undefined;
      exchange.onEnd();
    });
    // The reason of a close; told there.
    stream.on('error', () => {});
    stream.on('close', () => {
      if (!isCurrent()) return;
      this.stream = undefined;
      exchange.onReset();
    });
    if (body.length > 0) stream.end(body);
  }

  private connect(): void {
    this.onConnect();
    const socket = connectProbe(this.route, () => {
      if (this.socket === socket) this.onReady(socket);
    });
    this.socket = socket;
    socket.on('close', () => {
      if (this.socket !== socket) return;
      const { waiting } = this;
      this.socket = undefined;
      this.waiting = undefined;
      waiting?.exchange.onReset();
    });
  }

  private onReady(socket: Socket): void {
    const { waiting } = this;
    this.socket = undefined;
    this.waiting = undefined;
    const session = this.http2.connect('http://host', { settings: { enablePush: false }, createConnection: () => socket });
    this.session = session;
    // What ends the connection ends its stream, where it is told.
    session.on('error', () => {});
    // After GOAWAY it takes no more streams.
    session.on('goaway', () => {
      if (this.session === session) this.session = undefined;
    });
    if (waiting !== undefined) this.request(session, waiting);
  }
}

/** `raw`: names and values in turn. */
function isWithin({ maxHeaders, maxHeadersKb }: HeadLimits, raw: readonly string[]): boolean {
  return raw.length <= maxHeaders * 2 && raw.reduce((sum, text) => sum + text.length, 0) <= maxHeadersKb * 1024;
}

/** Lines of one name become one entry. */
function outgoing(lines: readonly HeaderLine[]): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of lines) {
    const known = headers[name];
    headers[name] = known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value];
  }
  return headers;
}
