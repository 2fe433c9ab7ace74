import { type HeaderMap, rangeEquals } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';

/** Whether a request is gRPC: content-type application/grpc or application/grpc+… */
export function isGrpcContentType(headers: HeaderMap): boolean {
  const k = headers.find(HeaderId.contentType);
  if (k < 0) return false;
  const at = headers.entries[k + 3];
  const length = headers.entries[k + 4];
  return length >= 16 && rangeEquals(headers.bytes, at, 16, 'application/grpc') && (length === 16 || headers.bytes[at + 16] === 43);
}
