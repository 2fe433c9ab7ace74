import type { StreamInfo } from '../stream_info/stream_info.ts';
import { type Field, JsonKind, MISSING, writeInteger } from './field.ts';
import type { FormatContext } from './format_context.ts';
import type { FormatNeeds } from './format_environment.ts';

/** Operators whose value is an integer that stands in the stream info. */
export const NumberKind = {
  responseCode: 0, bytesReceived: 1, bytesSent: 2, requestHeaderBytes: 3, responseHeaderBytes: 4, responseTrailerBytes: 5,
  upstreamWireBytesSent: 6, upstreamWireBytesReceived: 7, downstreamWireBytesSent: 8, downstreamWireBytesReceived: 9,
  upstreamHeaderBytesSent: 10, upstreamHeaderBytesReceived: 11, downstreamHeaderBytesSent: 12,
  downstreamHeaderBytesReceived: 13, connectionId: 14, upstreamConnectionId: 15, upstreamAttemptCount: 16, zero: 17,
} as const;
export type NumberKind = (typeof NumberKind)[keyof typeof NumberKind];

const HEADER_SUMS: ReadonlySet<NumberKind> = new Set([
  NumberKind.responseHeaderBytes, NumberKind.upstreamHeaderBytesReceived, NumberKind.downstreamHeaderBytesReceived,
]);
const UPSTREAM_SUMS: ReadonlySet<NumberKind> = new Set([
  NumberKind.upstreamWireBytesSent, NumberKind.upstreamWireBytesReceived, NumberKind.upstreamHeaderBytesSent, NumberKind.upstreamHeaderBytesReceived,
]);

/** Says what a format with this number needs. */
export function noteNeeds(kind: NumberKind, needs: FormatNeeds): void {
  if (HEADER_SUMS.has(kind)) needs.headerBytes = true;
  if (UPSTREAM_SUMS.has(kind)) needs.upstreamBytes = true;
}

/** An integer of the stream info. */
export class NumberField implements Field {
  readonly jsonKind = JsonKind.number;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly kind: NumberKind;

  constructor(kind: NumberKind) {
    this.kind = kind;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const info = context.info;
    if (info === null) return MISSING;
    return writeInteger(bytes, at, numberOf(this.kind, info, context));
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

function numberOf(kind: NumberKind, info: StreamInfo, { requestHeaders, responseHeaders }: FormatContext): number {
  switch (kind) {
    case NumberKind.responseCode: return info.responseCode;
    case NumberKind.bytesReceived: return info.bytesReceived;
    case NumberKind.bytesSent: return info.bytesSent;
    case NumberKind.requestHeaderBytes: return requestHeaders === null ? 0 : requestHeaders.byteSize();
    case NumberKind.responseHeaderBytes: return info.responseHeaderBytes === 0 && responseHeaders !== null ? responseHeaders.byteSize() : info.responseHeaderBytes;
    case NumberKind.responseTrailerBytes: return info.responseTrailerBytes;
    case NumberKind.upstreamWireBytesSent: return info.upstreamWireBytesSent;
    case NumberKind.upstreamWireBytesReceived: return info.upstreamWireBytesReceived;
    case NumberKind.downstreamWireBytesSent: return info.downstreamWireBytesSent;
    case NumberKind.downstreamWireBytesReceived: return info.downstreamWireBytesReceived;
    case NumberKind.upstreamHeaderBytesSent: return info.upstreamHeaderBytesSent;
    case NumberKind.upstreamHeaderBytesReceived: return info.upstreamHeaderBytesReceived;
    case NumberKind.downstreamHeaderBytesSent: return info.downstreamHeaderBytesSent;
    case NumberKind.downstreamHeaderBytesReceived: return info.downstreamHeaderBytesReceived;
    case NumberKind.connectionId: return info.connection === null ? 0 : info.connection.id;
    case NumberKind.upstreamConnectionId: return info.upstreamConnectionId;
    case NumberKind.upstreamAttemptCount: return info.upstreamAttemptCount;
    case NumberKind.zero: return 0;
  }
}
