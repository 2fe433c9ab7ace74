import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import type { LocalReplyOptions } from '../filter.ts';
import type { ConnectionManagerConfig } from './config.ts';
import { RequestCheck } from './request_check.ts';
import type { ConnectionManagerStats } from './stats.ts';

/** The stream whose request is refused. */
export interface RefusedStream {
  readonly context: { readonly parts: { readonly stats: ConnectionManagerStats; readonly config: ConnectionManagerConfig } };
  readonly requestHeaders: HeaderMap;
  readonly owner: { closeAfterResponse(): void } | null;
  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void;
}

/** Answers a request that `checkRequest` found wanting, before any route or filter saw it. */
export function refuseRequest(stream: RefusedStream, check: number): void {
  const { stats, config } = stream.context.parts;
  const { owner } = stream;
  if (owner === null) return;
  switch (check) {
    case RequestCheck.missingHost:
      if (!config.streamErrorOnInvalidHttpMessage) owner.closeAfterResponse();
      stream.sendLocalReply(400, '', { details: 'missing_host_header' });
      return;
    case RequestCheck.badPath:
      stats.rqFailedPathNormalization.inc();
      owner.closeAfterResponse();
      stream.sendLocalReply(400, '', { details: 'path_normalization_failed' });
      return;
    case RequestCheck.redirectToNormalPath: {
      stats.rqRedirectedWithNormalizedPath.inc();
      const path = stream.requestHeaders.get(HeaderId.path) ?? '/';
      stream.sendLocalReply(307, '', { details: 'path_normalization_failed', modifyHeaders: (headers) => headers.set(HeaderId.location, path) });
      return;
    }
    default:
      stats.rqNonRelativePath.inc();
      stream.sendLocalReply(404, '', { details: 'absolute_path_rejected' });
  }
}
