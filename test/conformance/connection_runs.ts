import { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderId, HeaderNames } from '../../core/headers/header_names.ts';
import type { RequestDecoder, ResetReason, ResponseDecoder } from '../../core/http/codec.ts';
import { RESET_REASON_TEXT } from '../../core/http/codec.ts';
import { checkRequest, normalizeRequest, RequestCheck } from '../../core/http/connection_manager/request_check.ts';
import { Http1ClientConnection } from '../../core/http/http1/client_connection.ts';
import { Http1Literals } from '../../core/http/http1/encoder.ts';
import { Http1ServerConnection } from '../../core/http/http1/server_connection.ts';
import { type Http1Settings, UnderscoreAction } from '../../core/http/http1/settings.ts';
import { CloseMode } from '../../core/io/io.ts';
import { Connection, type ConnectionCallbacks } from '../../core/network/connection.ts';
import { IoDispatcher } from '../../core/network/io_dispatcher.ts';
import type { Counter } from '../../core/stats/stats.ts';
import { FakeIo } from '../support/fake_io.ts';
import { headerMap } from '../support/header_map.ts';
import { managerConfig } from '../support/in_process_worker.ts';
import { printable } from './case_file.ts';

const COUNTER = { inc: () => {}, add: () => {}, value: () => 0 } as unknown as Counter;

/** Codec settings with the defaults, changed by a case's options. */
export function codecSettings(options: ReadonlyMap<string, string>, onProtocolError: () => void = () => {}): Http1Settings {
  const action = options.get('underscores');
  return {
    maxHeadersCount: Number(options.get('maxHeaders') ?? 100),
    maxHeadersBytes: Number(options.get('maxBytes') ?? 61440),
    countsHeaderBytes: true,
    allowChunkedLength: options.has('allowChunkedLength'),
    enableTrailers: options.has('trailers'),
    properCaseWords: false,
    ignoredUpgrades: [],
    sendsFullUrl: false,
    preserveCase: null,
    acceptHttp10: options.has('http10'),
    allowCustomMethods: options.has('customMethods'),
    allowAbsoluteUrl: !options.has('noAbsolute'),
    underscores: action === 'reject' ? UnderscoreAction.rejectRequest : action === 'drop' ? UnderscoreAction.dropHeader : UnderscoreAction.allow,
    droppedHeadersWithUnderscores: COUNTER,
    rejectedWithUnderscores: COUNTER,
    onProtocolError,
  };
}

/** Collects events; body bytes that follow each other become one. */
class EventLog {
  private text = '';
  private body = '';

  add(line: string): void {
    this.flush();
    this.text += `${line}\n`;
  }

  data(bytes: string): void {
    this.body += bytes;
  }

  headers(map: HeaderMap, word: string): void {
    map.forEach((name, value) => this.add(`${word} "${printable(name)}" "${printable(value)}"`));
  }

  finish(): string {
    this.flush();
    return this.text;
  }

  private flush(): void {
    if (this.body !== '') this.text += `data ${this.body.length} "${printable(this.body)}"\n`;
    this.body = '';
  }
}

/** A server codec on a connection of a fake loop; answers each complete request with 204, unless `noAnswer`. */
class ServerRun implements ConnectionCallbacks, RequestDecoder {
  readonly log = new EventLog();
  readonly io = new FakeIo();
  readonly requestHeaders: HeaderMap;
  readonly requestTrailers: HeaderMap;
  readonly connection: Connection;
  private readonly codec: Http1ServerConnection;
  private readonly names = new HeaderNames();
  private readonly answers: boolean;
  private readonly checks: boolean;
  private readonly acceptsHttp10: boolean;
  private readonly turn: IoDispatcher['turn'];

  constructor(options: ReadonlyMap<string, string>) {
    const dispatcher = new IoDispatcher(this.io, (error) => {
      throw error;
    });
    dispatcher.start();
    this.turn = dispatcher.turn;
    this.answers = !options.has('noAnswer');
    this.checks = options.has('check');
    this.acceptsHttp10 = options.has('http10');
    this.requestHeaders = new HeaderMap(this.names, dispatcher.turn);
    this.requestTrailers = new HeaderMap(this.names, dispatcher.turn);
    this.connection = new Connection(dispatcher, this.io.open(), 1, this, 0, false, '');
    this.codec = new Http1ServerConnection(this.connection, { newStream: () => this }, codecSettings(options), new Http1Literals(dispatcher.turn), this.io.slab);
  }

  onConnected(): void {}
  onConnectFailed(): void {}
  onData(offset: number, length: number): number {
    return this.codec.dispatch(offset, length);
  }
  onRemoteClose(): void {
    this.codec.onConnectionClosed(5);
  }
  onConnectionError(): void {}
  onBelowWriteBufferLowWatermark(): void {}
  onException(error: unknown): void {
    this.log.add(`exception ${String(error)}`);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.log.add(`request "${printable(headers.get(HeaderId.method) ?? '')}" "${printable(headers.get(HeaderId.path) ?? '')}" 1.${this.codec.minorVersion} keepAlive=${this.codec.wantsKeepAlive}`);
    this.log.headers(headers, 'header');
    if (this.checks) this.check(headers);
    if (endStream) this.end();
  }
  private check(headers: HeaderMap): void {
    const http1 = { ...managerConfig().http1, acceptHttp10: this.acceptsHttp10 };
    const config = managerConfig([], { http1 });
    const first = checkRequest(headers, this.codec.minorVersion, config);
    const result = first === RequestCheck.ok ? normalizeRequest(headers, config, 80) : first;
    const name = Object.entries(RequestCheck).find(([, value]) => value === result)?.[0] ?? '';
    this.log.add(result === RequestCheck.ok ? `target "${printable(headers.get(HeaderId.authority) ?? '')}" "${printable(headers.get(HeaderId.path) ?? '')}"` : `refused ${name}`);
  }
  decodeData(offset: number, length: number, endStream: boolean): void {
    this.log.data(Buffer.from(this.io.slab.subarray(offset, offset + length)).toString('latin1'));
    if (endStream) this.end();
  }
  decodeTrailers(trailers: HeaderMap): void {
    this.log.headers(trailers, 'trailer');
    this.end();
  }
  onResetStream(reason: ResetReason): void {
    this.log.add(`reset ${RESET_REASON_TEXT[reason]}`);
  }
  onProtocolError(status: number, details: string): void {
    this.log.add(`refused ${status} ${details}`);
    this.connection.close(CloseMode.flush);
  }
  private end(): void {
    this.log.add('end');
    if (!this.answers) return;
    this.codec.encodeHeaders(headerMap(this.names, [[':status', '204']], this.turn), true);
    this.codec.readyForNext();
  }
}

/** Events of a downstream connection that receives these pieces. */
export function runServer(pieces: readonly Uint8Array[], options: ReadonlyMap<string, string>): string {
  const run = new ServerRun(options);
  for (const piece of pieces) run.io.data(run.connection.handle, piece);
  if (options.has('eof')) run.io.eof(run.connection.handle);
  return run.log.finish();
}

/** A client codec with one request sent. */
class ClientRun implements ConnectionCallbacks, ResponseDecoder {
  readonly log = new EventLog();
  readonly io = new FakeIo();
  readonly responseHeaders: HeaderMap;
  readonly responseTrailers: HeaderMap;
  readonly connection: Connection;
  private readonly codec: Http1ClientConnection;
  private isComplete = false;
  private isReusable = false;

  constructor(options: ReadonlyMap<string, string>) {
    const dispatcher = new IoDispatcher(this.io, (error) => {
      throw error;
    });
    dispatcher.start();
    const names = new HeaderNames();
    this.responseHeaders = new HeaderMap(names, dispatcher.turn);
    this.responseTrailers = new HeaderMap(names, dispatcher.turn);
    this.connection = new Connection(dispatcher, this.io.open(), 1, this, 0, false, '');
    const callbacks = {
      onExchangeComplete: (reusable: boolean) => {
        this.isComplete = true;
        this.isReusable = reusable;
      },
      onCloseNotified: () => {},
      onUnexpectedData: () => {
        this.isReusable = false;
        this.connection.close(CloseMode.now);
      },
      onProtocolError: () => this.connection.close(CloseMode.now),
      onReset: () => {},
    };
    this.codec = new Http1ClientConnection(this.connection, callbacks, codecSettings(options), new Http1Literals(dispatcher.turn), this.io.slab);
    dispatcher.run(() => {
      const method = options.get('request') ?? 'GET';
      const type = options.get('upgrade');
      const upgrade: [string, string][] = type === undefined ? [] : [['connection', 'upgrade'], ['upgrade', type]];
      const request = headerMap(names, [[':method', method], [':path', '/'], [':authority', 'a'], ...upgrade], dispatcher.turn);
      this.codec.newStream(this).encodeHeaders(request, type === undefined && method !== 'CONNECT');
    });
  }

  onConnected(): void {}
  onConnectFailed(): void {}
  onData(offset: number, length: number): number {
    return this.codec.dispatch(offset, length);
  }
  onRemoteClose(): void {
    if (!this.codec.onHalfClose()) this.codec.onConnectionClosed(5, '');
  }
  onConnectionError(): void {
    this.codec.onConnectionClosed(5, '');
  }
  onBelowWriteBufferLowWatermark(): void {}
  onException(error: unknown): void {
    this.log.add(`exception ${String(error)}`);
  }

  decode1xxHeaders(headers: HeaderMap): void {
    this.log.add(`informational ${headers.status}`);
  }
  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.log.add(`response ${headers.status}`);
    this.log.headers(headers, 'header');
    if (endStream) this.log.add('end');
  }
  decodeData(offset: number, length: number, endStream: boolean): void {
    this.log.data(Buffer.from(this.io.slab.subarray(offset, offset + length)).toString('latin1'));
    if (endStream) this.log.add('end');
  }
  decodeTrailers(trailers: HeaderMap): void {
    this.log.headers(trailers, 'trailer');
    this.log.add('end');
  }
  onResetStream(reason: ResetReason): void {
    this.log.add(`reset ${RESET_REASON_TEXT[reason]}`);
  }
  /** Whether bytes that nobody asked for came in the same read or in a later one must make no difference in the end. */
  finish(): string {
    if (this.isComplete) this.log.add(`complete reusable=${this.isReusable}`);
    return this.log.finish();
  }
}

/** Events of an upstream connection that receives these pieces after a request was sent. */
export function runClient(pieces: readonly Uint8Array[], options: ReadonlyMap<string, string>): string {
  const run = new ClientRun(options);
  for (const piece of pieces) run.io.data(run.connection.handle, piece);
  if (options.has('eof')) run.io.eof(run.connection.handle);
  return run.finish();
}
