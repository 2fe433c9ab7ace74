import { describe, expect, it } from 'vitest';
import { headerMap, headerPairs } from '../../../test/support/header_map.ts';
import { LogContext } from '../../access_log/access_log.ts';
import { HeaderId, HeaderNames } from '../../headers/header_names.ts';
import { StreamInfo } from '../../stream_info/stream_info.ts';
import type { LocalReplyOptions } from '../filter.ts';
import type { LocalReplyRewriter } from './local_reply.ts';
import { fillLocalReply } from './local_reply_writer.ts';

const names = new HeaderNames();

function fill(contentType: string | undefined, status: number, body: string, options: LocalReplyOptions = { details: 'd' }, localReplies: LocalReplyRewriter | null = null) {
  const request = contentType === undefined ? null : headerMap(names, [[':method', 'POST'], [':path', '/'], ['content-type', contentType]]);
  const responseHeaders = headerMap(names, [['x-left-over', '1']]);
  const info = new StreamInfo();
  const logContext = new LogContext();
  const text = fillLocalReply({ context: { logContext, parts: { localReplies } }, responseHeaders, info, validRequestHeaders: () => request }, status, body, options);
  return { text, status: responseHeaders.status, headers: Object.fromEntries(headerPairs(responseHeaders)), info, logContext };
}

describe('fillLocalReply', () => {
  it('is plain text with its length in bytes, and nothing of what was there', () => {
    const { text, status, headers, info } = fill('text/html', 503, 'näh');
    expect([text, status, info.responseCode, info.localReplyBody]).toEqual(['näh', 503, 503, 'näh']);
    expect(headers).toEqual({ 'content-length': '4', 'content-type': 'text/plain' });
  });

  it('without a body has neither length nor type; without a request it works all the same', () => {
    expect(fill(undefined, 400, '').headers).toEqual({});
  });

  it('keeps a content type that the caller sets', () => {
    const modifyHeaders: LocalReplyOptions['modifyHeaders'] = (headers) => headers.set(HeaderId.contentType, 'text/html');
    expect(fill('a/b', 200, 'x', { details: 'd', modifyHeaders }).headers).toEqual({ 'content-length': '1', 'content-type': 'text/html' });
  });

  it.each([[400, '13'], [401, '16'], [403, '7'], [404, '12'], [429, '14'], [503, '14'], [500, '2']])('answers gRPC %d with status %s in headers alone', (code, grpcStatus) => {
    const { text, status, headers } = fill('application/grpc+proto', code, 'a % and ü');
    expect([text, status]).toEqual(['', 200]);
    expect(headers).toEqual({ 'content-type': 'application/grpc', 'grpc-status': grpcStatus, 'grpc-message': 'a %25 and %C3%BC' });
  });

  it('takes the gRPC status of the caller, and leaves out an empty message', () => {
    expect(fill('application/grpc', 403, '', { details: 'd', grpcStatus: 8 }).headers).toEqual({ 'content-type': 'application/grpc', 'grpc-status': '8' });
    expect(fill('application/grpcx', 403, '').status).toBe(403);
  });

  it('lets local_reply_config change status, body and type, and forgets the stream afterwards', () => {
    const rewriter: LocalReplyRewriter = {
      rewrite(context, reply, headers) {
        expect([context.info?.responseCode, context.requestHeaders?.get(HeaderId.contentType), reply.body]).toEqual([503, 'a/b', 'old']);
        Object.assign(reply, { status: 599, body: '{}', contentType: 'application/json' });
        headers.setByName('x-added', 'y');
      },
    };
    const { text, status, headers, info, logContext } = fill('a/b', 503, 'old', { details: 'd' }, rewriter);
    expect([text, status, info.responseCode]).toEqual(['{}', 599, 599]);
    expect(headers).toEqual({ 'x-added': 'y', 'content-length': '2', 'content-type': 'application/json' });
    expect([logContext.info, logContext.requestHeaders, logContext.responseHeaders]).toEqual([null, null, null]);
  });
});
