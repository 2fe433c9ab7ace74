import type { StreamInfo } from '../stream_info/stream_info.ts';
import { type Field, JsonKind, MISSING, writeInteger } from './field.ts';
import type { FormatContext } from './format_context.ts';

/** Moments of a stream, as %COMMON_DURATION% names them. `never` are those that plaintext HTTP/1 does not have. */
export const TimePoint = {
  never: 0, downstreamRxBegin: 1, downstreamRxEnd: 2, upstreamConnectBegin: 3, upstreamConnectEnd: 4, upstreamTxBegin: 5,
  upstreamTxEnd: 6, upstreamRxBegin: 7, upstreamRxEnd: 8, downstreamTxBegin: 9, downstreamTxEnd: 10,
  upstreamPoolReady: 11, upstreamRequestStart: 12, upstreamRxBodyBegin: 13,
} as const;
export type TimePoint = (typeof TimePoint)[keyof typeof TimePoint];

/** Names of %COMMON_DURATION(start:end:precision)%; a name that is not here is a custom point nobody sets. */
export const TIME_POINT_NAMES: Readonly<Record<string, TimePoint>> = {
  DS_RX_BEG: TimePoint.downstreamRxBegin,
  DS_RX_END: TimePoint.downstreamRxEnd,
  US_CX_BEG: TimePoint.upstreamConnectBegin,
  US_CX_END: TimePoint.upstreamConnectEnd,
  US_HS_END: TimePoint.never,
  US_TX_BEG: TimePoint.upstreamTxBegin,
  US_TX_END: TimePoint.upstreamTxEnd,
  US_RX_BEG: TimePoint.upstreamRxBegin,
  US_RX_BODY_BEG: TimePoint.upstreamRxBodyBegin,
  US_RX_END: TimePoint.upstreamRxEnd,
  DS_TX_BEG: TimePoint.downstreamTxBegin,
  DS_TX_END: TimePoint.downstreamTxEnd,
};

/** Milliseconds of a point on the worker's monotonic clock, NaN = did not happen. */
function timeOf(point: TimePoint, info: StreamInfo): number {
  switch (point) {
    case TimePoint.never: return NaN;
    case TimePoint.downstreamRxBegin: return info.startTimeMs;
    case TimePoint.downstreamRxEnd: return info.requestCompleteMs;
    case TimePoint.upstreamConnectBegin: return info.upstreamConnectStartMs;
    case TimePoint.upstreamConnectEnd: return info.upstreamConnectEndMs;
    case TimePoint.upstreamTxBegin: return info.firstUpstreamTxMs;
    case TimePoint.upstreamTxEnd: return info.lastUpstreamTxMs;
    case TimePoint.upstreamRxBegin: return info.firstUpstreamRxMs;
    case TimePoint.upstreamRxEnd: return info.lastUpstreamRxMs;
    case TimePoint.downstreamTxBegin: return info.firstDownstreamTxMs;
    case TimePoint.downstreamTxEnd: return info.lastDownstreamTxMs;
    case TimePoint.upstreamPoolReady: return info.upstreamPoolReadyMs;
    case TimePoint.upstreamRequestStart: return info.upstreamRequestStartMs;
    case TimePoint.upstreamRxBodyBegin: return info.firstUpstreamRxBodyMs;
  }
}

/** Time between two points, truncated to `unitsPerMs` parts of a millisecond. */
export class DurationField implements Field {
  readonly jsonKind = JsonKind.number;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly from: TimePoint;
  private readonly to: TimePoint;
  private readonly unitsPerMs: number;

  constructor(from: TimePoint, to: TimePoint, unitsPerMs: number) {
    this.from = from;
    this.to = to;
    this.unitsPerMs = unitsPerMs;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const info = context.info;
    if (info === null) return MISSING;
    const difference = timeOf(this.to, info) - timeOf(this.from, info);
    // NaN (a point that did not happen) fails this; so does an order that cannot be.
    if (!(difference >= 0)) return MISSING;
    return writeInteger(bytes, at, Math.floor(difference * this.unitsPerMs + 1e-6));
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** %DURATION%: from the first byte of the request to the end of the stream, or to now while it runs. */
export class StreamDurationField implements Field {
  readonly jsonKind = JsonKind.number;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly nowWallMs: () => number;

  constructor(nowWallMs: () => number) {
    this.nowWallMs = nowWallMs;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const info = context.info;
    if (info === null) return MISSING;
    const hasEnded = info.endTimeMs >= info.startTimeMs;
    const difference = hasEnded ? info.endTimeMs - info.startTimeMs : this.nowWallMs() - info.startTimeWallMs;
    return writeInteger(bytes, at, difference > 0 ? Math.floor(difference + 1e-6) : 0);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}
