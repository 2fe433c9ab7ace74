import { describe, expect, it } from 'vitest';
import type { DnsAnswer, DnsLookupFamily } from '../../core/network/dns_resolver.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import type { NameServer, NameServerAnswer } from './name_server.ts';
import { searchCandidates, SystemDnsFiles } from './system_dns_files.ts';
import { DnsStats, SystemDnsResolver } from './system_dns_resolver.ts';

/** Answers from a table of `name/family`; asked names are recorded. */
class TableNameServer implements NameServer {
  readonly asked: string[] = [];
  reinitializations = 0;
  private readonly table: Readonly<Record<string, NameServerAnswer>>;
  constructor(table: Readonly<Record<string, NameServerAnswer>>) {
    this.table = table;
  }
  query(name: string, family: 4 | 6, callback: (answer: NameServerAnswer) => void): void {
    this.asked.push(`${name}/${family}`);
    callback(this.table[`${name}/${family}`] ?? { kind: 'none' });
  }
  reinitialize(): void {
    this.reinitializations++;
  }
  close(): void {}
}

const found = (...addresses: string[]): NameServerAnswer => ({ kind: 'addresses', addresses: addresses.map((address) => ({ address, ttlSec: 30 })) });

function setUp(table: Record<string, NameServerAnswer> = {}, files: Record<string, string> = {}) {
  const stats = createLocalStats();
  const server = new TableNameServer(table);
  const resolver = new SystemDnsResolver(server, new SystemDnsFiles((path) => files[path]), new DnsStats(stats.scope));
  const resolve = (name: string, family: DnsLookupFamily = 'auto'): DnsAnswer => {
    let answer: DnsAnswer | undefined;
    resolver.resolve(name, family, (given) => {
      answer = given;
    });
    if (answer === undefined) throw new Error('no answer');
    return answer;
  };
  const addresses = (name: string, family?: DnsLookupFamily) => {
    const answer = resolve(name, family);
    return answer.status === 'completed' ? answer.addresses.map((each) => each.address) : answer.reason;
  };
  return { stats, server, resolve, addresses };
}

const BOTH = { 'a.test/4': found('10.0.0.1', '10.0.0.2'), 'a.test/6': found('fd00::1') };

describe('the system resolver', () => {
  it.each<[DnsLookupFamily, string[], string[]]>([
    ['auto', ['fd00::1'], ['a.test/6']],
    ['v4_preferred', ['10.0.0.1', '10.0.0.2'], ['a.test/4']],
    ['v4_only', ['10.0.0.1', '10.0.0.2'], ['a.test/4']],
    ['v6_only', ['fd00::1'], ['a.test/6']],
    ['all', ['fd00::1', '10.0.0.1', '10.0.0.2'], ['a.test/6', 'a.test/4']],
  ])('asks as %s says', (family, expected, asked) => {
    const { addresses, server } = setUp(BOTH);
    expect(addresses('a.test', family)).toEqual(expected);
    expect(server.asked).toEqual(asked);
  });

  it('falls back to the other family with auto and v4_preferred', () => {
    expect(setUp({ 'a.test/4': found('10.0.0.1') }).addresses('a.test', 'auto')).toEqual(['10.0.0.1']);
    expect(setUp({ 'a.test/6': found('fd00::1') }).addresses('a.test', 'v4_preferred')).toEqual(['fd00::1']);
  });

  it('takes numeric addresses as they are', () => {
    const { addresses, server } = setUp();
    expect(addresses('192.0.2.1')).toEqual(['192.0.2.1']);
    expect(addresses('::1')).toEqual(['::1']);
    expect(server.asked).toEqual([]);
  });

  it('believes the hosts file before any name server, whatever the case, and sees its changes', () => {
    const files = { '/etc/hosts': '# comment\n10.9.9.9  Db db.local # more\n::9 db\n' };
    const { addresses } = setUp({ 'db/4': found('1.1.1.1') }, files);
    expect(addresses('DB', 'v4_only')).toEqual(['10.9.9.9']);
    expect(addresses('db', 'all')).toEqual(['::9', '10.9.9.9']);
    files['/etc/hosts'] = '10.8.8.8 db';
    expect(addresses('db', 'v4_only')).toEqual(['10.8.8.8']);
  });

  it('resolves localhost without asking', () => {
    const { addresses, server } = setUp();
    expect(addresses('localhost')).toEqual(['::1']);
    expect(addresses('app.localhost', 'v4_only')).toEqual(['127.0.0.1']);
    expect(server.asked).toEqual([]);
  });

  it('tries the search list as ndots says', () => {
    const files = { '/etc/resolv.conf': 'nameserver 10.0.0.1\nsearch ns.svc.local svc.local\noptions ndots:2 timeout:1\n' };
    const { addresses, server } = setUp({ 'db.svc.local/4': found('10.0.0.7') }, files);
    expect(addresses('db', 'v4_only')).toEqual(['10.0.0.7']);
    expect(server.asked).toEqual(['db.ns.svc.local/4', 'db.svc.local/4']);
    const rules = { suffixes: ['x'], ndots: 2 };
    expect(searchCandidates('a', rules)).toEqual(['a.x', 'a']);
    expect(searchCandidates('a.b.c', rules)).toEqual(['a.b.c', 'a.b.c.x']);
    expect(searchCandidates('a.', rules)).toEqual(['a']);
  });

  it('tells a name without addresses from one that nobody could answer for', () => {
    const { resolve, stats, server } = setUp({ 'bad.test/4': { kind: 'failed', code: 'ESERVFAIL' }, 'bad.test/6': { kind: 'failed', code: 'ETIMEOUT' } });
    expect(resolve('none.test')).toEqual({ status: 'completed', addresses: [] });
    expect(resolve('bad.test')).toEqual({ status: 'failed', reason: 'ETIMEOUT' });
    expect(stats.value('dns.cares.resolve_total')).toBe(4);
    expect(stats.value('dns.cares.not_found')).toBe(2);
    expect(stats.value('dns.cares.get_addr_failure')).toBe(2);
    expect(stats.value('dns.cares.timeouts')).toBe(1);
    expect([server.reinitializations, stats.value('dns.cares.reinits')]).toEqual([1, 1]);
    expect(stats.value('dns.cares.pending_resolutions')).toBe(0);
  });

  it('keeps what one family found when the other failed', () => {
    expect(setUp({ 'a.test/6': { kind: 'failed', code: 'ESERVFAIL' }, 'a.test/4': found('10.0.0.1') }).addresses('a.test', 'all')).toEqual(['10.0.0.1']);
  });
});
