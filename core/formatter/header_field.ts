import type { HeaderMap } from '../headers/header_map.ts';
import { FIRST_REGULAR_ID, HeaderId } from '../headers/header_names.ts';
import { copyBytes, copyWords, type Field, JsonKind, MISSING, writeInteger, writeText } from './field.ts';
import { type FormatContext, isUpstreamLine } from './format_context.ts';

/** Which message a header operator reads. */
export const HeaderSource = { request: 0, response: 1, trailers: 2 } as const;
export type HeaderSource = (typeof HeaderSource)[keyof typeof HeaderSource];

/** The map of a source, null if that message does not exist. */
export function headersOf(source: HeaderSource, context: FormatContext): HeaderMap | null {
  if (source === HeaderSource.request) return context.requestHeaders;
  return source === HeaderSource.response ? context.responseHeaders : context.responseTrailers;
}

/** Writes the first header of an id (pseudo-headers too); an empty value counts as present. `view`: as of `copyWords`, null = none at hand. */
export function writeHeader(bytes: Uint8Array, view: DataView | null, at: number, headers: HeaderMap, nameId: number): number {
  if (nameId >= FIRST_REGULAR_ID) {
    const k = headers.find(nameId);
    return k < 0 ? MISSING : copyValue(bytes, view, at, headers, headers.entries[k + 3], headers.entries[k + 4]);
  }
  switch (nameId) {
    case HeaderId.path:
      return headers.pathLength === 0 ? MISSING : copyValue(bytes, view, at, headers, headers.pathOffset, headers.pathLength);
    case HeaderId.method:
      return headers.methodLength === 0 ? MISSING : copyValue(bytes, view, at, headers, headers.methodOffset, headers.methodLength);
    case HeaderId.scheme:
      return headers.hasScheme ? writeText(bytes, at, headers.isHttps ? 'https' : 'http') : MISSING;
    case HeaderId.status:
      return headers.status === 0 ? MISSING : writeInteger(bytes, at, headers.status);
    default:
      return MISSING;
  }
}

function copyValue(bytes: Uint8Array, view: DataView | null, at: number, headers: HeaderMap, offset: number, length: number): number {
  if (view === null) return copyBytes(bytes, at, headers.bytes, offset, length);
  return copyWords(bytes, view, at, headers.bytes, headers.view, offset, length);
}

/** %REQ(X?Y)%, %RESP(X?Y)%, %TRAILER(X?Y)%: the first header X, else the first header Y. */
export class HeaderField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  private readonly source: HeaderSource;
  private readonly nameId: number;
  /** 0 = none. */
  private readonly alternativeId: number;

  constructor(source: HeaderSource, nameId: number, alternativeId: number) {
    this.needsRequestHeaders = source === HeaderSource.request;
    this.needsResponseHeaders = source !== HeaderSource.request;
    this.source = source;
    this.nameId = nameId;
    this.alternativeId = alternativeId;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.writeFast(bytes, null, at, context);
  }

  /** As `write`; `view` as of `copyWords`. */
  writeFast(bytes: Uint8Array, view: DataView | null, at: number, context: FormatContext): number {
    const headers = headersOf(this.source, context);
    if (headers === null) return MISSING;
    const end = writeHeader(bytes, view, at, headers, this.nameId);
    return end >= 0 || this.alternativeId === 0 ? end : writeHeader(bytes, view, at, headers, this.alternativeId);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** %STREAM_ID%: x-request-id. Lines about a try at an upstream have none. */
export class StreamIdField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders = true;
  readonly needsResponseHeaders = false;

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    if (context.requestHeaders === null || isUpstreamLine(context.logType)) return MISSING;
    return writeHeader(bytes, null, at, context.requestHeaders, HeaderId.requestId);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** %PATH(query:source)%: the path with or without its query, of x-envoy-original-path or :path. */
export class PathField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders = true;
  readonly needsResponseHeaders = false;
  private readonly withQuery: boolean;
  private readonly useOriginal: boolean;
  private readonly usePath: boolean;

  constructor(withQuery: boolean, useOriginal: boolean, usePath: boolean) {
    this.withQuery = withQuery;
    this.useOriginal = useOriginal;
    this.usePath = usePath;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const headers = context.requestHeaders;
    if (headers === null) return MISSING;
    let end = this.useOriginal ? writeHeader(bytes, null, at, headers, HeaderId.envoyOriginalPath) : MISSING;
    if (end < 0 && this.usePath) end = writeHeader(bytes, null, at, headers, HeaderId.path);
    if (end < 0 || this.withQuery || end > bytes.length) return end;
    for (let p = at; p < end; p++) if (bytes[p] === 63) return p;
    return end;
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** %REQ_WITHOUT_QUERY(X?Y)%: a request header cut at its question mark. */
export class HeaderWithoutQueryField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders = true;
  readonly needsResponseHeaders = false;
  private readonly header: HeaderField;

  constructor(header: HeaderField) {
    this.header = header;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const end = this.header.write(bytes, at, context);
    if (end < 0 || end > bytes.length) return end;
    for (let p = at; p < end; p++) if (bytes[p] === 63) return p;
    return end;
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}
