/** What a dry run came to: differences between two points of a request's way, and its end. */
import type { DryRunResult, HeaderPair, RequestState } from '../../workers/protocol/dry_run.ts';
import type { WireRequest } from './explain_query.ts';
import type { Change, Verdict } from './explanation.ts';
import { utf8 } from './offline_routes.ts';

/** The request before anything has been done to it. */
export function stateOfWire({ method, target, headers }: WireRequest): RequestState {
  const pairs = headers.map(([name, value]): HeaderPair => [name.toLowerCase(), Buffer.from(value).toString('latin1')]);
  const authority = pairs.find(([name]) => name === 'host')?.[1] ?? '';
  return { method, path: Buffer.from(target).toString('latin1'), authority, scheme: 'http', headers: pairs.filter(([name]) => name !== 'host') };
}

/** What differs, as text: path, host, then headers in the order in which they were and came. */
export function changesBetween(before: RequestState, after: RequestState): Change[] {
  const changes: Change[] = [];
  const compare = (what: string, old: string | undefined, now: string | undefined): void => {
    if (old !== now) changes.push({ what, before: old === undefined ? undefined : utf8(old), after: now === undefined ? undefined : utf8(now) });
  };
  compare('path', before.path, after.path);
  compare('host', before.authority, after.authority);
  const old = joined(before.headers);
  const now = joined(after.headers);
  for (const name of new Set([...old.keys(), ...now.keys()])) compare(`header ${name}`, old.get(name), now.get(name));
  return changes;
}

function joined(headers: readonly HeaderPair[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of headers) {
    const known = values.get(name);
    values.set(name, known === undefined ? value : `${known},${value}`);
  }
  return values;
}

/** What comes of the request. */
export function verdictOf({ upstream, response, responseDetails, clusterName, filterChain }: DryRunResult): Verdict {
  const nothing: Verdict = {
    kind: 'held', status: undefined, details: undefined, location: undefined, body: undefined, cluster: undefined, endpoint: undefined,
    method: undefined, path: undefined, host: undefined,
  };
  if (upstream !== null) {
    const [start = '', ...lines] = utf8(upstream.head).split('\r\n');
    const [method, path] = start.split(' ');
    const host = lines.find((line) => line.toLowerCase().startsWith('host:'))?.slice(5).trim();
    return { ...nothing, kind: 'forwarded', cluster: clusterName, endpoint: addressText(upstream.address, upstream.port), method, path, host };
  }
  if (response === '') return { ...nothing, kind: filterChain < 0 ? 'closed' : 'held' };
  // A 1xx may stand in front of the answer.
  const answer = response.replace(/^(?:HTTP\/1\.1 1\d\d [\s\S]*?\r\n\r\n)+/, '');
  const end = answer.indexOf('\r\n\r\n');
  const head = answer.slice(0, end < 0 ? undefined : end);
  const location = /^location: *(.*)$/im.exec(head)?.[1];
  return {
    ...nothing, kind: 'answered', status: Number(head.split(' ')[1]), details: responseDetails === '' ? undefined : responseDetails,
    location: location === undefined ? undefined : utf8(location), body: end < 0 ? undefined : utf8(answer.slice(end + 4)) || undefined,
    cluster: clusterName === '' ? undefined : clusterName,
  };
}

/** `ip:port`, `[ip]:port`, or the path of a Unix socket. */
export function addressText(address: string, port: number): string {
  if (address.startsWith('/') || address.startsWith('@')) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
