import { grpcStatusIn } from '../headers/grpc_headers.ts';
import type { HeaderMap } from '../headers/header_map.ts';

/** The HTTP status that stands for each gRPC status (google/rpc/code.proto). */
const HTTP_OF_GRPC: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** What outlier detection takes a response's status for: of a gRPC response that is nothing but trailers, what its grpc-status stands for. */
export function statusForOutliers(response: HeaderMap, isGrpc: boolean): number {
  if (!isGrpc) return response.status;
  const status = grpcStatusIn(response);
  return status < 0 ? response.status : HTTP_OF_GRPC[status] ?? 500;
}
