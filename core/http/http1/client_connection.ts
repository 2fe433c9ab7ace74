import type { Connection } from '../../network/connection.ts';
import { rangeEquals } from '../../headers/byte_range.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { BodyKind, type RequestEncoder, ResetReason, type ResponseDecoder } from '../codec.ts';
import { ChunkedDecoder, ChunkStatus } from './chunked_decoder.ts';
import { HeadTail, type Http1Literals, REQUEST_LINE_END_LENGTH, sendBody, sendHead, sendTrailers, TRAILER_FRAME_LENGTH } from './encoder.ts';
import { excessHeaderBytes, Framing, FramingError, isUpgrade, receivedHeaderBytes, settleLines, wantsKeepAlive } from './framing.ts';
import { settleBlanks } from './header_blanks.ts';
import { ParseStatus } from './header_lines.ts';
import { isConnect } from './request_target.ts';
import { ResponseParser } from './response_parser.ts';
import type { Http1Settings } from './settings.ts';

const Reading = { idle: 0, head: 1, lengthBody: 2, chunkedBody: 3, untilClose: 4, tunnel: 5 } as const;
/** What the request asks to become. */
const Tunnel = { none: 0, upgrade: 1, connect: 2 } as const;
const Writing = { idle: 0, body: 1, done: 2 } as const;

/** What the pool learns from its client's codec. */
export interface Http1ClientCallbacks {
  /** The upstream said that it will close the connection after this response. */
  onCloseNotified(): void;
  /** Request and response are complete; `reusable` says whether the connection can carry another. */
  onExchangeComplete(reusable: boolean): void;
  /** Bytes came that belong to no response: the connection is of no use any more. */
  onUnexpectedData(): void;
  /** The upstream broke the protocol: the connection must be closed. */
  onProtocolError(): void;
  /** The request was abandoned: the connection must be closed; `flushes`: after what was sent has gone out. */
  onReset(flushes: boolean): void;
}

/**
 * The client side of HTTP/1 on one upstream connection: one exchange at a time.
 *
 *   reading: idle -> head -> (1xx: head) -> lengthBody | chunkedBody | untilClose -> idle ; head -> tunnel (upgrade and 101, CONNECT and 2xx)
 *   writing: idle -> body -> done ; the exchange is complete when reading is idle again and writing done
 *
 * A request for a tunnel has no end, so that its connection never carries another one, whatever the answer.
 */
export class Http1ClientConnection implements RequestEncoder {
  private readonly connection: Connection;
  private readonly callbacks: Http1ClientCallbacks;
  private readonly settings: Http1Settings;
  private readonly literals: Http1Literals;
  private readonly slab: Uint8Array;
  private readonly parser: ResponseParser;
  /** Made when the first chunked message comes. */
  private chunked: ChunkedDecoder | null;
  private readonly framing: Framing;
  private reading: number;
  private writing: number;
  private decoder: ResponseDecoder | null;
  private bodyLeft: number;
  private isHeadRequest: boolean;
  private isChunkedRequest: boolean;
  private tunnel: number;
  private keepAlive: boolean;
  private mustHold: boolean;
  /** Bytes of an unfinished head that stay with the I/O layer; of one that turned out malformed. */
  private heldBytes: number;
  private failedBytes: number;
  /** Wire bytes of this exchange. */
  requestHeadBytes: number;
  responseHeadBytes: number;
  wireBytesSent: number;
  wireBytesReceived: number;

  constructor(connection: Connection, callbacks: Http1ClientCallbacks, settings: Http1Settings, literals: Http1Literals, slab: Uint8Array) {
    this.connection = connection;
    this.callbacks = callbacks;
    this.settings = settings;
    this.literals = literals;
    this.slab = slab;
    this.parser = new ResponseParser(slab, literals.cursor, settings.preserveCase);
    this.chunked = null;
    this.framing = new Framing();
    this.reading = Reading.idle;
    this.writing = Writing.idle;
    this.decoder = null;
    this.bodyLeft = 0;
    this.isHeadRequest = false;
    this.isChunkedRequest = false;
    this.tunnel = Tunnel.none;
    this.keepAlive = true;
    this.mustHold = false;
    this.heldBytes = 0;
    this.failedBytes = 0;
    this.requestHeadBytes = 0;
    this.responseHeadBytes = 0;
    this.wireBytesSent = 0;
    this.wireBytesReceived = 0;
  }

  /** Begins an exchange whose response goes to `decoder`. The connection must be idle. */
  newStream(decoder: ResponseDecoder): RequestEncoder {
    this.decoder = decoder;
    this.reading = Reading.head;
    this.writing = Writing.idle;
    this.keepAlive = true;
    this.isChunkedRequest = false;
    this.wireBytesSent = 0;
    this.wireBytesReceived = 0;
    this.responseHeadBytes = 0;
    return this;
  }

  get hasStream(): boolean {
    return this.decoder !== null;
  }

  /**
   * HTTP/1 knows no half-closed upstream: whatever runs is cut, or ended by the close. A CONNECT is cut from our side, which is what
   * Envoy counts.
   */
  onHalfClose(): boolean {
    const decoder = this.decoder;
    if (this.tunnel !== Tunnel.connect || decoder === null || this.parser.isInHead) return false;
    this.decoder = null;
    this.callbacks.onReset(false);
    decoder.onResetStream(ResetReason.connectionTermination, '');
    return true;
  }

  // === RequestEncoder ===

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.isHeadRequest = headers.methodLength === 4 && rangeEquals(headers.bytes, headers.methodOffset, 4, 'HEAD');
    let tail: number = HeadTail.plain;
    this.tunnel = tunnelOf(headers);
    if (this.tunnel === Tunnel.none && headers.find(HeaderId.contentLength) < 0) {
      if (!endStream) {
        tail = HeadTail.chunked;
        this.isChunkedRequest = true;
      } else if (!isBodiless(headers)) {
        tail = HeadTail.zeroLength;
      }
    }
    let start = headers.startLineOffset;
    let end = headers.startLineEnd;
    if (start < 0 || headers.bytes !== this.slab || this.slab[end - 3] !== 49 || this.settings.sendsFullUrl) {
      start = this.writeRequestLine(headers);
      end = this.literals.turn.position;
    }
    this.writing = Writing.body;
    const sent = sendHead(this.connection, this.literals, headers, start, end, tail, this.settings.properCaseWords);
    this.requestHeadBytes = sent - (end - start) - 2;
    this.wireBytesSent = sent;
    if (endStream) this.onRequestComplete();
  }

  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    this.wireBytesSent += sendBody(this.connection, this.literals, bytes, offset, length, this.isChunkedRequest, endStream);
    if (endStream) this.onRequestComplete();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.isChunkedRequest && this.settings.enableTrailers && trailers.count > 0) {
      const sent = sendTrailers(this.connection, this.literals, trailers, this.settings.properCaseWords);
      this.requestHeadBytes += sent - TRAILER_FRAME_LENGTH;
      this.wireBytesSent += sent;
      this.onRequestComplete();
    } else {
      this.encodeData(this.slab, 0, 0, true);
    }
  }

  resetStream(reason: ResetReason): void {
    if (this.decoder === null) return;
    this.decoder = null;
    // A client that ended its tunnel has said all it had to say: nothing but the bytes themselves tells where they end.
    this.callbacks.onReset(this.reading === Reading.tunnel && reason === ResetReason.connectionTermination);
  }

  readDisable(disable: boolean): void {
    this.connection.readDisable(disable);
  }

  isAboveHighWatermark(): boolean {
    return this.connection.isAboveHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.decoder?.onBelowWriteBufferLowWatermark();
  }

  private writeRequestLine(headers: HeaderMap): number {
    const turn = this.literals.turn;
    const start = turn.writeBytes(headers.bytes, headers.methodOffset, headers.methodLength);
    turn.slab[turn.reserve(1)] = 32;
    if (headers.pathLength > 0) {
      if (this.settings.sendsFullUrl) this.writeOrigin(headers);
      turn.writeBytes(headers.bytes, headers.pathOffset, headers.pathLength);
    } else {
      // CONNECT: authority-form (RFC 9112 §3.2.3).
      const k = headers.find(HeaderId.authority);
      if (k >= 0) turn.writeBytes(headers.bytes, headers.entries[k + 3], headers.entries[k + 4]);
    }
    turn.writeBytes(turn.slab, this.literals.requestLineEnd, REQUEST_LINE_END_LENGTH);
    return start;
  }

  /** `scheme://authority`, before the path. */
  private writeOrigin(headers: HeaderMap): void {
    const authority = headers.get(HeaderId.authority);
    if (headers.pathLength > 0 && authority !== undefined) this.literals.turn.writeLatin1(`${headers.isHttps ? 'https' : 'http'}://${authority}`);
  }

  private onRequestComplete(): void {
    this.writing = Writing.done;
    if (this.reading === Reading.idle) this.complete();
  }

  // === reading ===

  /** Reads `length` bytes at `offset`; returns how many at the end are not consumed yet. */
  dispatch(offset: number, length: number): number {
    const end = offset + length;
    let p = offset;
    while (p < end && this.connection.isOpen) {
      switch (this.reading) {
        case Reading.head:
          p = this.readHead(p, end);
          break;
        case Reading.lengthBody:
          p = this.readLengthBody(p, end);
          break;
        case Reading.chunkedBody:
          p = this.readChunkedBody(p, end);
          break;
        case Reading.tunnel:
        case Reading.untilClose:
          this.wireBytesReceived += end - p;
          this.decoder?.decodeData(p, end - p, false);
          p = end;
          break;
        default:
          // Bytes beyond the response: never to be taken for the next one (response smuggling).
          this.callbacks.onUnexpectedData();
          return 0;
      }
      if (this.mustHold) {
        this.mustHold = false;
        return end - p;
      }
    }
    return 0;
  }

  private readHead(p: number, end: number): number {
    const decoder = this.decoder;
    if (decoder === null) return this.fail(end);
    const headers = decoder.responseHeaders;
    const next = this.parser.parse(headers, p, end, this.settings.maxHeadersCount);
    this.failedBytes = end - p;
    if (next === ParseStatus.incomplete) {
      if (end - p > this.settings.maxHeadersBytes) return this.fail(end);
      this.heldBytes = end - p;
      this.mustHold = true;
      return p;
    }
    this.heldBytes = 0;
    if (next === ParseStatus.tooManyHeaders) this.responseHeadBytes += excessHeaderBytes(headers, this.settings.maxHeadersCount);
    if (next < 0 || this.parser.headLength > this.settings.maxHeadersBytes) return this.fail(end);
    this.wireBytesReceived += this.parser.headLength;
    this.failedBytes = end - next;
    if (this.settings.countsHeaderBytes) this.responseHeadBytes += receivedHeaderBytes(headers);
    if (headers.hasRepeats) settleLines(headers, this.literals.turn);
    const status = headers.status;
    if (this.tunnel !== Tunnel.none && this.isSwitching(headers)) return this.onSwitched(decoder, headers, next, end);
    if (status < 200) {
      if (status !== 101) {
        if (this.framing.response(headers, this.parser.minorVersion, false) < 0) return this.fail(end);
        this.failedBytes = 0;
        decoder.decode1xxHeaders(headers);
        return next;
      }
      // Nobody asked for an upgrade: the response ends here, and so does the connection.
      this.reading = Reading.idle;
      this.endResponse(end - next);
      this.keepAlive = false;
      decoder.decodeHeaders(headers, true);
      this.completeIfDone();
      return end;
    }
    const kind = this.framing.response(headers, this.parser.minorVersion, this.isHeadRequest);
    if (kind < 0) {
      if (kind === FramingError.badContentLength) this.responseHeadBytes = 0;
      return this.fail(end);
    }
    this.failedBytes = 0;
    // RFC 9110 §8.6: a 204 has no content-length.
    if (status === 204 && headers.find(HeaderId.contentLength) >= 0) headers.remove(HeaderId.contentLength);
    const isKept = wantsKeepAlive(headers, this.parser.minorVersion);
    if (!isKept) this.callbacks.onCloseNotified();
    this.keepAlive = isKept && kind !== BodyKind.untilClose;
    switch (kind) {
      case BodyKind.none:
        this.reading = Reading.idle;
        this.endResponse(end - next);
        decoder.decodeHeaders(headers, true);
        this.completeIfDone();
        return end;
      case BodyKind.length:
        this.reading = Reading.lengthBody;
        this.bodyLeft = this.framing.length;
        decoder.decodeHeaders(headers, false);
        break;
      case BodyKind.chunked:
        this.reading = Reading.chunkedBody;
        this.chunked ??= new ChunkedDecoder();
        this.chunked.reset();
        decoder.responseTrailers.clear();
        decoder.decodeHeaders(headers, false);
        break;
      default:
        this.reading = Reading.untilClose;
        decoder.decodeHeaders(headers, false);
    }
    return next;
  }

  /** Whether this response begins what the request asked for. */
  private isSwitching(headers: HeaderMap): boolean {
    const status = headers.status;
    return this.tunnel === Tunnel.connect ? status >= 200 && status < 300 : status === 101 && isUpgrade(headers);
  }

  /** From here on bytes are no HTTP: they go on as they are. */
  private onSwitched(decoder: ResponseDecoder, headers: HeaderMap, next: number, end: number): number {
    if (this.tunnel === Tunnel.connect) {
      // RFC 9110 §9.3.6: framing fields of a 2xx to CONNECT mean nothing.
      if (headers.find(HeaderId.transferEncoding) >= 0) headers.remove(HeaderId.transferEncoding);
    } else {
      // RFC 9112 §6.1, RFC 9110 §8.6: a 1xx has neither.
      if (headers.find(HeaderId.transferEncoding) >= 0) return this.fail(end);
      if (headers.find(HeaderId.contentLength) >= 0) headers.remove(HeaderId.contentLength);
    }
    this.failedBytes = 0;
    if (!wantsKeepAlive(headers, this.parser.minorVersion)) this.callbacks.onCloseNotified();
    this.reading = Reading.tunnel;
    this.keepAlive = false;
    decoder.decodeHeaders(headers, false);
    return next;
  }

  private readLengthBody(p: number, end: number): number {
    const n = end - p < this.bodyLeft ? end - p : this.bodyLeft;
    this.bodyLeft -= n;
    this.wireBytesReceived += n;
    const decoder = this.decoder;
    if (decoder === null) return end;
    if (this.bodyLeft > 0) {
      decoder.decodeData(p, n, false);
      return p + n;
    }
    this.reading = Reading.idle;
    this.endResponse(end - p - n);
    decoder.decodeData(p, n, true);
    this.completeIfDone();
    return end;
  }

  private readChunkedBody(from: number, end: number): number {
    let p = from;
    for (;;) {
      const { decoder, chunked } = this;
      if (decoder === null || chunked === null) return end;
      const status = chunked.next(this.slab, p, end, decoder.responseTrailers);
      this.wireBytesReceived += chunked.position - p;
      p = chunked.position;
      switch (status) {
        case ChunkStatus.data:
          decoder.decodeData(chunked.dataOffset, chunked.dataLength, false);
          if (!this.connection.isOpen) return p;
          break;
        case ChunkStatus.end:
          this.reading = Reading.idle;
          this.endResponse(end - p);
          if (decoder.responseTrailers.count === 0) decoder.decodeData(p, 0, true);
          else this.decodeTrailers(decoder, p);
          this.completeIfDone();
          return end;
        case ChunkStatus.needMoreTrailers:
          if (p < end) this.mustHold = true;
          return p;
        case ChunkStatus.needMore:
          return end;
        default:
          this.failedBytes = end - p;
          return this.fail(end);
      }
    }
  }

  /** Trailers go on if they are enabled, else only the end does. */
  private decodeTrailers(decoder: ResponseDecoder, position: number): void {
    const trailers = decoder.responseTrailers;
    if (!this.settings.enableTrailers) {
      trailers.clear();
      decoder.decodeData(position, 0, true);
      return;
    }
    if (this.settings.countsHeaderBytes) this.responseHeadBytes += receivedHeaderBytes(trailers);
    if (trailers.hasRepeats) settleBlanks(trailers, this.literals.turn);
    decoder.decodeTrailers(trailers);
  }

  /**
   * The response is read to its end: from here on the decoder is told nothing but its last piece. `unread` bytes follow it: they
   * answer nothing that was asked, and no later request may take them for its answer.
   */
  private endResponse(unread: number): void {
    if (this.writing === Writing.done) this.decoder = null;
    if (unread === 0) return;
    this.keepAlive = false;
    this.wireBytesReceived += unread;
    this.settings.onProtocolError();
  }

  private completeIfDone(): void {
    if (this.reading === Reading.idle && this.writing === Writing.done) this.complete();
  }

  private complete(): void {
    this.decoder = null;
    this.writing = Writing.idle;
    this.callbacks.onExchangeComplete(this.keepAlive);
  }

  private fail(end: number): number {
    const decoder = this.decoder;
    this.decoder = null;
    this.reading = Reading.idle;
    this.parser.reset();
    this.wireBytesReceived += this.failedBytes;
    this.settings.onProtocolError();
    this.callbacks.onProtocolError();
    decoder?.onResetStream(ResetReason.protocolError, '');
    return end;
  }

  /**
   * The upstream closed (FIN) or failed. Completes a response that is framed by the close, else resets the stream. Returns whether
   * an exchange was cut.
   */
  onConnectionClosed(reason: ResetReason, transportFailure: string): boolean {
    const decoder = this.decoder;
    this.decoder = null;
    if (decoder === null) return false;
    if (this.reading === Reading.untilClose) {
      this.reading = Reading.idle;
      decoder.decodeData(0, 0, true);
      return this.writing !== Writing.done;
    }
    // An end within a message is the upstream's mistake, before it an ended connection.
    const isWithin = (this.reading !== Reading.head && this.reading !== Reading.tunnel) || this.parser.isInHead;
    this.reading = Reading.idle;
    this.parser.reset();
    this.wireBytesReceived += this.heldBytes;
    this.heldBytes = 0;
    if (isWithin) {
      this.settings.onProtocolError();
      decoder.onResetStream(ResetReason.protocolError, '');
    } else {
      decoder.onResetStream(reason, transportFailure);
    }
    return true;
  }
}


function tunnelOf(headers: HeaderMap): number {
  if (isUpgrade(headers)) return Tunnel.upgrade;
  return isConnect(headers) ? Tunnel.connect : Tunnel.none;
}

/** Methods that need not say that they have no body (RFC 9110 §8.6): GET, HEAD, DELETE, TRACE, CONNECT. */
function isBodiless(headers: HeaderMap): boolean {
  const { bytes, methodOffset: at, methodLength: n } = headers;
  switch (n) {
    case 3:
      return rangeEquals(bytes, at, 3, 'GET');
    case 4:
      return rangeEquals(bytes, at, 4, 'HEAD');
    case 5:
      return rangeEquals(bytes, at, 5, 'TRACE');
    case 6:
      return rangeEquals(bytes, at, 6, 'DELETE');
    case 7:
      return rangeEquals(bytes, at, 7, 'CONNECT');
    default:
      return false;
  }
}
