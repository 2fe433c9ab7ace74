import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { Protocol, type StreamInfo } from '../../stream_info/stream_info.ts';
import type { Http1ServerConnection } from '../http1/server_connection.ts';
import { mutateResponseHeaders } from './header_sanitizer.ts';
import type { ManagerContext } from './manager_context.ts';
import { UpgradeKind } from './upgrades.ts';

/** The connection as far as its headers are concerned. */
export interface HeaderOwner {
  readonly codec: Http1ServerConnection;
  isClosing(): boolean;
  closeAfterResponse(): void;
}

/** The stream whose response goes out. */
export interface AnsweringStream {
  readonly context: ManagerContext;
  readonly info: StreamInfo;
  readonly isRequestDone: boolean;
  readonly hasRequestHeaders: boolean;
  readonly isTraceForced: boolean;
  readonly upgrade: number;
  validRequestHeaders(): HeaderMap | null;
}

/** Last changes to a response before its bytes are made: what is ours to say, and what becomes of the connection. */
export function finishResponseHeaders(stream: AnsweringStream, owner: HeaderOwner, headers: HeaderMap, isTunnel: boolean, endStream: boolean): void {
  const { context, info } = stream;
  const { parts } = context;
  mutateResponseHeaders(headers, context, isTunnel && stream.upgrade === UpgradeKind.upgrade);
  if (parts.config.alwaysSetRequestIdInResponse || stream.isTraceForced) copyRequestId(stream.validRequestHeaders(), headers);
  if (parts.proxyStatus !== null && stream.hasRequestHeaders) parts.proxyStatus.apply(headers, info);
  if (!stream.isRequestDone) {
    parts.stats.rqResponseBeforeRqComplete.inc();
    owner.closeAfterResponse();
  }
  // What follows these headers is no HTTP: nothing is to be said of the connection.
  if (!isTunnel) setConnectionHeader(headers, info.protocol, owner, endStream);
  info.responseCode = headers.status;
  if (parts.http1.countsHeaderBytes) info.responseHeaderBytes = headers.byteSize();
}

/** Says in a response what becomes of the connection (RFC 9112 §9.3). */
function setConnectionHeader(headers: HeaderMap, protocol: Protocol, owner: HeaderOwner, endStream: boolean): void {
  if (protocol === Protocol.http10) {
    // Without a length the response is framed by the close.
    if (!endStream && headers.find(HeaderId.contentLength) < 0) owner.codec.wantsKeepAlive = false;
    if (!owner.isClosing()) headers.set(HeaderId.connection, 'keep-alive');
  }
  if (owner.isClosing()) headers.set(HeaderId.connection, 'close');
}

/** always_set_request_id_in_response. */
function copyRequestId(request: HeaderMap | null, response: HeaderMap): void {
  const id = request?.get(HeaderId.requestId);
  if (id !== undefined) response.set(HeaderId.requestId, id);
}

/** Expect: 100-continue is answered here (RFC 9110 §10.1.1). Returns whether it was. */
export function answerExpect(headers: HeaderMap, codec: Http1ServerConnection): boolean {
  if (codec.minorVersion === 0 || !headers.hasToken(HeaderId.expect, '100-continue')) return false;
  headers.remove(HeaderId.expect);
  codec.sendContinue();
  return true;
}

/** Without x-forwarded-proto (a filter removed or emptied it) nothing can be routed. */
export function isWithoutProtocol(headers: HeaderMap): boolean {
  const k = headers.find(HeaderId.forwardedProto);
  return k < 0 || headers.entries[k + 4] === 0;
}
