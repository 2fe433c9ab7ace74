/** What the requests of health checks are made of. Thread: main. */
import { isJoinedHeader, type HeaderMutationsConfig } from '../../core/headers/header_mutation.ts';
import type { TextOf } from './check_formats.ts';
import type { HttpCheckConfig } from './health_check_config.ts';

/** Local address to connect from; null = the system's choice. */
export type BindAddress = { readonly address: string; readonly port: number } | null;

/** `https` where the host's traffic is secured, whatever the connections of its checks are. */
export type CheckScheme = 'http' | 'https';

export type HeaderLine = readonly [name: string, value: string];

/** Methods of requests that have no body. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT']);

/** Names and values in turn, as they go out over HTTP/1. */
export function http1Headers(check: HttpCheckConfig, host: string, textOf: TextOf): string[] {
  const { method, send } = check;
  const rest = checkHeaders(check, [['host', host], ['user-agent', 'Envoy/HC']], textOf);
  // HTTP/1 says of methods with a body that there is none; with a payload the length stands already.
  if (send.length === 0 && !BODILESS.has(method) && !rest.some(([name]) => name === 'content-length')) rest.push(['content-length', '0']);
  return rest.flat();
}

/** As they go out over HTTP/2: pseudo-headers and `user-agent`, then what the configuration makes of them. */
export function http2Headers(check: HttpCheckConfig, authority: string, scheme: CheckScheme, textOf: TextOf): HeaderLine[] {
  const lines: HeaderLine[] = [[':method', check.method], [':authority', authority], [':path', check.path], ['user-agent', 'Envoy/HC'], [':scheme', scheme]];
  return checkHeaders(check, lines, textOf);
}

function checkHeaders(check: HttpCheckConfig, lines: readonly HeaderLine[], textOf: TextOf): HeaderLine[] {
  const { send, headers } = check;
  const mutated = mutateHeaders(lines, headers, textOf);
  if (send.length === 0) return mutated;
  return [...mutated.filter(([name]) => name !== 'content-length'), ['content-length', String(send.length)]];
}

/** Removals, then overwrites, then additions. */
export function mutateHeaders(lines: readonly HeaderLine[], { add, remove }: HeaderMutationsConfig, textOf: TextOf): HeaderLine[] {
  let result = lines.filter(([name]) => !remove.includes(name));
  const added: HeaderLine[] = [];
  for (const { name, value: format, action, keepEmptyValue } of add) {
    const value = textOf(format);
    if (value === '' && !keepEmptyValue) continue;
    const at = result.findIndex(([known]) => known === name);
    if (action === 'append_if_exists_or_add') {
      if (at >= 0 && isJoinedHeader(name)) result[at] = [name, `${result[at][1]},${value}`];
      else added.push([name, value]);
    } else if (action === 'add_if_absent') {
      if (at < 0) added.push([name, value]);
    } else if (at >= 0 || action === 'overwrite_if_exists_or_add') {
      result = result.filter(([known], i) => known !== name || i === at);
      if (at >= 0) result[at] = [name, value];
      else result.push([name, value]);
    }
  }
  return [...result, ...added];
}
