import type { Connection } from '../../network/connection.ts';
import { CloseMode } from '../../io/io.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { BodyKind, type RequestDecoder, type ResetReason, type ResponseEncoder, type ServerConnectionCallbacks } from '../codec.ts';
import { ChunkedDecoder, ChunkStatus } from './chunked_decoder.ts';
import {
  CONTINUE_RESPONSE_LENGTH, HeadTail, type Http1Literals, sendBody, sendHead, sendTrailers, startLineEquals, TRAILER_FRAME_LENGTH,
} from './encoder.ts';
import { excessHeaderBytes, Framing, FramingError, isUpgrade, receivedHeaderBytes, sanitizeConnectionHeader, settleLines, wantsKeepAlive } from './framing.ts';
import { settleBlanks } from './header_blanks.ts';
import { ParseStatus } from './header_lines.ts';
import { HeaderGroup, HeaderId } from '../../headers/header_names.ts';
import { rangeEquals } from '../../headers/byte_range.ts';
import { dropIgnoredUpgrade } from './ignored_upgrade.ts';
import { RequestParser } from './request_parser.ts';
import { checkTarget, isConnect, isRegisteredMethod, TargetCheck } from './request_target.ts';
import { applyUnderscoreAction, type Http1Settings, UnderscoreAction } from './settings.ts';

/** Where the request being read stands. */
const Reading = { head: 0, lengthBody: 1, chunkedBody: 2, done: 3, failed: 4, tunnel: 5 } as const;
/** Where its response stands. */
const Writing = { none: 0, headers: 1, done: 2 } as const;

/**
 * The server side of HTTP/1 on one downstream connection: requests in, responses out, one at a time and in order. Bytes of a
 * pipelined request stay with the I/O layer until the response before it is complete.
 *
 *   reading:  head -> lengthBody | chunkedBody -> done ; any -> failed ; head -> tunnel (CONNECT, upgrade: no end but the connection's)
 *   writing:  none -> headers -> done
 *   done x done -> head x none (next request)
 */
export class Http1ServerConnection implements ResponseEncoder {
  private readonly connection: Connection;
  private readonly callbacks: ServerConnectionCallbacks;
  private readonly settings: Http1Settings;
  private readonly literals: Http1Literals;
  private readonly slab: Uint8Array;
  private readonly parser: RequestParser;
  /** Made when the first chunked message comes. */
  private chunked: ChunkedDecoder | null;
  private readonly framing: Framing;
  private reading: number;
  private writing: number;
  private stream: RequestDecoder | null;
  private bodyLeft: number;
  /** The current request's method is HEAD: its response has no body. */
  isHeadRequest: boolean;
  /** Its method is CONNECT: a 2xx has no body either. */
  private isConnectRequest: boolean;
  private isChunkedResponse: boolean;
  private isHttp10: boolean;
  /** Reads are off because a pipelined request waits. */
  private isPipelineHeld: boolean;
  /** The reader consumed less than there is: the rest is kept and comes again with more. */
  private mustHold: boolean;
  /** Inside `dispatch`: completing a response must not start the next request recursively. */
  private isDispatching: boolean;
  /** The client of the current request keeps the connection (false: it sent `connection: close` or is HTTP/1.0). */
  wantsKeepAlive: boolean;
  /** The current request's minor version. */
  minorVersion: number;
  /** Wire bytes of the last request head, of the response head, of everything of the current exchange sent / received. */
  requestHeadBytes: number;
  /** Names and values of the request's headers as they came, 3 more each: what access logs call header bytes received. */
  requestHeaderLineBytes: number;
  responseHeadBytes: number;
  wireBytesSent: number;
  wireBytesReceived: number;
  /** While headers or a chunk are decoded: bytes behind them that have arrived. */
  unreadBytes: number;
  /** Bytes of a head that is not complete, or turned out malformed. */
  private failedBytes: number;
  /** While the end of a request is decoded: bytes behind it. */
  private followingBytes: number;
  /** Empty lines before the request line: they count as bytes of the request. */
  private emptyLineBytes: number;
  /** Header bytes of the 1xx responses before the current one. */
  private informationalHeadBytes: number;

  constructor(connection: Connection, callbacks: ServerConnectionCallbacks, settings: Http1Settings, literals: Http1Literals, slab: Uint8Array) {
    this.connection = connection;
    this.callbacks = callbacks;
    this.settings = settings;
    this.literals = literals;
    this.slab = slab;
    this.parser = new RequestParser(slab, literals.cursor, settings.preserveCase);
    this.chunked = null;
    this.framing = new Framing();
    this.reading = Reading.head;
    this.writing = Writing.none;
    this.stream = null;
    this.bodyLeft = 0;
    this.isHeadRequest = false;
    this.isConnectRequest = false;
    this.isChunkedResponse = false;
    this.isHttp10 = false;
    this.isPipelineHeld = false;
    this.mustHold = false;
    this.isDispatching = false;
    this.wantsKeepAlive = true;
    this.minorVersion = 1;
    this.requestHeadBytes = 0;
    this.requestHeaderLineBytes = 0;
    this.responseHeadBytes = 0;
    this.wireBytesSent = 0;
    this.wireBytesReceived = 0;
    this.unreadBytes = 0;
    this.failedBytes = 0;
    this.followingBytes = 0;
    this.emptyLineBytes = 0;
    this.informationalHeadBytes = 0;
  }

  /** Reads `length` bytes at `offset`; returns how many at the end are not consumed yet. */
  dispatch(offset: number, length: number): number {
    const end = offset + length;
    let p = offset;
    this.isDispatching = true;
    while (p < end && this.connection.isOpen) {
      let next: number;
      switch (this.reading) {
        case Reading.head:
          next = this.readHead(p, end);
          break;
        case Reading.lengthBody:
          next = this.readLengthBody(p, end);
          break;
        case Reading.chunkedBody:
          next = this.readChunkedBody(p, end);
          break;
        case Reading.tunnel:
          next = this.readTunnel(p, end);
          break;
        case Reading.done:
          if (this.writing === Writing.done) {
            this.startNext();
            this.connection.flushIfFull();
            continue;
          }
          // A pipelined request: it waits, and so does whatever comes after it.
          if (!this.isPipelineHeld) {
            this.isPipelineHeld = true;
            this.connection.readDisable(true);
          }
          this.isDispatching = false;
          return end - p;
        default:
          // Failed: the rest is not ours to understand.
          this.isDispatching = false;
          return 0;
      }
      p = next;
      if (this.mustHold) {
        this.mustHold = false;
        this.isDispatching = false;
        return end - p;
      }
    }
    this.isDispatching = false;
    if (this.reading === Reading.done && this.writing === Writing.done) this.startNext();
    return 0;
  }

  /** Whether a request or its response is under way. */
  get hasStream(): boolean {
    return this.stream !== null;
  }

  /** Whether the current request was read to its end. */
  get isRequestComplete(): boolean {
    return this.reading === Reading.done;
  }

  /** Takes no more requests: bytes that come are dropped (the connection is closing). */
  stopReading(): void {
    this.reading = Reading.failed;
    if (this.isPipelineHeld) {
      this.isPipelineHeld = false;
      this.connection.readDisable(false);
    }
  }

  /** More came than the request that ends now: there may be bytes that the kernel still holds. */
  get hasUnreadInput(): boolean {
    return this.isPipelineHeld || this.followingBytes > 0;
  }

  // === reading ===

  private readHead(from: number, end: number): number {
    let p = from;
    if (this.stream === null) {
      // Empty lines before a request begin none (RFC 9112 §2.2).
      while (this.slab[p] === 13) {
        if (p + 1 === end) return this.hold(p);
        if (this.slab[p + 1] !== 10) break;
        p += 2;
        this.emptyLineBytes += 2;
        if (p === end) return end;
      }
      this.stream = this.callbacks.newStream(this);
    }
    const stream = this.stream;
    const headers = stream.requestHeaders;
    this.wireBytesReceived = 0;
    this.failedBytes = end - p;
    this.requestHeaderLineBytes = 0;
    const next = this.parser.parse(headers, p, end, this.settings.maxHeadersCount);
    const limit = this.settings.maxHeadersBytes;
    if (next === ParseStatus.incomplete) {
      if (end - p <= limit) return this.hold(p);
      return this.fail(431, 'http1.headers_too_large', end);
    }
    if (next < 0) return this.failParse(next, end);
    if (this.parser.headLength > limit) return this.fail(431, 'http1.headers_too_large', end);
    this.requestHeadBytes = this.parser.headLength;
    this.wireBytesReceived = this.parser.headLength + this.emptyLineBytes;
    this.emptyLineBytes = 0;
    this.failedBytes = 0;
    return this.onHead(stream, headers, next, end);
  }

  private onHead(stream: RequestDecoder, headers: HeaderMap, next: number, end: number): number {
    const minor = this.parser.minorVersion;
    if (this.settings.countsHeaderBytes) this.requestHeaderLineBytes = receivedHeaderBytes(headers);
    if (headers.hasRepeats) settleLines(headers, this.literals.turn);
    this.minorVersion = minor;
    this.isHttp10 = minor === 0;
    this.isHeadRequest = headers.methodLength === 4 && rangeEquals(headers.bytes, headers.methodOffset, 4, 'HEAD');
    this.unreadBytes = end - next;
    const kind = this.framing.request(headers, minor, this.settings.allowChunkedLength);
    if (kind < 0) return this.failFraming(kind, end);
    if (minor === 0 && !this.settings.acceptHttp10) return this.failVersion(end);
    if (!this.settings.allowCustomMethods && !isRegisteredMethod(headers)) return this.failUncounted(end);
    const target = checkTarget(headers, this.settings.allowAbsoluteUrl);
    if (target !== TargetCheck.ok) return this.failTarget(target, end);
    this.wantsKeepAlive = wantsKeepAlive(headers, minor);
    if (headers.find(HeaderId.connection) >= 0 && !sanitizeConnectionHeader(headers)) return this.fail(400, 'http1.connection_header_rejected', end);
    if (headers.hasAny(HeaderGroup.hopByHop)) {
      if (headers.find(HeaderId.upgrade) >= 0) dropIgnoredUpgrade(headers, minor, this.settings.ignoredUpgrades);
      if (headers.find(HeaderId.proxyConnection) >= 0 && headers.hasToken(HeaderId.proxyConnection, 'close')) this.wantsKeepAlive = false;
    }
    if (this.settings.underscores !== UnderscoreAction.allow && !applyUnderscoreAction(headers, this.settings)) return this.fail(400, 'http1.unexpected_underscore', end);
    this.isConnectRequest = isConnect(headers);
    if (this.isConnectRequest || isUpgrade(headers)) return this.onTunnelHead(stream, headers, kind, next, end);
    switch (kind) {
      case BodyKind.none:
        this.reading = Reading.done;
        this.followingBytes = end - next;
        stream.decodeHeaders(headers, true);
        this.followingBytes = 0;
        break;
      case BodyKind.length:
        this.reading = Reading.lengthBody;
        this.bodyLeft = this.framing.length;
        stream.decodeHeaders(headers, false);
        break;
      default:
        this.reading = Reading.chunkedBody;
        this.chunked ??= new ChunkedDecoder();
        this.chunked.reset();
        stream.requestTrailers.clear();
        stream.decodeHeaders(headers, false);
    }
    this.unreadBytes = 0;
    return next;
  }

  /**
   * The request asks for a tunnel: whatever follows it is no HTTP and goes on as it is, as data of the stream that has no end.
   * Refused or not, no other request is read on this connection.
   */
  private onTunnelHead(stream: RequestDecoder, headers: HeaderMap, kind: number, next: number, end: number): number {
    if (this.isConnectRequest) {
      // RFC 9110 §9.3.6: content of a CONNECT means nothing.
      if (kind === BodyKind.chunked) return this.fail(501, 'http1.invalid_transfer_encoding', end);
      if (kind === BodyKind.length) return this.fail(400, 'http1.body_disallowed', end);
      if (headers.find(HeaderId.contentLength) >= 0) headers.remove(HeaderId.contentLength);
    }
    this.reading = Reading.tunnel;
    stream.decodeHeaders(headers, false);
    this.unreadBytes = 0;
    return next;
  }

  private readTunnel(p: number, end: number): number {
    const stream = this.stream;
    // Answered already: nobody wants the rest.
    if (stream === null) return end;
    this.wireBytesReceived += end - p;
    stream.decodeData(p, end - p, false);
    return end;
  }

  private readLengthBody(p: number, end: number): number {
    const n = end - p < this.bodyLeft ? end - p : this.bodyLeft;
    this.bodyLeft -= n;
    this.wireBytesReceived += n;
    const isLast = this.bodyLeft === 0;
    if (isLast) {
      this.reading = Reading.done;
      this.followingBytes = end - p - n;
    }
    this.stream?.decodeData(p, n, isLast);
    this.followingBytes = 0;
    return p + n;
  }

  private readChunkedBody(from: number, end: number): number {
    const { stream, chunked } = this;
    if (stream === null || chunked === null) return end;
    let p = from;
    for (;;) {
      const status = chunked.next(this.slab, p, end, stream.requestTrailers);
      const position = chunked.position;
      this.wireBytesReceived += position - p;
      p = position;
      switch (status) {
        case ChunkStatus.data:
          this.unreadBytes = end - p;
          stream.decodeData(chunked.dataOffset, chunked.dataLength, false);
          this.unreadBytes = 0;
          if (this.reading !== Reading.chunkedBody || !this.connection.isOpen) return p;
          break;
        case ChunkStatus.end:
          this.reading = Reading.done;
          this.followingBytes = end - p;
          if (stream.requestTrailers.count === 0) stream.decodeData(p, 0, true);
          else if (this.settings.enableTrailers) this.decodeTrailers(stream, stream.requestTrailers);
          else stream.decodeData(p, 0, true);
          this.followingBytes = 0;
          return p;
        case ChunkStatus.needMoreTrailers:
          // Nothing of the trailer section is consumed: keep what came since.
          return p < end ? this.hold(p) : end;
        case ChunkStatus.needMore:
          return end;
        default:
          this.failedBytes = end - p;
          return this.fail(400, 'http1.codec_error', end);
      }
    }
  }

  private decodeTrailers(stream: RequestDecoder, trailers: HeaderMap): void {
    if (this.settings.countsHeaderBytes) this.requestHeaderLineBytes += receivedHeaderBytes(trailers);
    if (trailers.hasRepeats) settleBlanks(trailers, this.literals.turn);
    stream.decodeTrailers(trailers);
  }

  /** Everything from `p` stays with the I/O layer until more arrives. */
  private hold(p: number): number {
    this.mustHold = true;
    return p;
  }

  private failParse(status: number, end: number): number {
    switch (status) {
      case ParseStatus.tooManyHeaders:
        if (this.stream !== null) this.requestHeaderLineBytes = excessHeaderBytes(this.stream.requestHeaders, this.settings.maxHeadersCount);
        return this.fail(431, 'http1.too_many_headers', end);
      case ParseStatus.badValue:
        return this.fail(400, 'http1.invalid_characters', end);
      case ParseStatus.badTarget:
        return this.fail(400, 'http1.invalid_characters', end);
      case ParseStatus.badVersion:
        // The preface of HTTP/2 has a method of its own, which comes first.
        return this.hasForeignMethod() ? this.failUncounted(end) : this.fail(426, 'low_version', end);
      default:
        return this.fail(400, 'http1.codec_error', end);
    }
  }

  private failFraming(error: number, end: number): number {
    switch (error) {
      case FramingError.lengthAndChunked:
        return this.fail(400, 'http1.content_length_and_chunked_not_allowed', end);
      case FramingError.badTransferEncoding:
        return this.fail(501, 'http1.invalid_transfer_encoding', end);
      default:
        this.requestHeaderLineBytes = 0;
        return this.fail(400, 'http1.codec_error', end);
    }
  }

  /** A version that is not served; the answer is in ours. */
  private failVersion(end: number): number {
    this.minorVersion = 1;
    this.isHttp10 = false;
    return this.fail(426, 'low_version', end);
  }

  private failTarget(target: number, end: number): number {
    switch (target) {
      case TargetCheck.badScheme:
        return this.fail(400, 'http1.invalid_scheme', end);
      case TargetCheck.badUrl:
        return this.fail(400, 'http1.invalid_url', end);
      case TargetCheck.badAuthority:
        return this.fail(400, 'http.invalid_authority', end);
      default:
        return this.failUncounted(end);
    }
  }

  private hasForeignMethod(): boolean {
    const headers = this.stream?.requestHeaders;
    return headers !== undefined && headers.methodLength > 0 && !this.settings.allowCustomMethods && !isRegisteredMethod(headers);
  }

  /** Refused for its request line: its headers count as not received. */
  private failUncounted(end: number): number {
    this.requestHeaderLineBytes = 0;
    return this.fail(400, 'http1.codec_error', end);
  }

  private fail(status: number, details: string, end: number): number {
    this.reading = Reading.failed;
    this.parser.reset();
    this.wireBytesReceived += this.failedBytes;
    this.failedBytes = 0;
    this.settings.onProtocolError();
    this.stream?.onProtocolError(status, details);
    return end;
  }

  private startNext(): void {
    this.reading = Reading.head;
    this.writing = Writing.none;
    this.isChunkedResponse = false;
  }

  // === ResponseEncoder ===

  encode1xxHeaders(headers: HeaderMap): void {
    const line = this.literals.statusLine(headers.status, false);
    const sent = sendHead(this.connection, this.literals, headers, line, line + this.literals.lineLength, HeadTail.plain, this.settings.properCaseWords);
    this.informationalHeadBytes += sent - this.literals.lineLength - 2;
    this.wireBytesSent += sent;
  }

  /** Answers `expect: 100-continue` (RFC 9110 §10.1.1). */
  sendContinue(): void {
    this.connection.send(this.literals.continueResponse, CONTINUE_RESPONSE_LENGTH);
    this.wireBytesSent += CONTINUE_RESPONSE_LENGTH;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    const status = headers.status;
    let tail: number = HeadTail.plain;
    this.isChunkedResponse = false;
    if (headers.find(HeaderId.contentLength) < 0) {
      // RFC 9110 §9.3.6: what follows a 2xx to CONNECT is the tunnel.
      const hasNoBody = status < 200 || status === 204 || status === 304 || (this.isConnectRequest && status < 300);
      if (endStream && !this.isHeadRequest) {
        if (!hasNoBody) tail = HeadTail.zeroLength;
      } else if (!this.isHttp10 && !hasNoBody) {
        tail = HeadTail.chunked;
        this.isChunkedResponse = !this.isHeadRequest;
      }
    }
    const isHttp10 = this.isHttp10 && this.settings.acceptHttp10;
    const reason = headers.spelling === null ? '' : headers.spelling.reason;
    let line = reason === '' ? this.literals.statusLine(status, isHttp10) : this.literals.statusLineWithReason(status, isHttp10, reason);
    let lineEnd = line + this.literals.lineLength;
    if (headers.bytes === this.slab && startLineEquals(headers, this.slab, line, lineEnd - line)) {
      line = headers.startLineOffset;
      lineEnd = headers.startLineEnd;
    }
    this.writing = Writing.headers;
    const sent = sendHead(this.connection, this.literals, headers, line, lineEnd, tail, this.settings.properCaseWords);
    this.responseHeadBytes = this.informationalHeadBytes + sent - (lineEnd - line) - 2;
    this.informationalHeadBytes = 0;
    this.wireBytesSent += sent;
    if (endStream) this.onResponseComplete();
  }

  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.isHeadRequest) {
      if (endStream) this.onResponseComplete();
      return;
    }
    this.wireBytesSent += sendBody(this.connection, this.literals, bytes, offset, length, this.isChunkedResponse, endStream);
    if (endStream) this.onResponseComplete();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.isChunkedResponse && this.settings.enableTrailers && trailers.count > 0) {
      const sent = sendTrailers(this.connection, this.literals, trailers, this.settings.properCaseWords);
      this.responseHeadBytes += sent - TRAILER_FRAME_LENGTH;
      this.wireBytesSent += sent;
      this.onResponseComplete();
    } else {
      this.encodeData(this.slab, 0, 0, true);
    }
  }

  resetStream(_reason: ResetReason): void {
    // HTTP/1 has no reset: the connection is the stream.
    this.abandonStream();
    this.connection.close(CloseMode.now);
  }

  /** The response to the request in flight, which is complete, comes from another stream. */
  replaceDecoder(stream: RequestDecoder): void {
    this.stream = stream;
  }

  /** The stream is given up: what comes is dropped, the connection is the manager's to close. */
  abandonStream(): void {
    this.reading = Reading.failed;
    this.stream = null;
  }

  readDisable(disable: boolean): void {
    this.connection.readDisable(disable);
  }

  isAboveHighWatermark(): boolean {
    return this.connection.isAboveHighWatermark();
  }

  private onResponseComplete(): void {
    this.writing = Writing.done;
    this.stream = null;
  }

  /** The connection manager is done with the exchange: go on with what was pipelined. */
  readyForNext(): void {
    this.wireBytesSent = 0;
    if (this.reading !== Reading.done || this.isDispatching) return;
    this.startNext();
    if (this.isPipelineHeld) {
      this.isPipelineHeld = false;
      this.connection.readDisable(false);
    }
  }

  /** The connection went away with a stream on it. */
  onConnectionClosed(reason: ResetReason): void {
    const stream = this.stream;
    this.stream = null;
    this.wireBytesReceived += this.failedBytes;
    this.failedBytes = 0;
    this.reading = Reading.failed;
    if (stream !== null) stream.onResetStream(reason);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.stream?.onBelowWriteBufferLowWatermark();
  }
}


