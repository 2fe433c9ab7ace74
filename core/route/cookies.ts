import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { CookieHashConfig } from './hash_policy_config.ts';

/** Value of the first cookie of that name in a request, without quotes around it; '' when there is none. */
export function cookieValue(headers: HeaderMap, name: string): string {
  for (let k = headers.find(HeaderId.cookie); k >= 0; k = headers.findNext(HeaderId.cookie, k)) {
    for (const pair of headers.valueAt(k).split(';')) {
      const equals = pair.indexOf('=');
      if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
      const value = pair.slice(equals + 1).trim();
      return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
  }
  return '';
}

/** A Set-Cookie value (RFC 6265 §4.1). */
export function setCookieText(config: CookieHashConfig, value: string): string {
  let text = `${config.name}="${value}"`;
  if (config.ttlSeconds > 0) text += `; Max-Age=${config.ttlSeconds}`;
  if (config.path !== '') text += `; Path=${config.path}`;
  for (const attribute of config.attributes) text += attribute.value === '' ? `; ${attribute.name}` : `; ${attribute.name}=${attribute.value}`;
  return `${text}; HttpOnly`;
}
