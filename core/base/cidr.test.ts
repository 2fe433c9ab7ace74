import { describe, expect, it } from 'vitest';
import { canonicalIp, Cidr, parseIp, withoutPort } from './cidr.ts';

describe('Cidr', () => {
  it.each([
    ['10.0.0.0/8', '10.255.1.2', true], ['10.0.0.0/8', '11.0.0.0', false], ['192.168.1.128/25', '192.168.1.200', true], ['192.168.1.128/25', '192.168.1.127', false],
    ['1.2.3.4', '1.2.3.4', true], ['1.2.3.4', '1.2.3.5', false], ['1.2.3.4/32', '1.2.3.4', true], ['0.0.0.0/0', '255.255.255.255', true], ['0.0.0.0/0', '::1', false],
    ['::1/128', '::1', true], ['::1', '::2', false], ['2001:db8::/32', '2001:db8:ffff::1', true], ['2001:db8::/32', '2001:db9::', false], ['fe80::/10', 'febf::1', true],
    ['fe80::/10', 'fec0::1', false], ['::/0', '1.2.3.4', false], ['::ffff:0:0/96', '::ffff:1.2.3.4', true], ['10.1.2.3/8', '10.9.9.9', true], ['1.2.3.4', 'nonsense', false], ['1.2.3.4', '', false],
  ])('%s contains %s: %s', (range, address, expected) => {
    expect(Cidr.parse(range).contains(address)).toBe(expected);
  });

  it.each(['', 'x', '1.2.3', '1.2.3.4.5', '256.0.0.1', '1.2.3.4/33', '1.2.3.4/-1', '1.2.3.4/x', '1.2.3.4/', '1.2.3.4/8.5', '::/129', ':::', '1::2::3', '12345::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '01.2.3.0004'])('refuses %j', (text) => {
    expect(() => Cidr.parse(text)).toThrow(/malformed/);
  });

  it.each([
    ['1.2.3.4', [1, 2, 3, 4]], ['::', new Array(16).fill(0)], ['1:2:3:4:5:6:7:8', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
    ['fe80::1%eth0', [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]], ['::1.2.3.4', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]],
  ])('parses %s', (text, bytes) => {
    expect(parseIp(text)).toEqual(bytes);
  });

  it.each([
    ['1.2.3.4', '1.2.3.4'], ['01.2.3.4', null], ['1.2.3', null], ['1.2.3.4:80', null], ['FD00:0:0:0:0:0:0:1', 'fd00::1'], ['::', '::'], ['::1', '::1'], ['1::', '1::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'], ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'], ['::ffff:1.2.3.4', '::ffff:1.2.3.4'], ['2001:db8::a', '2001:db8::a'], ['fe80::1%eth0', null],
    ['[::1]', null], ['somebody', null], ['', null], ['10.0.0.0::', null], ['::10.0.0.1:1', null],
  ])('the usual form of %j is %j', (text, expected) => {
    expect(canonicalIp(text)).toBe(expected);
  });

  it.each([['1.2.3.4:80', '1.2.3.4'], ['[::1]:80', '::1'], ['1.2.3.4', '1.2.3.4'], ['/run/x.sock', '/run/x.sock'], ['/run/a:b', '/run/a:b']])('address of %s is %s', (text, expected) => {
    expect(withoutPort(text)).toBe(expected);
  });
});
