import { grpcStatusIn, isGrpcRequest } from '../headers/grpc_headers.ts';
import { type Field, JsonKind, MISSING, writeInteger, writeText } from './field.ts';
import type { FormatContext } from './format_context.ts';

const CAMEL = [
  'OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied',
  'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss',
  'Unauthenticated',
];
const SNAKE = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE',
  'DATA_LOSS', 'UNAUTHENTICATED',
];

export const GrpcStatusStyle = { camel: 0, snake: 1, number: 2 } as const;
export type GrpcStatusStyle = (typeof GrpcStatusStyle)[keyof typeof GrpcStatusStyle];

/** Names of gRPC statuses in upper snake case, by number. */
export const GRPC_STATUS_NAMES: readonly string[] = SNAKE;

/** %GRPC_STATUS(style)%, %GRPC_STATUS_NUMBER%: of gRPC requests only. */
export class GrpcStatusField implements Field {
  readonly jsonKind: JsonKind;
  readonly needsRequestHeaders = true;
  readonly needsResponseHeaders = true;
  private readonly style: GrpcStatusStyle;

  constructor(style: GrpcStatusStyle) {
    this.jsonKind = style === GrpcStatusStyle.number ? JsonKind.number : JsonKind.cleanString;
    this.style = style;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    if (context.requestHeaders === null || !isGrpcRequest(context.requestHeaders)) return MISSING;
    const status = grpcStatusOf(context);
    if (status < 0) return MISSING;
    const names = this.style === GrpcStatusStyle.camel ? CAMEL : SNAKE;
    return this.style === GrpcStatusStyle.number || status >= names.length ? writeInteger(bytes, at, status) : writeText(bytes, at, names[status]);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** grpc-status of the trailers, else of the headers, else what the response code stands for; -1 when there is no response. */
export function grpcStatusOf(context: FormatContext): number {
  const trailers = context.responseTrailers === null ? -1 : grpcStatusIn(context.responseTrailers);
  if (trailers >= 0) return trailers;
  const headers = context.responseHeaders === null ? -1 : grpcStatusIn(context.responseHeaders);
  if (headers >= 0) return headers;
  const code = context.info === null ? 0 : context.info.responseCode;
  return code === 0 ? -1 : httpToGrpcStatus(code);
}

/** gRPC's "HTTP to gRPC status code mapping". */
export function httpToGrpcStatus(code: number): number {
  switch (code) {
    case 400: return 13;
    case 401: return 16;
    case 403: return 7;
    case 404: return 12;
    case 429: case 502: case 503: case 504: return 14;
    default: return 2;
  }
}
