import type { StreamInfo } from '../stream_info/stream_info.ts';
import { type Field, JsonKind, MISSING, writeAscii, writeText } from './field.ts';
import type { FormatContext } from './format_context.ts';

/** Whose address. */
export const AddressSource = {
  upstreamHost: 0, upstreamHostName: 1, upstreamRemote: 2, upstreamLocal: 3, downstreamRemote: 4, downstreamDirectRemote: 5,
  downstreamLocal: 6,
} as const;
export type AddressSource = (typeof AddressSource)[keyof typeof AddressSource];

/** Which part of `ip:port`. */
export const AddressPart = { whole: 0, withoutPort: 1, port: 2 } as const;
export type AddressPart = (typeof AddressPart)[keyof typeof AddressPart];

const COLON = 58;
const OPEN_BRACKET = 91;

/** An address or a part of it. `[::1]:80` without its port is `::1`; a path has no port and is shown whole. */
export class AddressField implements Field {
  readonly jsonKind: JsonKind;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly source: AddressSource;
  private readonly part: AddressPart;

  constructor(source: AddressSource, part: AddressPart) {
    this.jsonKind = part === AddressPart.port ? JsonKind.number : JsonKind.string;
    this.source = source;
    this.part = part;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const info = context.info;
    if (info === null) return MISSING;
    const text = addressOf(this.source, info);
    if (text.length === 0) return MISSING;
    if (this.part === AddressPart.whole) return isPath(text) ? writeText(bytes, at, text) : writeAscii(bytes, at, text);
    return this.part === AddressPart.port ? writePort(bytes, at, text) : writeHost(bytes, at, text, this.source === AddressSource.upstreamHostName);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

function addressOf(source: AddressSource, info: StreamInfo): string {
  const connection = info.connection;
  switch (source) {
    case AddressSource.upstreamHost: return info.upstreamHost === null ? '' : info.upstreamHost.address;
    case AddressSource.upstreamHostName:
      return info.upstreamHost === null ? '' : info.upstreamHost.hostname !== '' ? info.upstreamHost.hostname : info.upstreamHost.address;
    // Of the connection, so only once there was one.
    case AddressSource.upstreamRemote: return info.upstreamHost === null ? '' : info.upstreamRemoteAddress;
    case AddressSource.upstreamLocal: return info.upstreamLocalAddress;
    case AddressSource.downstreamRemote:
      return info.downstreamRemoteAddress !== '' || connection === null ? info.downstreamRemoteAddress : connection.remoteAddress;
    case AddressSource.downstreamDirectRemote: return connection === null ? '' : connection.remoteAddress;
    case AddressSource.downstreamLocal: return connection === null ? '' : connection.localAddress;
  }
}

/** A Unix socket's path, or abstract name. */
function isPath(text: string): boolean {
  const first = text.charCodeAt(0);
  return first === 47 || first === 64;
}

/** Offset of the colon before the port, -1 when there is none (a path, or a bare IPv6 address). */
function portColon(text: string): number {
  if (isPath(text)) return -1;
  let p = text.length - 1;
  while (p >= 0 && text.charCodeAt(p) >= 48 && text.charCodeAt(p) <= 57) p--;
  if (p <= 0 || p === text.length - 1 || text.charCodeAt(p) !== COLON) return -1;
  if (text.charCodeAt(p - 1) === 93) return p;
  for (let i = 0; i < p; i++) if (text.charCodeAt(i) === COLON) return -1;
  return p;
}

function writePort(bytes: Uint8Array, at: number, text: string): number {
  const colon = portColon(text);
  if (colon < 0) return MISSING;
  let p = at;
  for (let i = colon + 1; i < text.length; i++) bytes[p++] = text.charCodeAt(i);
  return p;
}

/** Names keep what is no port: the brackets of an IPv6 address. */
function writeHost(bytes: Uint8Array, at: number, text: string, isName: boolean): number {
  const colon = portColon(text);
  if (colon < 0) return writeText(bytes, at, text);
  const isBracketed = !isName && text.charCodeAt(0) === OPEN_BRACKET;
  const from = isBracketed ? 1 : 0;
  const to = isBracketed ? colon - 1 : colon;
  let p = at;
  for (let i = from; i < to; i++) bytes[p++] = text.charCodeAt(i);
  return p;
}
