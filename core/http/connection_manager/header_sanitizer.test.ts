import { describe, expect, it } from 'vitest';
import { headerMap, headerPairs } from '../../../test/support/header_map.ts';
import { managerConfig } from '../../../test/support/in_process_worker.ts';
import { withoutPort } from '../../base/cidr.ts';
import { HeaderId, HeaderNames } from '../../headers/header_names.ts';
import { HeaderValue } from '../../headers/header_value.ts';
import type { RouteTable } from '../../route/route_table.ts';
import { StreamInfo } from '../../stream_info/stream_info.ts';
import type { ConnectionManagerConfig } from './config.ts';
import { mutateRequestHeaders, mutateResponseHeaders } from './header_sanitizer.ts';
import { InternalAddressChecker } from './internal_address.ts';
import type { ManagerContext } from './manager_context.ts';

const names = new HeaderNames();
const OWN = names.intern('x-own-internal');
type Pairs = readonly (readonly [string, string])[];

function contextOf(config: Partial<ConnectionManagerConfig>): ManagerContext {
  const whole = managerConfig([], { generateRequestId: false, ...config });
  const parts = {
    config: whole, internal: new InternalAddressChecker(whole.internalAddresses), dates: { value: new HeaderValue('Fri, 02 Jan 2026 03:04:05 GMT'), update: () => {} }, dispatcher: { wallMs: 0 }, localAddress: '192.0.2.9', ipDetection: [],
    requestIds: { set: (headers: ReturnType<typeof headerMap>) => headers.set(HeaderId.requestId, 'generated') },
  };
  return {
    parts, via: Buffer.from(whole.via), serverName: new HeaderValue(whole.serverName),
  } as unknown as ManagerContext;
}

/** What is left of a request from `peer`. */
function request(pairs: Pairs, config: Partial<ConnectionManagerConfig> = {}, peer = '10.0.0.7:5000', keepsUpgrade = false) {
  const headers = headerMap(names, [[':method', 'GET'], [':path', '/'], ...pairs]);
  const info = new StreamInfo();
  info.connection = { id: 1, remoteAddress: peer, remoteHost: withoutPort(peer), localAddress: '192.0.2.9:8080', filterChainName: '', requestedServerName: '' };
  mutateRequestHeaders(headers, contextOf(config), info, { internalOnlyHeaderIds: [OWN] } as unknown as RouteTable, keepsUpgrade);
  return { headers: Object.fromEntries(headerPairs(headers)), info, isHttps: headers.isHttps };
}

const REMOTE = { useRemoteAddress: true, internalAddresses: { cidrs: ['10.0.0.0/8'], unixSockets: false } };

describe('mutateRequestHeaders', () => {
  it('takes out what is between two hops only, and keeps te: trailers', () => {
    const hops: Pairs = [
      ['connection', 'x'], ['upgrade', 'h2c'], ['keep-alive', '1'], ['proxy-connection', 'x'], ['transfer-encoding', 'chunked'], ['te', 'gzip, trailers'],
      ['x-envoy-internal', 'true'], ['x-forwarded-client-cert', 'x'],
    ];
    expect(request(hops).headers).toEqual({ te: 'trailers', 'x-forwarded-proto': 'http' });
    expect(request([['te', 'gzip']]).headers).not.toHaveProperty('te');
    expect(request(hops, {}, undefined, true).headers).toMatchObject({ connection: 'x', upgrade: 'h2c' });
  });

  const RESERVED: Pairs = [['x-envoy-max-retries', '3'], ['x-envoy-upstream-rq-timeout-ms', '5'], ['x-own-internal', '1'], ['x-envoy-decorator-operation', 'd'], ['x-plain', 'p']];

  it('takes reserved headers from outsiders, those of the edge only at the edge', () => {
    expect(request(RESERVED).headers).toEqual({ 'x-envoy-decorator-operation': 'd', 'x-plain': 'p', 'x-forwarded-proto': 'http' });
    expect(request(RESERVED, { useRemoteAddress: true }, '203.0.113.5:1').headers).toEqual({
      'x-plain': 'p', 'x-forwarded-proto': 'http', 'x-forwarded-for': '203.0.113.5', 'x-envoy-external-address': '203.0.113.5',
    });
  });

  it('leaves them to internal callers, and says that they are', () => {
    const { headers, info } = request(RESERVED, REMOTE);
    expect(headers).toMatchObject({ 'x-envoy-max-retries': '3', 'x-own-internal': '1', 'x-envoy-decorator-operation': 'd', 'x-envoy-internal': 'true' });
    expect(info.isInternalRequest).toBe(true);
  });

  it('believes nobody who brings x-forwarded-for along to be internal, and appends the peer', () => {
    const { headers, info } = request([['x-forwarded-for', '10.0.0.1']], REMOTE);
    expect([headers['x-forwarded-for'], info.isInternalRequest, info.downstreamRemoteAddress]).toEqual(['10.0.0.1,10.0.0.7', false, '10.0.0.7:5000']);
  });

  it.each<[string, Partial<ConnectionManagerConfig>, string, string]>([
    ['the peer', { useRemoteAddress: true }, '1.1.1.1, 2.2.2.2', '10.0.0.7:5000'], ['one trusted hop', { useRemoteAddress: true, xffNumTrustedHops: 1 }, '1.1.1.1, 2.2.2.2', '2.2.2.2:0'],
    ['two', { useRemoteAddress: true, xffNumTrustedHops: 2 }, '1.1.1.1, 2.2.2.2', '1.1.1.1:0'], ['more than there are', { useRemoteAddress: true, xffNumTrustedHops: 3 }, '1.1.1.1', '10.0.0.7:5000'],
    ['the last of the header', {}, '1.1.1.1, 2.2.2.2', '2.2.2.2:0'], ['an IPv6 address', {}, '2001:db8::1', '[2001:db8::1]:0'], ['what is no address', {}, 'unknown', ''],
  ])('the client is %s', (_what, config, forwardedFor, expected) => {
    expect(request([['x-forwarded-for', forwardedFor]], config).info.downstreamRemoteAddress).toBe(expected);
  });

  it('names this machine instead of a loopback peer, unless appending is off', () => {
    expect(request([], { useRemoteAddress: true }, '127.0.0.1:1').headers['x-forwarded-for']).toBe('192.0.2.9');
    expect(request([], { useRemoteAddress: true, skipXffAppend: true }).headers).not.toHaveProperty('x-forwarded-for');
  });

  it('takes the scheme from x-forwarded-proto of trusted callers, or the configured one', () => {
    const https: Pairs = [['x-forwarded-proto', 'https']];
    expect([request(https).isHttps, request(https, { useRemoteAddress: true }).isHttps, request([], { schemeToOverwrite: 'https' }).isHttps]).toEqual([true, false, true]);
    expect(request([], { schemeToOverwrite: 'https' }).headers['x-forwarded-proto']).toBe('https');
  });

  it.each<[string, Pairs, Partial<ConnectionManagerConfig>, string]>([
    ['made where there is none', [], {}, 'generated'], ['kept inside', [['x-request-id', 'theirs']], {}, 'theirs'],
    ['made anew at the edge', [['x-request-id', 'theirs']], { useRemoteAddress: true }, 'generated'],
    ['kept at the edge if configured', [['x-request-id', 'theirs']], { useRemoteAddress: true, preserveExternalRequestId: true }, 'theirs'],
  ])('x-request-id is %s', (_what, pairs, config, expected) => {
    expect(request(pairs, { generateRequestId: true, ...config }).headers['x-request-id']).toBe(expected);
  });

  it('adds via and the port where configured', () => {
    expect(request([['via', '1.1 a']], { via: '1.1 b', useRemoteAddress: true, appendForwardedPort: true }).headers).toMatchObject({ via: expect.stringContaining('1.1 b') as string, 'x-forwarded-port': '8080' });
  });
});

describe('mutateResponseHeaders', () => {
  it.each<[ConnectionManagerConfig['serverHeaderTransformation'], string | undefined, string | undefined]>([
    ['overwrite', 'theirs', 'envoy'], ['append_if_absent', 'theirs', 'theirs'], ['append_if_absent', undefined, 'envoy'], ['pass_through', undefined, undefined],
  ])('server: %s of %s is %s', (serverHeaderTransformation, theirs, expected) => {
    const headers = headerMap(names, theirs === undefined ? [] : [['server', theirs]]);
    mutateResponseHeaders(headers, contextOf({ serverHeaderTransformation }), false);
    expect(headers.get(HeaderId.server)).toBe(expected);
  });

  it('takes out hop-by-hop headers and dates what has no date', () => {
    const headers = headerMap(names, [['connection', 'close'], ['upgrade', 'x'], ['transfer-encoding', 'chunked'], ['keep-alive', '1'], ['proxy-connection', 'x'], ['etag', 'e']]);
    mutateResponseHeaders(headers, contextOf({ serverHeaderTransformation: 'pass_through' }), false);
    expect(Object.fromEntries(headerPairs(headers))).toEqual({ etag: 'e', date: 'Fri, 02 Jan 2026 03:04:05 GMT' });
    headers.set(HeaderId.date, 'theirs');
    mutateResponseHeaders(headers, contextOf({}), false);
    expect(headers.get(HeaderId.date)).toBe('theirs');
  });
});
