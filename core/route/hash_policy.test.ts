import { describe, expect, it } from 'vitest';
import { TurnBuffer } from '../buffer/turn_buffer.ts';
import { XxHash64 } from '../base/xxhash64.ts';
import { HeaderMap } from '../headers/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { StreamInfo } from '../stream_info/stream_info.ts';
import { HashPolicy, hashModulo } from './hash_policy.ts';
import type { HashPolicyConfig } from './hash_policy_config.ts';

const names = new HeaderNames();

function hashOf(text: string): bigint {
  const hash = new XxHash64();
  hash.hashText(text);
  return whole(hash);
}

function whole(hash: XxHash64): bigint {
  return (BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0);
}

/** The hash that policies give a request, null when none, and the cookies they made. */
function compute(configs: readonly HashPolicyConfig[], pairs: readonly [string, string][], makesCookies = true, state: unknown = undefined): { hash: bigint | null; cookies: string[] } {
  const headers = new HeaderMap(names, new TurnBuffer(new Uint8Array(4096), 0, 4096, 0, 0));
  headers.setPath('/p');
  for (const [name, value] of pairs) headers.add(names.intern(name), value);
  const info = new StreamInfo();
  info.connection = { id: 1, remoteAddress: '10.0.0.1:5', remoteHost: '10.0.0.1', localAddress: '10.0.0.2:80', filterChainName: '', requestedServerName: '' };
  if (state !== undefined) info.filterState = new Map([['key', state]]);
  const policy = new HashPolicy(configs, names);
  const cookies: string[] = [];
  return { hash: policy.compute(headers, info, makesCookies ? cookies : null) ? whole(policy.hash) : null, cookies };
}

const header = (name: string, terminal = false): HashPolicyConfig => ({ kind: 'header', name, rewrite: null, terminal });
const cookie = (more: Partial<HashPolicyConfig & { kind: 'cookie' }> = {}): HashPolicyConfig =>
  ({ kind: 'cookie', name: 'sid', ttlSeconds: 60, path: '', attributes: [], terminal: false, ...more });
const rotate = (value: bigint): bigint => BigInt.asUintN(64, (value << 1n) | (value >> 63n));

describe('HashPolicy', () => {
  it('has no hash when no policy has one', () => {
    expect(compute([header('x-a')], []).hash).toBeNull();
  });

  it('rotates what it has before it mixes the next in, so that equal values do not cancel out', () => {
    expect(compute([header('x-a'), header('x-b')], [['x-a', 'v'], ['x-b', 'v']]).hash).toBe(rotate(hashOf('v')) ^ hashOf('v'));
  });

  it('stops at a terminal policy once there is a hash', () => {
    const policies = [header('x-a', true), header('x-b')];
    expect(compute(policies, [['x-a', '1'], ['x-b', '2']]).hash).toBe(hashOf('1'));
    expect(compute(policies, [['x-b', '2']]).hash).toBe(hashOf('2'));
  });

  it('makes a cookie once, the same for all requests of a connection, and balances by it', () => {
    const { hash, cookies } = compute([cookie({ path: '/a', attributes: [{ name: 'SameSite', value: 'Strict' }, { name: 'Secure', value: '' }] })], []);
    const value = hashOf('10.0.0.1:510.0.0.2:80').toString(16).padStart(16, '0');
    expect(cookies).toEqual([`sid="${value}"; Max-Age=60; Path=/a; SameSite=Strict; Secure; HttpOnly`]);
    expect(hash).toBe(hashOf(value));
  });

  it('makes a session cookie for a ttl of 0, and none without ttl, where it may not or where there is one', () => {
    expect(compute([cookie({ ttlSeconds: 0 })], []).cookies[0]).toMatch(/^sid="[0-9a-f]{16}"; HttpOnly$/);
    expect(compute([cookie({ ttlSeconds: -1 })], [])).toEqual({ hash: null, cookies: [] });
    expect(compute([cookie()], [], false).hash).toBeNull();
    expect(compute([cookie()], [['cookie', 'a=b; sid="x"']])).toEqual({ hash: hashOf('x'), cookies: [] });
  });

  it('takes the hash of a filter-state value that has one', () => {
    const policy: HashPolicyConfig = { kind: 'filter_state', key: 'key', terminal: false };
    expect(compute([policy], [], true, { hashHigh: 1, hashLow: -1 }).hash).toBe(0x1ffffffffn);
    expect(compute([policy], [], true, 'text').hash).toBeNull();
  });

  it('takes the remainder of all 64 bits', () => {
    for (const [high, low, divisor] of [[-1, -1, 4294967295], [0x12345678, -5, 97], [0, 5, 3], [-2147483648, 0, 4294967291]]) {
      expect(hashModulo(high, low, divisor)).toBe(Number(((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) % BigInt(divisor)));
    }
  });
});
