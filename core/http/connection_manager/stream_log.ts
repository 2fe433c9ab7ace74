import type { AccessLogger, AccessLogType, LogContext } from '../../access_log/access_log.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';

/** The stream that a line is about. */
export interface LoggedStream {
  readonly context: {
    readonly logContext: LogContext;
    readonly parts: { readonly loggers: readonly AccessLogger[]; readonly http1: { readonly countsHeaderBytes: boolean } };
  };
  readonly info: StreamInfo;
  validRequestHeaders(): HeaderMap | null;
}

/** Writes a stream's line to all loggers of its connection manager. */
export function logStream(stream: LoggedStream, type: AccessLogType, responseHeaders: HeaderMap | null, responseTrailers: HeaderMap | null): void {
  const { info } = stream;
  const { logContext: context, parts } = stream.context;
  const { loggers } = parts;
  context.info = info;
  info.localReplyBody = '';
  context.requestHeaders = stream.validRequestHeaders();
  if (parts.http1.countsHeaderBytes) info.requestHeaderBytes = context.requestHeaders?.byteSize() ?? 0;
  context.responseHeaders = responseHeaders;
  context.responseTrailers = responseTrailers;
  context.logType = type;
  for (let i = 0; i < loggers.length; i++) loggers[i].log(context);
  context.info = null;
  context.requestHeaders = null;
  context.responseHeaders = null;
  context.responseTrailers = null;
}
