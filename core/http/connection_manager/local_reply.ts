import type { LogContext } from '../../access_log/access_log.ts';
import type { HeaderMap } from '../../headers/header_map.ts';

/** What local_reply_config made of a local reply. One reused object per rewriter. */
export interface RewrittenReply {
  status: number;
  body: string;
  contentType: string;
}

/** local_reply_config compiled: changes status, body and headers of replies made here. Built by the HCM's factory. */
export interface LocalReplyRewriter {
  /** Rewrites `reply` in place and adds headers; `context` describes the stream. */
  rewrite(context: LogContext, reply: RewrittenReply, headers: HeaderMap): void;
}

const GRPC_BY_HTTP: ReadonlyMap<number, number> = new Map([[400, 13], [401, 16], [403, 7], [404, 12], [429, 14], [502, 14], [503, 14], [504, 14]]);

/** gRPC status for an HTTP status (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). */
export function httpToGrpcStatus(status: number): number {
  return GRPC_BY_HTTP.get(status) ?? 2;
}

/** Percent-encodes a grpc-message (gRPC over HTTP/2: Percent-Encoded). Input is UTF-8 text. */
export function encodeGrpcMessage(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    encoded += byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
