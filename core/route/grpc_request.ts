import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';

/** Whether a request is gRPC: content-type `application/grpc` or `application/grpc+…`, and a path. */
export function isGrpcRequest(headers: HeaderMap): boolean {
  const k = headers.find(HeaderId.contentType);
  if (k < 0 || headers.pathLength === 0) return false;
  const offset = headers.entries[k + 3];
  const length = headers.entries[k + 4];
  if (length < GRPC.length || (length > GRPC.length && headers.bytes[offset + GRPC.length] !== 43)) return false;
  for (let i = 0; i < GRPC.length; i++) if (headers.bytes[offset + i] !== GRPC[i]) return false;
  return true;
}

const GRPC = new Uint8Array(Buffer.from('application/grpc'));
