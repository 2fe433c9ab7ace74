import { expect, it } from 'vitest';
import { areSameAddresses, localAddressFor, orderAddresses } from './address_order.ts';

const list = (text: string) => text.split(' ').filter((each) => each !== '').map((address) => ({ address, port: 80 }));
const text = (addresses: readonly { readonly address: string }[]) => addresses.map((each) => each.address).join(' ');

it.each<[string, 'first' | 'v4' | 'v6', number, string]>([
  ['', 'first', 1, ''],
  ['1.1.1.1', 'v6', 1, '1.1.1.1'],
  ['1.1.1.1 1.1.1.2 ::1 ::2', 'first', 1, '1.1.1.1 ::1 1.1.1.2 ::2'],
  ['::1 ::2 ::3 1.1.1.1', 'first', 1, '::1 1.1.1.1 ::2 ::3'],
  ['1.1.1.1 ::1 1.1.1.2', 'v6', 1, '::1 1.1.1.1 1.1.1.2'],
  ['::1 1.1.1.1', 'v4', 1, '1.1.1.1 ::1'],
  ['::1 ::2 ::3 1.1.1.1 1.1.1.2', 'first', 2, '::1 ::2 1.1.1.1 ::3 1.1.1.2'],
])('%s, %s first, %i at a time: %s', (addresses, firstFamily, firstCount, expected) => {
  expect(text(orderAddresses(list(addresses), { firstFamily, firstCount }))).toBe(expected);
});

it('the local address is that of the family of the host, if there is one', () => {
  const [v4, v6] = list('127.0.0.2 ::1');
  const both = { bindAddress: v6, otherBindAddress: v4 };
  expect([list('1.1.1.1')[0], list('::2')[0], { address: '/s', port: 0 }, { address: '@s', port: 0 }].map((target) => localAddressFor(both, target))).toEqual([v4, v6, null, null]);
  expect(localAddressFor({ bindAddress: v6, otherBindAddress: null }, list('1.1.1.1')[0])).toBe(v6);
  expect(localAddressFor({ bindAddress: null, otherBindAddress: null }, v4)).toBeNull();
});

it('lists are the same with the same addresses in the same order', () => {
  expect(areSameAddresses(undefined, undefined)).toBe(true);
  expect(areSameAddresses(list('::1'), undefined)).toBe(false);
  expect(areSameAddresses(list('::1 ::2'), list('::1 ::2'))).toBe(true);
  expect(areSameAddresses(list('::1 ::2'), list('::2 ::1'))).toBe(false);
  expect(areSameAddresses(list('::1'), [{ address: '::1', port: 81 }])).toBe(false);
});
