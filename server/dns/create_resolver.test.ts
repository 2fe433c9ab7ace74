/** Every setting of a resolver against name servers on the loopback interface. */
import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { decode, encode } from 'dns-packet';
import { afterEach, describe, expect, it } from 'vitest';
import type { DnsAnswer, DnsLookupFamily } from '../../core/network/dns_resolver.ts';
import { DNS_QUERY_DEFAULTS, type DnsConfig, type DnsQueryOptions } from '../../core/upstream/cluster_config.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { createDnsResolver, type Machine } from './create_resolver.ts';
import { SystemDnsFiles } from './system_dns_files.ts';
import { DnsStats } from './system_dns_resolver.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const NXDOMAIN = 3;
const RECORDS: Readonly<Record<string, string>> = { 'a.test/A': '10.0.0.1', 'a.test/AAAA': 'fd00::1', 'b.lan/A': '10.0.0.2' };

/** A name server on UDP and TCP of one port, with what it was asked. */
class FakeNameServer {
  /** `name/type`. */
  readonly asked: string[] = [];
  /** Where the UDP questions came from. */
  readonly clients: number[] = [];
  readonly overTcp: string[] = [];
  isSilent = false;
  private readonly udp: Socket = createSocket('udp4');
  private readonly tcp: Server = createServer();
  hasTcp = false;

  async start(): Promise<string> {
    this.udp.on('message', (bytes, from) => {
      this.clients.push(from.port);
      const answer = this.respond(bytes, this.asked);
      if (!this.isSilent) this.udp.send(answer, from.port, from.address);
    });
    await new Promise<void>((resolve) => this.udp.bind(0, '127.0.0.1', resolve));
    const { port } = this.udp.address();
    // Somebody else may have that port on TCP.
    this.hasTcp = await new Promise<boolean>((resolve) => {
      this.tcp.once('error', () => resolve(false));
      this.tcp.listen(port, '127.0.0.1', () => resolve(true));
    });
    this.tcp.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        const answer = this.respond(bytes.subarray(2), this.overTcp);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        if (!this.isSilent) socket.write(Buffer.concat([length, answer]));
      });
    });
    closers.push(() => this.udp.close(), () => this.tcp.close());
    return `127.0.0.1:${port}`;
  }

  private respond(bytes: Uint8Array, asked: string[]): Buffer {
    const packet = decode(bytes);
    const { name, type } = packet.questions?.[0] ?? { name: '', type: '' };
    asked.push(`${name}/${type}`);
    const data = RECORDS[`${name}/${type}`];
    const answers = data === undefined ? [] : [{ name, type, ttl: 30, data }];
    const isKnown = Object.keys(RECORDS).some((key) => key.startsWith(`${name}/`));
    return encode({ type: 'response', id: packet.id ?? 0, flags: 0x8180 | (isKnown ? 0 : NXDOMAIN), questions: [{ name, type }], answers });
  }
}

const MACHINE: Machine = { nameServers: () => ['127.0.0.1'], hasAddress: () => true };

async function setUp(query: Partial<DnsQueryOptions> = {}, more: { useTcp?: boolean; servers?: number; machine?: Partial<Machine>; files?: Record<string, string> } = {}) {
  const servers: FakeNameServer[] = [];
  const resolvers: string[] = [];
  while (servers.length < (more.servers ?? 1)) {
    const server = new FakeNameServer();
    const address = await server.start();
    if (!server.hasTcp) continue;
    servers.push(server);
    resolvers.push(address);
  }
  const dns: DnsConfig = {
    refreshRateMs: 5000, failureBaseMs: 5000, failureMaxMs: 5000, respectTtl: false, jitterMs: 0, lookupFamily: 'auto', resolvers, useTcp: more.useTcp ?? false,
    query: { ...DNS_QUERY_DEFAULTS, ...query },
  };
  const stats = createLocalStats();
  const files = new SystemDnsFiles((path) => more.files?.[path]);
  const resolver = createDnsResolver(dns, files, new DnsStats(stats.scope), () => 0.5, { ...MACHINE, ...more.machine });
  closers.push(() => resolver.close());
  const resolve = async (name: string, family: DnsLookupFamily = 'v4_only'): Promise<string[] | string> => {
    const answer = await new Promise<DnsAnswer>((done) => resolver.resolve(name, family, done));
    return answer.status === 'completed' ? answer.addresses.map(({ address }) => address) : answer.reason;
  };
  return { server: servers[0], servers, resolve, stats };
}

describe('dns_lookup_family', () => {
  it.each<[DnsLookupFamily, string[], string[]]>([
    ['auto', ['a.test/AAAA'], ['fd00::1']],
    ['v4_only', ['a.test/A'], ['10.0.0.1']],
    ['v6_only', ['a.test/AAAA'], ['fd00::1']],
    ['v4_preferred', ['a.test/A'], ['10.0.0.1']],
    ['all', ['a.test/AAAA', 'a.test/A'], ['fd00::1', '10.0.0.1']],
  ])('%s asks for %j', async (family, asked, addresses) => {
    const { server, resolve } = await setUp();
    expect(await resolve('a.test', family)).toEqual(addresses);
    expect(server.asked).toEqual(asked);
  });

  it('auto goes on to IPv4 where there is no IPv6 address', async () => {
    const { server, resolve } = await setUp();
    expect(await resolve('b.lan', 'auto')).toEqual(['10.0.0.2']);
    expect(server.asked).toEqual(['b.lan/AAAA', 'b.lan/A']);
  });
});

describe('a resolver', () => {
  it('asks over TCP alone with use_tcp_for_dns_lookups', async () => {
    const { server, resolve } = await setUp({}, { useTcp: true });
    expect(await resolve('a.test')).toEqual(['10.0.0.1']);
    expect([server.asked, server.overTcp]).toEqual([[], ['a.test/A']]);
  });

  it('tries the search list of the system, but not with no_default_search_domain', async () => {
    const files = { '/etc/resolv.conf': 'search lan\n' };
    const searching = await setUp({}, { files });
    expect(await searching.resolve('b')).toEqual(['10.0.0.2']);
    expect(searching.server.asked).toEqual(['b.lan/A']);
    const plain = await setUp({ usesSearchList: false }, { files });
    expect(await plain.resolve('b')).toEqual([]);
    expect(plain.server.asked).toEqual(['b/A']);
  });

  it('knows the hosts file first', async () => {
    const { server, resolve } = await setUp({}, { files: { '/etc/hosts': '10.9.9.9 a.test\n' } });
    expect(await resolve('a.test')).toEqual(['10.9.9.9']);
    expect(server.asked).toEqual([]);
  });

  it.each([['UDP', false], ['TCP', true]])('gives up after query_tries times query_timeout over %s', async (_name, useTcp) => {
    const { server, resolve, stats } = await setUp({ timeoutMs: 30, tries: 2 }, { useTcp });
    server.isSilent = true;
    expect(await resolve('a.test')).toBe('ETIMEOUT');
    expect(useTcp ? server.overTcp : server.asked).toEqual(['a.test/A', 'a.test/A']);
    expect([stats.value('dns.cares.timeouts'), stats.value('dns.cares.get_addr_failure')]).toEqual([1, 1]);
  });

  it.each([['UDP', false], ['TCP', true]])('asks another server each time with rotate_nameservers over %s', async (_name, useTcp) => {
    const { servers, resolve } = await setUp({ rotates: true }, { servers: 2, useTcp });
    for (let i = 0; i < 4; i++) expect(await resolve('a.test')).toEqual(['10.0.0.1']);
    expect(servers.map((server) => (useTcp ? server.overTcp : server.asked).length)).toEqual([2, 2]);
  });

  it('asks the first server alone without', async () => {
    const { servers, resolve } = await setUp({}, { servers: 2 });
    for (let i = 0; i < 4; i++) await resolve('a.test');
    expect(servers.map((server) => server.asked.length)).toEqual([4, 0]);
  });

  it('uses a socket for udp_max_queries questions only', async () => {
    const socketsOf = async (udpMaxQueries: number): Promise<number> => {
      const { server, resolve } = await setUp({ udpMaxQueries });
      // At once: a socket that nobody waits at is closed in any case.
      await Promise.all(Array.from({ length: 5 }, () => resolve('a.test')));
      expect(server.clients).toHaveLength(5);
      return new Set(server.clients).size;
    };
    expect([await socketsOf(0), await socketsOf(2)]).toEqual([1, 3]);
  });

  it('does not ask for families that go nowhere with filter_unroutable_families', async () => {
    const machine = { hasAddress: (family: 4 | 6) => family === 4 };
    const { server, resolve } = await setUp({ filtersUnroutable: true }, { machine });
    expect(await resolve('a.test', 'all')).toEqual(['10.0.0.1']);
    expect(await resolve('a.test', 'v6_only')).toEqual([]);
    expect(server.asked).toEqual(['a.test/A']);
    const unfiltered = await setUp({}, { machine });
    expect(await unfiltered.resolve('a.test', 'v6_only')).toEqual(['fd00::1']);
  });

  it('asks servers that are a fallback only if the system has none', async () => {
    const { server, resolve } = await setUp({ resolversAreFallback: true });
    expect(await resolve('a.test')).toEqual(['10.0.0.1']);
    expect(server.asked).toEqual(['a.test/A']);
  });
});
