import type { LogContext } from '../access_log/access_log.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { RouteEntry } from '../route/route_entry.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';

/** What a route changes in a request: headers, host, path. `context` is used up within the call, as below. */
export function finalizeRequestHeaders(route: RouteEntry, headers: HeaderMap, info: StreamInfo, suppressEnvoyHeaders: boolean, context: LogContext): void {
  if (route.virtualHost.includeRequestAttemptCount) headers.setInteger(HeaderId.envoyAttemptCount, 1);
  context.requestHeaders = headers;
  context.info = info;
  if (!route.requestHeaders.isEmpty) route.requestHeaders.evaluate(headers, context);
  route.finalizeHost(headers, context);
  route.finalizePath(headers, !suppressEnvoyHeaders, context);
  context.requestHeaders = null;
  context.info = null;
}

/** The stream that a response belongs to. */
export interface RespondingStream {
  readonly streamInfo: StreamInfo;
  requestHeaders(): HeaderMap | null;
}

/** What a route changes in a response, from upstream or made here. */
export function mutateRouteResponse(route: RouteEntry, headers: HeaderMap, stream: RespondingStream, context: LogContext): void {
  if (route.responseHeaders.isEmpty) return;
  context.requestHeaders = stream.requestHeaders();
  context.responseHeaders = headers;
  context.info = stream.streamInfo;
  route.responseHeaders.evaluate(headers, context);
  context.requestHeaders = null;
  context.responseHeaders = null;
  context.info = null;
}
