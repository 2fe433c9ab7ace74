// Values of headers that decide about routes and trust: cookies, x-forwarded-for, paths, grpc-timeout. node test/fuzz/header_values/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { isIP } from 'node:net';
import { forwardedAddress } from '../../../core/headers/forwarded_for.ts';
import { HeaderId, HeaderNames } from '../../../core/headers/header_names.ts';
import { normalizePath, PathResult } from '../../../core/headers/path_normalizer.ts';
import { CookieMatcher } from '../../../core/matcher/cookie_matcher.ts';
import { grpcTimeoutMs } from '../../../core/route/grpc_timeout.ts';
import { headerMap } from '../../support/header_map.ts';
import { type FuzzResult, fuzz, fuzzArguments, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));
const names = new HeaderNames();
const COOKIE = names.intern('cookie');
const EVERYTHING = { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 'unescape_and_forward' } as const;

/** The first cookie called `session`, as a reader of the header would find it; undefined: there is none. */
function sessionIn(text: string): string | undefined {
  for (const part of text.split(';')) {
    const cookie = part.replace(/^ +/, '');
    const equals = cookie.indexOf('=');
    if (equals < 0 || cookie.slice(0, equals) !== 'session') continue;
    const value = cookie.slice(equals + 1);
    return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  }
  return undefined;
}

function checkCookie(text: string): void {
  const headers = headerMap(names, [['cookie', text]]);
  const value = sessionIn(text);
  const contains = (piece: string): boolean =>
    new CookieMatcher({ name: 'session', matcher: { kind: 'contains', value: piece, ignoreCase: false }, invert: false }, COOKIE).matches(headers);
  assert.equal(contains(''), value !== undefined);
  assert.equal(contains('2'), value?.includes('2') ?? false);
}

function checkForwardedFor(text: string): void {
  const headers = headerMap(names, [['x-forwarded-for', text]]);
  for (const skip of [0, 1, 3]) {
    const address = forwardedAddress(headers, skip);
    const place = text.split(',').at(-1 - skip)?.trim() ?? '';
    assert.ok(address === '' ? isIP(place) === 0 || place.includes('%') : isIP(address) > 0 && isIP(place) === isIP(address), `${place} became ${address}`);
  }
}

function checkPath(text: string): void {
  const headers = headerMap(names, [[':path', `/${text}`]]);
  if (normalizePath(headers, EVERYTHING) === PathResult.rejected) return;
  const path = (headers.get(HeaderId.path) ?? '').replace(/\?.*$/s, '');
  assert.ok(path.startsWith('/'));
  assert.doesNotMatch(path, /\/\.\.?(\/|$)|\/\/|\\|%2f|%5c|%2e/i);
}

function checkGrpcTimeout(text: string): void {
  const ms = grpcTimeoutMs(headerMap(names, [['grpc-timeout', text]]));
  assert.equal(ms >= 0, /^\d{1,8}[HMSmun]$/.test(text));
}

/** None throws, and each says what a plain reading of the text says. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input) => {
    // The codec lets none of these through.
    const text = input.toString('latin1').replace(/[\0\r\n]/g, '').trim();
    checkCookie(text);
    checkForwardedFor(text);
    checkPath(text);
    checkGrpcTimeout(text);
  });
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
