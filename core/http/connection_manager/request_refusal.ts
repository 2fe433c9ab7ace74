import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import type { LocalReplyOptions } from '../filter.ts';
import { RequestCheck } from './request_check.ts';
import type { ConnectionManagerStats } from './stats.ts';

/** A stream whose request was found wanting. */
export interface RefusableStream {
  readonly context: { readonly parts: { readonly stats: ConnectionManagerStats } };
  readonly requestHeaders: HeaderMap;
  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void;
}

/** Answers a request that `check` (a RequestCheck) found wanting: no filter and no upstream sees it. */
export function refuseRequest(stream: RefusableStream, check: number): void {
  const { stats } = stream.context.parts;
  switch (check) {
    case RequestCheck.missingHost:
      stream.sendLocalReply(400, '', { details: 'missing_host_header' });
      return;
    case RequestCheck.badPath:
      stats.rqFailedPathNormalization.inc();
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
