/** An upstream's connection of HTTP/2 with prior knowledge that follows a script. Framing is node:http2's; what it says is the script's. */
import { constants, type IncomingHttpHeaders, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { bytesOf, type Http2Response, type Step } from './case_file.ts';
import { type ScriptContext, ScriptedPeer } from './scripted_peer.ts';
import type { WireMessage, WireReading } from './wire_parser.ts';

interface Request {
  readonly stream: ServerHttp2Stream;
  readonly startLine: string;
  readonly headers: readonly string[];
  readonly hasBody: boolean;
  body: string;
  trailers: readonly string[];
  isComplete: boolean;
}

export class ScriptedHttp2Connection extends ScriptedPeer {
  private readonly session: ServerHttp2Session;
  private readonly requests: Request[] = [];
  private requestsRead = 0;

  constructor(socket: Socket) {
    super();
    this.session = performServerHandshake(socket);
    this.session.on('error', () => this.end('reset'));
    this.session.on('close', () => this.end('fin'));
    this.session.on('stream', (stream, headers, flags, rawHeaders) => this.onStream(stream, headers, flags, rawHeaders as unknown as readonly string[]));
  }

  reading(): WireReading {
    const messages = this.requests.map((request): WireMessage => ({
      startLine: request.startLine, headers: request.headers, framing: request.hasBody ? 'data frames' : 'none', body: request.body,
      trailers: request.trailers, spelling: [], isComplete: request.isComplete,
    }));
    return { messages, finalCount: this.requests.filter((request) => request.isComplete).length, rest: '' };
  }

  destroy(): void {
    this.end('closed here');
    this.session.destroy();
  }

  protected override async take(step: Step, context: ScriptContext): Promise<void> {
    if (step === 'close') {
      this.destroy();
    } else if (typeof step !== 'string' && 'read' in step && step.read === 'request') {
      this.requestsRead += 1;
      await this.until('read request', () => this.reading().finalCount >= this.requestsRead || this.fate !== 'open');
    } else if (typeof step !== 'string' && 'respond' in step) {
      this.respond(step.respond);
    } else if (typeof step !== 'string' && 'reset_stream' in step) {
      this.lastRead()?.stream.close(step.reset_stream);
    } else if (typeof step !== 'string' && 'goaway' in step) {
      this.session.goaway(step.goaway, step.last ?? this.lastRead()?.stream.id ?? 0);
    } else {
      await super.take(step, context);
    }
  }

  private lastRead(): Request | undefined {
    return this.requests[this.requestsRead - 1];
  }

  private respond({ headers, body, trailers, open }: Http2Response): void {
    const stream = this.lastRead()?.stream;
    if (stream === undefined || stream.destroyed) return;
    const text = bytesOf(body ?? '');
    if (headers !== undefined) {
      const endStream = text === '' && trailers === undefined && open === undefined;
      const lines = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, bytesOf(value)]));
      stream.respond(lines, { endStream, waitForTrailers: trailers !== undefined, sendDate: false } as object);
      if (endStream) return;
    }
    if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    if (text !== '') stream.write(Buffer.from(text, 'latin1'));
    if (open === undefined) stream.end();
  }

  private onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: readonly string[]): void {
    const lines: string[] = [];
    for (let i = 0; i + 1 < raw.length; i += 2) {
      if (raw[i] !== ':method' && raw[i] !== ':path') lines.push(`${raw[i]}: ${raw[i + 1]}`);
    }
    const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    const request: Request = { stream, startLine: `${headers[':method']} ${headers[':path']} HTTP/2`, headers: lines, hasBody, body: '', trailers: [], isComplete: false };
    this.requests.push(request);
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      request.body += chunk.toString('latin1');
    });
    stream.on('end', () => {
      if (stream.aborted) return;
      request.isComplete = true;
      this.wake();
    });
    stream.on('close', () => {
      // What the proxy took back.
      if (stream.aborted) request.trailers = [`<reset ${stream.rstCode}>`];
      this.wake();
    });
  }
}
