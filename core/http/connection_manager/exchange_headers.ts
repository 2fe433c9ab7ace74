import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { Protocol } from '../../stream_info/stream_info.ts';
import type { Http1ServerConnection } from '../http1/server_connection.ts';

/** The connection as far as its headers are concerned. */
export interface HeaderOwner {
  readonly codec: Http1ServerConnection;
  isClosing(): boolean;
}

/** Says in a response what becomes of the connection (RFC 9112 §9.3). */
export function setConnectionHeader(headers: HeaderMap, protocol: Protocol, owner: HeaderOwner, endStream: boolean): void {
  if (protocol === Protocol.http10) {
    // Without a length the response is framed by the close.
    if (!endStream && headers.find(HeaderId.contentLength) < 0) owner.codec.wantsKeepAlive = false;
    if (!owner.isClosing()) headers.set(HeaderId.connection, 'keep-alive');
  }
  if (owner.isClosing()) headers.set(HeaderId.connection, 'close');
}

/** always_set_request_id_in_response. */
export function copyRequestId(request: HeaderMap | null, response: HeaderMap): void {
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
