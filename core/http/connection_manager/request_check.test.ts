import { describe, expect, it } from 'vitest';
import { headerMap } from '../../../test/support/header_map.ts';
import { managerConfig } from '../../../test/support/in_process_worker.ts';
import { HeaderId, HeaderNames } from '../../headers/header_names.ts';
import type { ConnectionManagerConfig } from './config.ts';
import { checkRequest, normalizeRequest, RequestCheck } from './request_check.ts';

const names = new HeaderNames();

/** Checks a request for `path` at `host` (undefined: none); the result, host and path afterwards. */
function check(path: string, host: string | undefined, config: Partial<ConnectionManagerConfig> = {}, minorVersion = 1) {
  const headers = headerMap(names, [[':method', 'GET'], [':path', path], ...(host === undefined ? [] : [[':authority', host] as const])]);
  const whole = managerConfig([], config);
  let result = checkRequest(headers, minorVersion, whole);
  if (result === RequestCheck.ok) result = normalizeRequest(headers, whole, 8080);
  const at = headers.pathOffset;
  return { result, host: headers.get(HeaderId.authority), path: Buffer.from(headers.bytes.subarray(at, at + headers.pathLength)).toString('latin1') };
}

const HTTP10 = { ...managerConfig().http1, acceptHttp10: true, defaultHostForHttp10: 'old.example' };

describe('checkRequest', () => {
  it('wants a host, and gives HTTP/1.0 the configured one', () => {
    expect(check('/', undefined).result).toBe(RequestCheck.missingHost);
    expect(check('/', undefined, { http1: HTTP10 }).result).toBe(RequestCheck.missingHost);
    expect(check('/', undefined, {}, 0).result).toBe(RequestCheck.missingHost);
    expect(check('/', undefined, { http1: HTTP10 }, 0)).toMatchObject({ result: RequestCheck.ok, host: 'old.example' });
  });

  it('wants a path from the root without a fragment', () => {
    expect(check('/a?b', 'h').result).toBe(RequestCheck.ok);
    expect(check('a', 'h').result).toBe(RequestCheck.notRelative);
    expect(check('/a#b', 'h').result).toBe(RequestCheck.badPath);
  });

  it.each<[string, Partial<ConnectionManagerConfig>, string]>([
    ['h:8080', {}, 'h:8080'], ['h:8080', { stripMatchingHostPort: true }, 'h'], ['h:81', { stripMatchingHostPort: true }, 'h:81'],
    ['h:81', { stripAnyHostPort: true }, 'h'], ['[::1]:81', { stripAnyHostPort: true }, '[::1]'], ['[::1]', { stripAnyHostPort: true }, '[::1]'],
    ['h.', { stripTrailingHostDot: true }, 'h'], ['h.:81', { stripTrailingHostDot: true }, 'h:81'], ['h.:81', { stripTrailingHostDot: true, stripAnyHostPort: true }, 'h'],
  ])('host %s with %o becomes %s', (host, config, expected) => {
    expect(check('/', host, config)).toMatchObject({ result: RequestCheck.ok, host: expected });
  });

  it('normalizes, redirects and refuses as configured', () => {
    expect(check('/a/../b//c', 'h', { normalizePath: true, mergeSlashes: true })).toMatchObject({ result: RequestCheck.ok, path: '/b/c' });
    expect(check('/a%2fb', 'h', { pathWithEscapedSlashesAction: 'reject_request' }).result).toBe(RequestCheck.badPath);
    expect(check('/a%2fb', 'h', { pathWithEscapedSlashesAction: 'unescape_and_redirect' }).result).toBe(RequestCheck.redirectToNormalPath);
  });
});
