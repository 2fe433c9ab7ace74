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
 * Fills the stream's response headers with a local reply and returns its body. A gRPC request is answered with status 200 and
 * grpc-status (Envoy: Utility::sendLocalReply). Not on the plain path: may allocate.
 */
export function fillLocalReply(stream: LocalReplyStream, status: number, body: string, options: LocalReplyOptions): string {
  const headers = stream.responseHeaders;
  headers.clear();
  stream.info.localReplyBody = body;
  const request = stream.validRequestHeaders();
  if (request !== null && isGrpcRequest(request)) {
    headers.status = 200;
    headers.set(HeaderId.contentType, 'application/grpc');
    headers.set(HeaderId.grpcStatus, String(options.grpcStatus ?? httpToGrpcStatus(status)));
    if (body !== '') headers.set(HeaderId.grpcMessage, encodeGrpcMessage(body));
    options.modifyHeaders?.(headers);
    return '';
  }
  headers.status = status;
  const rewriter = stream.context.parts.localReplies;
  let text = body;
  let contentType = 'text/plain';
  // Before the code is known to the log: header formats of the route see 0, as in Envoy.
  options.modifyHeaders?.(headers);
  stream.info.responseCode = status;
  if (rewriter !== null) {
    const reply = { status, body, contentType };
    const context = stream.context.logContext;
    context.info = stream.info;
    context.requestHeaders = request;
    context.responseHeaders = headers;
    context.logType = AccessLogType.notSet;
    rewriter.rewrite(context, reply, headers);
    context.info = null;
    context.requestHeaders = null;
    context.responseHeaders = null;
    headers.status = reply.status;
    stream.info.responseCode = reply.status;
    text = reply.body;
    contentType = reply.contentType;
  }
  if (text !== '') {
    headers.setInteger(HeaderId.contentLength, Buffer.byteLength(text));
    if (headers.find(HeaderId.contentType) < 0 || rewriter !== null) headers.set(HeaderId.contentType, contentType);
  }
  return text;
}
