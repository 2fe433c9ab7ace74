import { latin1 } from '../headers/byte_range.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { RedirectConfig } from './route_config.ts';

/**
 * The Location header of a redirect (envoy.config.route.v3.RedirectAction); :path already carries the action's path rewrite.
 * Texts are Latin-1.
 */
export function redirectLocation(config: RedirectConfig, headers: HeaderMap): string {
  const scheme = config.scheme !== '' ? config.scheme : config.httpsRedirect ? 'https' : headers.isHttps ? 'https' : 'http';
  const port = config.port === 0 ? '' : `:${config.port}`;
  const host = config.host !== '' ? asLatin1(config.host) : requestHost(headers, scheme, port);
  return `${scheme}://${host}${port}${redirectPath(config, headers)}`;
}

/** Redirects to where the request went. */
export const SAME_PLACE: RedirectConfig = Object.freeze({
  kind: 'redirect', httpsRedirect: false, scheme: '', host: '', port: 0, path: '', prefixRewrite: '', regexRewrite: null, responseCode: 301, stripQuery: false,
});

/** https://host/path for virtual hosts that require TLS. */
export function tlsRedirectLocation(headers: HeaderMap): string {
  return `https://${headers.get(HeaderId.authority) ?? ''}${latin1(headers.bytes, headers.pathOffset, headers.pathLength)}`;
}

function redirectPath(config: RedirectConfig, headers: HeaderMap): string {
  const current = latin1(headers.bytes, headers.pathOffset, headers.pathLength);
  let path = current;
  if (config.path !== '') {
    path = asLatin1(config.path);
    // A query of the redirect's own replaces the request's, and strip_query leaves it alone.
    if (path.includes('?')) return path;
    const query = current.indexOf('?');
    if (query >= 0) path += current.slice(query);
  }
  if (!config.stripQuery) return path;
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

/** The request's host, without its port when another is given or when it was the default of a scheme that changes. */
function requestHost(headers: HeaderMap, newScheme: string, newPort: string): string {
  const host = headers.get(HeaderId.authority) ?? '';
  let end: number;
  if (host.startsWith('[')) {
    end = host.lastIndexOf(']:');
    if (end >= 0) end++;
  } else {
    end = host.lastIndexOf(':');
  }
  if (end < 0) return host;
  const port = host.slice(end);
  const protocol = headers.get(HeaderId.forwardedProto) ?? '';
  let strips = newPort !== '';
  if (newScheme !== protocol) strips ||= (protocol === 'https' && port === ':443') || (protocol === 'http' && port === ':80');
  return strips ? host.slice(0, end) : host;
}

function asLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
