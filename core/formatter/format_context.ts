import type { HeaderMap } from '../headers/header_map.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';

/**
 * What a formatter reads. `LogContext` of core/access_log has this shape, so that one reused object serves log lines, local
 * replies and header values. Header maps may be borrowed from the turn: a formatter reads them at once and keeps nothing.
 */
export interface FormatContext {
  readonly requestHeaders: HeaderMap | null;
  readonly responseHeaders: HeaderMap | null;
  readonly responseTrailers: HeaderMap | null;
  readonly info: StreamInfo | null;
  /** Index into `ACCESS_LOG_TYPE_TEXT`. */
  readonly logType: number;
}

/** %ACCESS_LOG_TYPE% by number (data.accesslog.v3.AccessLogType). */
export const ACCESS_LOG_TYPE_TEXT: readonly string[] = [
  'NotSet', 'TcpUpstreamConnected', 'TcpPeriodic', 'TcpConnectionEnd', 'DownstreamStart', 'DownstreamPeriodic',
  'DownstreamEnd', 'UpstreamPoolReady', 'UpstreamPeriodic', 'UpstreamEnd', 'DownstreamTunnelSuccessfullyEstablished',
];

const FIRST_UPSTREAM_TYPE = ACCESS_LOG_TYPE_TEXT.indexOf('UpstreamPoolReady');
const LAST_UPSTREAM_TYPE = ACCESS_LOG_TYPE_TEXT.indexOf('UpstreamEnd');

/** Whether a line is about one try at an upstream, not about a whole stream. */
export function isUpstreamLine(logType: number): boolean {
  return logType >= FIRST_UPSTREAM_TYPE && logType <= LAST_UPSTREAM_TYPE;
}
