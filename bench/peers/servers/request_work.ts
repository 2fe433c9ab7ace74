import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { HOST, PREFIX } from '../../macro/scenarios.ts';

/** The ports from the command line: `PORT UPSTREAM_PORT UPSTREAM_PORT`. */
export function portsFromCommandLine(): { port: number; upstreams: readonly [number, number] } {
  const [port = 0, first = 0, second = 0] = process.argv.slice(2).map(Number);
  return { port, upstreams: [first, second] };
}

/** The one route of the comparison. */
export function isRouted(request: IncomingMessage): boolean {
  return request.headers.host === HOST && request.url?.startsWith(PREFIX) === true;
}

export function refuse(response: ServerResponse): void {
  response.writeHead(404, { 'content-length': 0 }).end();
}

/** Adds x-request-id, x-forwarded-for and x-forwarded-proto in place. */
export function addRequestHeaders(headers: IncomingHttpHeaders, remoteAddress: string | undefined): void {
  const before = headers['x-forwarded-for'];
  headers['x-request-id'] = randomUUID();
  headers['x-forwarded-for'] = before === undefined ? `${remoteAddress}` : `${before}, ${remoteAddress}`;
  headers['x-forwarded-proto'] = 'http';
}
