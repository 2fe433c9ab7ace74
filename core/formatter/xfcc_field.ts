import { HeaderId } from '../headers/header_names.ts';
import { type Field, JsonKind, MISSING, writeText } from './field.ts';
import type { FormatContext } from './format_context.ts';

const KEYS = ['by', 'hash', 'cert', 'chain', 'subject', 'uri', 'dns'];

/** %XFCC_VALUE(key)%: the first value of a key in x-forwarded-client-cert (`By=..;Hash=..;URI=..,By=..`). Allocates. */
export class XfccField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders = true;
  readonly needsResponseHeaders = false;
  private readonly key: string;

  private constructor(key: string) {
    this.key = key;
  }

  /** The field of a key in any case, or what is wrong with it. */
  static of(key: string): XfccField | string {
    const lower = key.toLowerCase();
    return KEYS.includes(lower) ? new XfccField(lower) : `${JSON.stringify(key)} is none of ${KEYS.join(', ')}`;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const header = context.requestHeaders === null ? undefined : context.requestHeaders.getAll(HeaderId.forwardedClientCert);
    const value = header === undefined ? undefined : xfccValue(header, this.key);
    return value === undefined ? MISSING : writeText(bytes, at, value);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** First value of a key; values may be quoted, with backslashes before quotes inside. */
function xfccValue(header: string, key: string): string | undefined {
  const pairs = header.match(/(?:[^,;"]|"(?:\\.|[^"\\])*")+/g) ?? [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim().toLowerCase() !== key) continue;
    const value = pair.slice(equals + 1).trim();
    return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  }
  return undefined;
}
