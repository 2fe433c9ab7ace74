/** The request that is asked about: from a command line or an admin query to bytes on the wire. */
import { parseIp } from '../../core/base/cidr.ts';
import type { HeaderPair } from '../../workers/protocol/dry_run.ts';

/** The question cannot be answered as it stands; the message says what to change. */
export class QueryError extends Error {}

export interface ExplainQuery {
  /** '' = GET, or POST with a body. */
  readonly method: string;
  /** `http://host:port/path`, `host:port/path` or `/path`. */
  readonly url: string;
  readonly headers: readonly HeaderPair[];
  /** Bytes of the body; -1 = none. */
  readonly bodyBytes: number;
  readonly sourceIp: string;
  /** Name of the listener; '' = by the port of the URL. */
  readonly listener: string;
  readonly isInternal: boolean;
  /** Integer in [0, 2^31). */
  readonly random: number;
}

/** A query's URL and method taken apart. */
export interface WireRequest {
  readonly method: string;
  /** Of the URL, without port; '' when it has none. */
  readonly host: string;
  /** Of the URL; 0 when it names none. */
  readonly port: number;
  readonly target: string;
  readonly headers: readonly HeaderPair[];
  /** The request, body included. */
  readonly bytes: Uint8Array;
}

export const DEFAULT_SOURCE_IP = '127.0.0.1';
const BODY_BYTES_MAX = 256 << 10;
const RANDOM_MAX = 0x7fffffff;

/** `Name: value` of -H. @throws QueryError */
export function parseHeaderArgument(text: string): HeaderPair {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new QueryError(`'${text}' is no header: write 'Name: value'`);
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}

/** @throws QueryError unless the query's numbers and address make sense. */
export function checkQuery(query: ExplainQuery): void {
  if (query.url === '') throw new QueryError('a URL is wanted, such as http://localhost:10000/path');
  if (parseIp(query.sourceIp) === null) throw new QueryError(`'${query.sourceIp}' is no IP address`);
  if (!Number.isInteger(query.random) || query.random < 0 || query.random > RANDOM_MAX) throw new QueryError(`the random number is an integer from 0 to ${RANDOM_MAX}`);
  if (query.bodyBytes > BODY_BYTES_MAX) throw new QueryError(`a body may have ${BODY_BYTES_MAX} bytes`);
  if (/[\r\n]/.test(query.url) || /\s/.test(query.method)) throw new QueryError('blanks and line ends cannot stand in a method or URL');
  for (const [name, value] of query.headers) if (/[\r\n]/.test(name + value)) throw new QueryError(`the header '${name}' has a line end in it`);
}

/** The request as a client such as curl would send it, but for its `user-agent` and `accept`. @throws QueryError */
export function wireRequest(query: ExplainQuery): WireRequest {
  const match = /^(?:(https?):\/\/)?(\[[^\]]*\]|[^/?#:]*)(?::(\d+))?([/?][^#]*)?(?:#.*)?$/i.exec(query.url);
  if (match === null) throw new QueryError(`'${query.url}' is no URL of http or https`);
  const [, scheme, host, portText, rest = '/'] = match;
  if (scheme?.toLowerCase() === 'https') throw new QueryError('listeners here have no TLS: write http://, and -H "x-forwarded-proto: https" for a request that came in by TLS elsewhere');
  const method = query.method !== '' ? query.method : query.bodyBytes >= 0 ? 'POST' : 'GET';
  const path = rest.startsWith('?') ? `/${rest}` : rest;
  const authority = portText === undefined || portText === '80' ? host : `${host}:${portText}`;
  const target = method === 'CONNECT' ? authority : path;
  const headers = [...query.headers];
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) headers.unshift(['Host', authority === '' ? 'localhost' : authority]);
  if (query.bodyBytes >= 0 && !headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))) headers.push(['Content-Length', String(query.bodyBytes)]);
  const head = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(Math.max(0, query.bodyBytes), 'x')]);
  return { method, host: host.replace(/^\[|\]$/g, ''), port: portText === undefined ? (host === '' ? 0 : 80) : Number(portText), target, headers, bytes };
}
