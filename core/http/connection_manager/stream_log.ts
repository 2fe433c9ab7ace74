import type { AccessLogType } from '../../access_log/access_log.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import type { ManagerContext } from './manager_context.ts';

/** One line of every access log about a stream, with those of its headers that there are. */
export function logStream(
  context: ManagerContext, info: StreamInfo, request: HeaderMap | null, response: HeaderMap | null, trailers: HeaderMap | null, type: AccessLogType,
): void {
  const { loggers } = context.parts;
  const { logContext } = context;
  info.localReplyBody = '';
  logContext.info = info;
  logContext.requestHeaders = request;
  logContext.responseHeaders = response;
  logContext.responseTrailers = trailers !== null && trailers.count > 0 ? trailers : null;
  logContext.logType = type;
  for (let i = 0; i < loggers.length; i++) loggers[i].log(logContext);
  logContext.info = null;
  logContext.requestHeaders = null;
  logContext.responseHeaders = null;
  logContext.responseTrailers = null;
}
