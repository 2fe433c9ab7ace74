import { grpcStatusIn } from '../headers/grpc_headers.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { OutlierMonitor } from '../upstream/outlier_monitor.ts';

/** The HTTP status that stands for each gRPC status (google/rpc/code.proto). */
const HTTP_OF_GRPC: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** Tells the monitor of a host what its response says of it. `isGrpc`: the request was. */
export function noteResponse(monitor: OutlierMonitor, response: HeaderMap, isGrpc: boolean): void {
  monitor.onResponse(statusForOutliers(monitor, response, isGrpc));
  if (monitor.isHealthChecked && response.find(HeaderId.envoyImmediateHealthCheckFail) >= 0) monitor.onImmediateFail();
}

/** Takes the first report of the host's load in the headers or trailers of responses to `request`. */
export function noteLoad(monitor: OutlierMonitor, message: HeaderMap, request: { hasLoadReport: boolean } | undefined): void {
  if (request !== undefined && !request.hasLoadReport && monitor.readLoad(message)) request.hasLoadReport = true;
}

/**
 * What outlier detection takes a response's status for: of a gRPC response that is nothing but trailers, what its grpc-status
 * stands for; else what the cluster's matcher makes of it, if there is one: an error or none.
 */
function statusForOutliers({ isError }: OutlierMonitor, response: HeaderMap, isGrpc: boolean): number {
  const { status } = response;
  if (isGrpc) {
    const grpcStatus = grpcStatusIn(response);
    if (grpcStatus >= 0) return HTTP_OF_GRPC[grpcStatus] ?? 500;
  }
  if (isError === null) return status;
  return isError(response) ? Math.max(500, status) : 200;
}
