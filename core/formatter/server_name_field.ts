import { HeaderId } from '../headers/header_names.ts';
import { type Field, JsonKind, MISSING, writeText } from './field.ts';
import type { FormatContext } from './format_context.ts';
import { writeHeader } from './header_field.ts';

/** %REQUESTED_SERVER_NAME(order:source)%: the SNI, the host header (with its port), or whichever of the two comes first. */
export class RequestedServerNameField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders = false;
  private readonly sniFirst: boolean;
  private readonly useOriginalHost: boolean;
  private readonly useHost: boolean;

  /** `order`: '', SNI_ONLY, SNI_FIRST or HOST_FIRST; `source`: '', ORIG_OR_HOST, HOST or ORIG. */
  constructor(order: string, source: string) {
    const hasHost = order === 'SNI_FIRST' || order === 'HOST_FIRST';
    this.needsRequestHeaders = hasHost;
    this.sniFirst = order !== 'HOST_FIRST';
    this.useOriginalHost = hasHost && source !== 'HOST';
    this.useHost = hasHost && source !== 'ORIG';
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const first = this.sniFirst ? writeSni(bytes, at, context) : this.writeHost(bytes, at, context);
    if (first >= 0) return first;
    return this.sniFirst ? this.writeHost(bytes, at, context) : writeSni(bytes, at, context);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }

  private writeHost(bytes: Uint8Array, at: number, context: FormatContext): number {
    const headers = context.requestHeaders;
    if (headers === null) return MISSING;
    const original = this.useOriginalHost ? writeHeader(bytes, null, at, headers, HeaderId.envoyOriginalHost) : MISSING;
    if (original >= 0) return original;
    return this.useHost ? writeHeader(bytes, null, at, headers, HeaderId.authority) : MISSING;
  }
}

function writeSni(bytes: Uint8Array, at: number, context: FormatContext): number {
  const connection = context.info === null ? null : context.info.connection;
  return connection === null || connection.requestedServerName === '' ? MISSING : writeText(bytes, at, connection.requestedServerName);
}
