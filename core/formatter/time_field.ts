import { type Field, JsonKind, MISSING } from './field.ts';
import type { FormatContext } from './format_context.ts';
import { TimeFormat } from './time_format.ts';

/** Default of the UTC operators, and of those ending in _LOCAL. */
export const DEFAULT_TIME_FORMAT = '%Y-%m-%dT%H:%M:%E3SZ';
export const DEFAULT_LOCAL_TIME_FORMAT = '%Y-%m-%dT%H:%M:%E3S%z';

/** %START_TIME% and %EMIT_TIME%, in UTC or local time. */
export class TimeField implements Field {
  readonly jsonKind: JsonKind;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly format: TimeFormat;
  /** The stream's start, or the moment of writing. */
  private readonly isEmitTime: boolean;
  private readonly nowWallMs: () => number;

  constructor(format: string, isLocal: boolean, isEmitTime: boolean, nowWallMs: () => number) {
    this.jsonKind = /^[\w%:.,/ *+-]*$/.test(format) && !format.includes('%t') ? JsonKind.cleanString : JsonKind.string;
    this.format = new TimeFormat(format, isLocal);
    this.isEmitTime = isEmitTime;
    this.nowWallMs = nowWallMs;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.writeFast(bytes, null, at, context);
  }

  /** As `write`; `view` as of `copyWords`. */
  writeFast(bytes: Uint8Array, view: DataView | null, at: number, context: FormatContext): number {
    if (this.isEmitTime) return this.format.write(bytes, view, at, this.nowWallMs());
    const info = context.info;
    return info === null ? MISSING : this.format.write(bytes, view, at, info.startTimeWallMs);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}
