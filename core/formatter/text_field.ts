import { RESPONSE_FLAG_NAMES } from '../stream_info/response_flags.ts';
import { PROTOCOL_TEXT, type StreamInfo } from '../stream_info/stream_info.ts';
import { copyBytes, type Field, JsonKind, MISSING, writeAscii, writeText } from './field.ts';
import { ACCESS_LOG_TYPE_TEXT, type FormatContext } from './format_context.ts';

/** Operators whose value is a string that stands in the stream info. */
export const TextKind = {
  protocol: 0, responseCodeDetails: 1, responseCodeDetailsVerbatim: 2, connectionTerminationDetails: 3,
  upstreamTransportFailureReason: 4, upstreamCluster: 6, upstreamClusterRaw: 7, upstreamProtocol: 8,
  routeName: 9, filterChainName: 10, requestedServerName: 11, localReplyBody: 12, accessLogType: 13, virtualClusterName: 14,
} as const;
export type TextKind = (typeof TextKind)[keyof typeof TextKind];

const PROTOCOL_BYTES: readonly Uint8Array[] = PROTOCOL_TEXT.map((text) => new Uint8Array(Buffer.from(text)));

/** A string of the stream info; '' is missing, but for the local reply's body. */
export class TextField implements Field {
  readonly jsonKind: JsonKind;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly kind: TextKind;

  constructor(kind: TextKind) {
    this.kind = kind;
    const isClean = kind === TextKind.protocol || kind === TextKind.upstreamProtocol || kind === TextKind.accessLogType;
    this.jsonKind = isClean ? JsonKind.cleanString : JsonKind.string;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    if (this.kind === TextKind.accessLogType) return writeText(bytes, at, ACCESS_LOG_TYPE_TEXT[context.logType]);
    const info = context.info;
    if (info === null) return MISSING;
    if (this.kind === TextKind.protocol) {
      const name = PROTOCOL_BYTES[info.protocol];
      if (name.length === 0) return MISSING;
      return copyBytes(bytes, at, name, 0, name.length);
    }
    const text = textOf(this.kind, info);
    if (text.length === 0) return this.kind === TextKind.localReplyBody ? at : MISSING;
    const end = writeText(bytes, at, text);
    if (this.kind === TextKind.responseCodeDetails || this.kind === TextKind.upstreamTransportFailureReason) replaceSpaces(bytes, at, end);
    return end;
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

function textOf(kind: TextKind, info: StreamInfo): string {
  switch (kind) {
    case TextKind.protocol: return PROTOCOL_TEXT[info.protocol];
    case TextKind.responseCodeDetails:
    case TextKind.responseCodeDetailsVerbatim: return info.responseCodeDetails;
    case TextKind.connectionTerminationDetails: return info.connectionTerminationDetails;
    case TextKind.upstreamTransportFailureReason: return info.upstreamTransportFailureReason;
    case TextKind.upstreamCluster: return info.upstreamClusterObservabilityName;
    case TextKind.upstreamClusterRaw: return info.upstreamClusterName;
    case TextKind.upstreamProtocol: return info.hasUpstreamProtocol ? PROTOCOL_TEXT[info.upstreamProtocol] : '';
    case TextKind.routeName: return info.route === null ? '' : info.route.routeName;
    case TextKind.filterChainName: return info.connection === null ? '' : info.connection.filterChainName;
    case TextKind.requestedServerName: return info.connection === null ? '' : info.connection.requestedServerName;
    case TextKind.localReplyBody: return info.localReplyBody;
    case TextKind.virtualClusterName: return info.virtualClusterName;
    case TextKind.accessLogType: return '';
  }
}

/** White space in free text would break a log line's columns: each becomes an underscore. */
function replaceSpaces(bytes: Uint8Array, at: number, end: number): void {
  if (end > bytes.length) return;
  for (let p = at; p < end; p++) if (bytes[p] === 32 || (bytes[p] >= 9 && bytes[p] <= 13)) bytes[p] = 95;
}

/** %RESPONSE_FLAGS%, %RESPONSE_FLAGS_LONG%: names joined with commas, `-` when the stream has none. */
export class FlagsField implements Field {
  readonly jsonKind = JsonKind.cleanString;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly bits: number[];
  private readonly texts: string[];

  constructor(isLong: boolean) {
    this.bits = RESPONSE_FLAG_NAMES.map((row) => row[0]);
    this.texts = RESPONSE_FLAG_NAMES.map((row) => (isLong ? row[2] : row[1]));
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const flags = context.info === null ? 0 : context.info.responseFlags;
    if (flags === 0) {
      bytes[at] = 45;
      return at + 1;
    }
    let p = at;
    for (let i = 0; i < this.bits.length; i++) {
      if ((flags & this.bits[i]) === 0) continue;
      if (p > at) bytes[p++] = 44;
      p = writeAscii(bytes, p, this.texts[i]);
    }
    return p;
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** A value known when the format is compiled (%HOSTNAME%, %ENVIRONMENT(X)%), or one this build never has (`null`). */
export class ConstantField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly text: string | null;

  constructor(text: string | null) {
    this.text = text;
  }

  write(bytes: Uint8Array, at: number): number {
    return this.text === null ? MISSING : writeText(bytes, at, this.text);
  }

  writeJson(bytes: Uint8Array, at: number): number {
    return this.write(bytes, at);
  }
}
