import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { Protocol } from '../../stream_info/stream_info.ts';

/** The connection that a response goes out on. */
export interface RespondingConnection {
  readonly codec: { wantsKeepAlive: boolean };
  isClosing(): boolean;
}

/** What a response says of its connection (RFC 9112 §9.3). */
export function setConnectionHeader(headers: HeaderMap, protocol: Protocol, connection: RespondingConnection, endStream: boolean): void {
  if (protocol === Protocol.http10) {
    // Without a length the response is framed by the close.
    if (!endStream && headers.find(HeaderId.contentLength) < 0) connection.codec.wantsKeepAlive = false;
    if (!connection.isClosing()) headers.set(HeaderId.connection, 'keep-alive');
  }
  if (connection.isClosing()) headers.set(HeaderId.connection, 'close');
}
