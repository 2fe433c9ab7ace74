/** What gRPC says in headers and trailers (gRPC over HTTP/2 protocol). Allocates nothing. */
import { rangeEquals } from './byte_range.ts';
import type { HeaderMap } from './header_map.ts';
import { HeaderId } from './header_names.ts';

const CONTENT_TYPE = 'application/grpc';

/** Whether content-type is `application/grpc` or `application/grpc+...` ("Requests"). */
export function isGrpcRequest(headers: HeaderMap): boolean {
  const k = headers.find(HeaderId.contentType);
  if (k < 0) return false;
  const at = headers.entries[k + 3];
  const length = headers.entries[k + 4];
  if (length < CONTENT_TYPE.length || !rangeEquals(headers.bytes, at, CONTENT_TYPE.length, CONTENT_TYPE)) return false;
  return length === CONTENT_TYPE.length || headers.bytes[at + CONTENT_TYPE.length] === 43;
}

/** The number in grpc-status: -1 when there is none, 2 (unknown) when it is no number. */
export function grpcStatusIn(headers: HeaderMap): number {
  const k = headers.find(HeaderId.grpcStatus);
  if (k < 0) return -1;
  const length = headers.entries[k + 4];
  if (length === 0 || length > 9) return -1;
  let status = 0;
  for (let i = 0; i < length; i++) {
    const digit = headers.bytes[headers.entries[k + 3] + i] - 48;
    if (digit < 0 || digit > 9) return 2;
    status = status * 10 + digit;
  }
  return status;
}

/**
 * Whether a grpc-status counts as a failure of the server: those that stand for a 5xx (google/rpc/code.proto), numbers that
 * nobody knows, and none at all.
 */
export function isGrpcServerError(status: number): boolean {
  switch (status) {
    case 0: case 1: case 3: case 5: case 6: case 7: case 8: case 9: case 10: case 11: case 16:
      return false;
    default:
      return true;
  }
}
