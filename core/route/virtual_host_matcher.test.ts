import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lengthWithoutPort, VirtualHostMatcher } from './virtual_host_matcher.ts';

function find(domains: readonly string[], host: string, ignorePort = false): string | null {
  const matcher = new VirtualHostMatcher(domains.map((domain) => [domain, domain] as const), ignorePort);
  // Not at offset 0: a matcher that looked outside its range would see the padding.
  return matcher.find(Buffer.from(`.x${host}x.`, 'latin1'), 2, host.length);
}

/** The rules, written down without regard to speed. */
function naive(domains: readonly string[], written: string): string | null {
  const host = written.toLowerCase();
  const candidates = domains.filter((domain) => {
    const d = domain.toLowerCase();
    if (d === '*') return true;
    if (d.startsWith('*')) return host.length > d.length - 1 && host.endsWith(d.slice(1));
    if (d.endsWith('*')) return host.length > d.length - 1 && host.startsWith(d.slice(0, -1));
    return host === d;
  });
  const rank = (d: string): number => (d === '*' ? 0 : d.endsWith('*') ? 1000 + d.length : d.startsWith('*') ? 2000 + d.length : 3000);
  return candidates.sort((a, b) => rank(b) - rank(a))[0] ?? null;
}

describe('VirtualHostMatcher', () => {
  const domains = ['*', 'a.com', '*.a.com', '*-x.a.com', 'a.*', 'a.b.*', 'WWW.Upper.org', '[::1]', 'a.com:8080', '*.com'];
  it.each([
    ['a.com', 'a.com'], ['A.COM', 'a.com'], ['b.a.com', '*.a.com'], ['b-x.a.com', '*-x.a.com'], ['.a.com', '*.com'], ['a.org', 'a.*'],
    ['a.b.org', 'a.b.*'], ['a.', '*'], ['www.upper.ORG', 'WWW.Upper.org'], ['[::1]', '[::1]'], ['a.com:8080', 'a.com:8080'],
    ['b.a.com:80', '*'], ['', '*'], ['else', '*'],
  ])('%s goes to %s', (host, expected) => {
    expect(find(domains, host)).toBe(expected);
  });

  it('gives a missing host to a lone * only', () => {
    const missing = (domains: readonly string[]): string | null => new VirtualHostMatcher(domains.map((domain) => [domain, domain] as const), false).find(Buffer.from('x'), 0, -1);
    expect([missing(['*']), missing(['*', 'a.com'])]).toEqual(['*', null]);
  });

  it('finds nothing without a match', () => {
    expect(find(['a.com', '*.b.com'], 'c.com')).toBeNull();
  });

  it.each([['a.com:8080', 'a.com'], ['a.com:', '*'], ['[::1]:80', '[::1]'], ['a.com:8080x', '*'], ['b.a.com:1', '*.a.com']])('without port, %s goes to %s', (host, expected) => {
    expect(find(['*', 'a.com', '[::1]', '*.a.com'], host, true)).toBe(expected);
  });

  it('agrees with the rules', () => {
    const label = fc.string({ unit: fc.constantFrom('a', 'b', 'B', '.', '-'), minLength: 1, maxLength: 4 });
    const domain = fc.oneof(label, label.map((l) => `*${l}`), label.map((l) => `${l}*`), fc.constant('*'));
    const unique = fc.uniqueArray(domain, { selector: (d) => d.toLowerCase(), minLength: 1, maxLength: 12 }).filter((list) => list.some((d) => d !== '*'));
    const host = fc.string({ unit: fc.constantFrom('a', 'A', 'b', '.', '-'), maxLength: 6 });
    fc.assert(fc.property(unique, host, (list, name) => {
      expect(find(list, name)).toBe(naive(list, name));
    }), { numRuns: 3000, seed: 3 });
  });
});

describe('lengthWithoutPort', () => {
  it.each([['a:1', 1], ['a', 1], ['a:', 2], [':1', 0], ['[::1]:1', 5], ['[::1]', 5], ['::1', 3], ['a:1b', 4], ['', 0]])('%s: %d', (host, length) => {
    expect(lengthWithoutPort(Buffer.from(host), 0, host.length)).toBe(length);
  });
});
