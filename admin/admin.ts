/**
 * The admin interface: an HTTP/1 server on the main thread. Every answer is streamed in chunks, with a turn of the main loop
 * after each and a pause while the peer does not read.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StringMatcherConfig } from '../core/matcher/matcher_config.ts';
import { StringMatcher } from '../core/matcher/string_matcher.ts';
import type { AdminExchange, Instance } from '../server/instance.ts';
import { AdminStats } from './admin_stats.ts';
import { inChunks } from './chunks.ts';
import { TEXT, textReply, type AdminReply, type AdminRequest } from './handler.ts';
import type { HandlerRegistry } from './handler_registry.ts';
import { parseQueryParams, QueryParams } from './query_params.ts';
import { registerHandlers } from './register_handlers.ts';

type Socket = IncomingMessage['socket'];

/** Bytes of a form body that are read; more is refused with 413. */
const BODY_BYTES_MAX = 1024 * 1024;

/** What is known of a connection. */
type Ends = Pick<AdminExchange, 'connectionId' | 'remoteAddress' | 'localAddress'>;

const NO_ENDS: Ends = { connectionId: 0, remoteAddress: '', localAddress: '' };

export interface AdminOptions {
  /** bootstrap.admin.address; port 0 picks one. */
  readonly address: { readonly kind: 'tcp'; readonly host: string; readonly port: number } | { readonly kind: 'pipe'; readonly path: string };
  /** bootstrap.admin.allow_paths, matched against path and query; undefined = everything is allowed. */
  readonly allowPaths: readonly StringMatcherConfig[] | undefined;
}

/** The running admin interface. */
export class Admin {
  private readonly options: AdminOptions;
  private readonly instance: Instance;
  private readonly registry: HandlerRegistry;
  private readonly allowed: readonly StringMatcher[] | undefined;
  private readonly stats: AdminStats;
  private readonly server: Server;
  private readonly sockets = new Map<Socket, Ends>();
  private connectionCount = 0;

  constructor(instance: Instance, options: AdminOptions) {
    this.instance = instance;
    this.options = options;
    this.registry = registerHandlers(instance);
    this.allowed = options.allowPaths?.map((matcher) => new StringMatcher(matcher));
    this.stats = new AdminStats(instance.statsScope);
    this.server = createServer({ joinDuplicateHeaders: true }, (request, response) => {
      void this.serve(request, response);
    });
    this.server.on('connection', (socket: Socket) => this.onConnection(socket));
  }

  /** Binds and listens. Resolves with the bound address (`127.0.0.1:9901`, `[::1]:9901` or the path); rejects when it cannot. */
  start(): Promise<string> {
    const { address } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.once('listening', () => {
        this.server.off('error', reject);
        resolve(this.addressText());
      });
      if (address.kind === 'pipe') this.server.listen(address.path);
      else this.server.listen({ host: address.host, port: address.port });
    });
  }

  /** Stops listening and closes every connection; resolves when all is closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const socket of this.sockets.keys()) socket.destroy();
    });
  }

  /** Bytes on open connections do not keep the process alive: for shutdown. */
  unref(): void {
    this.server.unref();
    for (const socket of this.sockets.keys()) socket.unref();
  }

  private addressText(): string {
    const bound = this.server.address();
    if (bound === null) return '';
    if (typeof bound === 'string') return bound;
    return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
  }

  private onConnection(socket: Socket): void {
    const startMs = this.instance.nowMs();
    this.sockets.set(socket, {
      connectionId: ++this.connectionCount,
      remoteAddress: addressText(socket.remoteAddress, socket.remotePort, this.options.address),
      localAddress: addressText(socket.localAddress, socket.localPort, this.options.address),
    });
    this.stats.onConnection();
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.stats.onConnectionClosed(this.instance.nowMs() - startMs, socket.bytesRead, socket.bytesWritten);
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startMs = this.instance.nowMs();
    this.stats.onRequest();
    // Now: a connection that is gone has forgotten its addresses.
    const ends = this.sockets.get(request.socket) ?? NO_ENDS;
    const received = { bytes: 0 };
    let status = 0;
    try {
      const reply = await this.answer(request, received);
      status = reply.status;
      const headers = this.headersOf(reply, request);
      const bytesSent = await send(response, reply, headers);
      this.log(request, { ...ends, startMs, status, responseHeaders: headers, bytesReceived: received.bytes, bytesSent });
      reply.afterSent?.();
    } catch (error) {
      // A bug in a handler costs this answer only.
      status = 500;
      if (response.headersSent) response.destroy();
      else {
        const reply = textReply(`internal error: ${error instanceof Error ? error.message : String(error)}\n`, 500);
        const headers = this.headersOf(reply, request);
        const bytesSent = await send(response, reply, headers);
        this.log(request, { ...ends, startMs, status, responseHeaders: headers, bytesReceived: received.bytes, bytesSent });
      }
    } finally {
      this.stats.onRequestEnd(status, this.instance.nowMs() - startMs);
    }
  }

  private log(request: IncomingMessage, rest: Omit<AdminExchange, 'method' | 'target' | 'isHttp10' | 'requestHeaders' | 'endMs'>): void {
    this.instance.logExchange?.({
      method: request.method ?? 'GET', target: request.url ?? '/', isHttp10: request.httpVersionMinor === 0, requestHeaders: request.rawHeaders,
      ...rest, endMs: this.instance.nowMs(),
    });
  }

  private async answer(request: IncomingMessage, received: { bytes: number }): Promise<AdminReply> {
    const url = request.url ?? '/';
    const method = request.method ?? 'GET';
    if (this.allowed !== undefined && !this.allowed.some((matcher) => matcher.matchesText(url))) {
      return textReply(`request to path ${url} not allowed`, 403);
    }
    const question = url.indexOf('?');
    const path = question < 0 ? url : url.slice(0, question);
    const handler = this.registry.get(path);
    if (handler === undefined) return this.unknownPath();
    if (handler.mutates && method !== 'POST') return textReply(`Method ${method} not allowed, POST required.`, 405);
    let params = parseQueryParams(question < 0 ? '' : url.slice(question + 1));
    if (method === 'POST') {
      const body = await readForm(request, received);
      if (body === undefined) return textReply('request body is too large\n', 413);
      if (params.entries.length === 0) params = body;
    }
    const adminRequest: AdminRequest = { method, path, params };
    return handler.handle(adminRequest);
  }

  /** Names and values in turn. HTTP/1.0 knows no chunks: there the end of the connection is the end of the answer. */
  private headersOf(reply: AdminReply, request: IncomingMessage): string[] {
    return [
      'content-type', reply.contentType,
      'cache-control', 'no-cache, max-age=0',
      'x-content-type-options', 'nosniff',
      'date', new Date(this.instance.nowMs()).toUTCString(),
      'server', 'envoy',
      ...(request.httpVersionMinor >= 1 ? ['transfer-encoding', 'chunked'] : ['connection', 'close']),
    ];
  }

  private unknownPath(): AdminReply {
    const { registry } = this;
    const body = function* () {
      yield 'invalid path. ';
      yield* registry.helpText();
    };
    return { status: 404, contentType: TEXT, body: body(), afterSent: undefined };
  }
}

/** The parameters in a form body; none for any other kind of body. Undefined: too large. */
async function readForm(request: IncomingMessage, received: { bytes: number }): Promise<QueryParams | undefined> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) {
    received.bytes += part.length;
    if (received.bytes > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  const type = request.headers['content-type'] ?? '';
  if (!type.toLowerCase().startsWith('application/x-www-form-urlencoded')) return new QueryParams([]);
  return parseQueryParams(Buffer.concat(parts).toString('utf8'));
}

/** An end of a connection. */
function addressText(host: string | undefined, port: number | undefined, bound: AdminOptions['address']): string {
  if (bound.kind === 'pipe') return bound.path;
  if (host === undefined) return '';
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Writes an answer chunk by chunk. Resolves to the body's bytes when all of it was handed to the system or the peer is gone. */
async function send(response: ServerResponse, reply: AdminReply, headers: string[]): Promise<number> {
  let bytes = 0;
  response.sendDate = false;
  // Keep-alive is what HTTP/1.1 means without a word; Node would say it.
  response.removeHeader('connection');
  response.writeHead(reply.status, headers);
  for (const chunk of inChunks(reply.body)) {
    if (response.destroyed) return bytes;
    bytes += Buffer.byteLength(chunk);
    if (chunk !== '' && !response.write(chunk)) await drained(response);
    await nextTurn();
  }
  await new Promise<void>((resolve) => {
    response.once('close', () => resolve());
    response.end(() => resolve());
  });
  return bytes;
}

/** Resolves when the peer has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
