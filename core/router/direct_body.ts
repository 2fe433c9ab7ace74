import type { LogContext } from '../access_log/access_log.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { RouteEntry } from '../route/route_entry.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';

/** The body of a direct response as text, by its body_format if it has one. `context` is used up within the call. */
export function directBody(route: RouteEntry, headers: HeaderMap, info: StreamInfo, context: LogContext): string {
  const text = utf8(route.directBody);
  if (route.bodyFormat === null) return text;
  context.requestHeaders = headers;
  context.info = info;
  info.localReplyBody = text;
  const body = utf8(route.bodyFormat.formatToBytes(context));
  info.localReplyBody = '';
  context.requestHeaders = null;
  context.info = null;
  return body;
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
