import { isGrpcRequest } from '../../headers/grpc_headers.ts';
import { HeaderId } from '../../headers/header_names.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { AccessLogType, type LogContext } from '../../access_log/access_log.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import type { LocalReplyOptions } from '../filter.ts';
import { encodeGrpcMessage, httpToGrpcStatus, type LocalReplyRewriter } from './local_reply.ts';

/** The stream a local reply is made for. */
export interface LocalReplyStream {
  readonly context: { readonly logContext: LogContext; readonly parts: { readonly localReplies: LocalReplyRewriter | null } };
  readonly responseHeaders: HeaderMap;
  readonly info: StreamInfo;
  validRequestHeaders(): HeaderMap | null;
}

/**
 * Fills the stream's response headers with a local reply and returns its body: what the route adds, then local_reply_config, then
 * for a gRPC request status 200 and grpc-status (Envoy: Utility::sendLocalReply). Not on the plain path: may allocate.
 */
export function fillLocalReply(stream: LocalReplyStream, status: number, body: string, options: LocalReplyOptions): string {
  const { responseHeaders: headers, info } = stream;
  const { logContext: context, parts } = stream.context;
  headers.clear();
  const request = stream.validRequestHeaders();
  headers.status = status;
  const reply = { status, body, contentType: 'text/plain' };
  // Before the code is known to the log: header formats of the route see 0, as in Envoy.
  options.modifyHeaders?.(headers);
  info.responseCode = status;
  info.localReplyBody = body;
  let hasOwnContentType = false;
  if (parts.localReplies !== null) {
    const before = headers.get(HeaderId.contentType);
    info.localReplyBody = '';
    context.info = info;
    context.requestHeaders = request;
    context.responseHeaders = headers;
    context.logType = AccessLogType.notSet;
    parts.localReplies.rewrite(context, reply, headers);
    context.info = null;
    context.requestHeaders = null;
    context.responseHeaders = null;
    headers.status = reply.status;
    info.responseCode = reply.status;
    hasOwnContentType = headers.get(HeaderId.contentType) !== before;
  }
  if (request !== null && isGrpcRequest(request)) {
    headers.status = 200;
    headers.set(HeaderId.contentType, 'application/grpc');
    headers.set(HeaderId.grpcStatus, String(options.grpcStatus ?? httpToGrpcStatus(reply.status)));
    if (reply.body !== '') headers.set(HeaderId.grpcMessage, encodeGrpcMessage(reply.body));
    return '';
  }
  if (reply.body !== '') {
    headers.setInteger(HeaderId.contentLength, Buffer.byteLength(reply.body));
    // A body that was written anew has the type of its format, unless the mapper set one.
    if (!hasOwnContentType && (headers.find(HeaderId.contentType) < 0 || reply.body !== body)) headers.set(HeaderId.contentType, reply.contentType);
  }
  return reply.body;
}
