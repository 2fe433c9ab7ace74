/** The resolver that a cluster's settings ask for. Thread: main. */
import { getServers } from 'node:dns';
import { networkInterfaces } from 'node:os';
import type { DnsResolver } from '../../core/network/dns_resolver.ts';
import { DNS_QUERY_DEFAULTS, type DnsConfig } from '../../core/upstream/cluster_config.ts';
import { UdpNameServer } from './name_server.ts';
import type { SystemDnsFiles } from './system_dns_files.ts';
import { type DnsStats, SystemDnsResolver } from './system_dns_resolver.ts';
import { TcpNameServer } from './tcp_name_server.ts';

/** What the machine has; tests bring their own. */
export interface Machine {
  /** Name servers of the system: `ip` or `ip:port`. */
  nameServers(): readonly string[];
  /** Whether an interface other than loopback has an address of that family. */
  hasAddress(family: 4 | 6): boolean;
}

export const THIS_MACHINE: Machine = {
  nameServers: getServers,
  hasAddress: (family) => Object.values(networkInterfaces()).some((addresses) => addresses?.some((each) => !each.internal && each.family === `IPv${family}`)),
};

/** `random` gives numbers in [0, 1). */
export function createDnsResolver(dns: DnsConfig, files: SystemDnsFiles, stats: DnsStats, random: () => number, machine: Machine = THIS_MACHINE): DnsResolver {
  const query = dns.query ?? DNS_QUERY_DEFAULTS;
  const servers = query.resolversAreFallback && hasServers(machine) ? [] : dns.resolvers;
  const nameServer = dns.useTcp ? new TcpNameServer(servers, random, query) : new UdpNameServer(servers, query);
  return new SystemDnsResolver(nameServer, files, stats, {
    usesSearchList: query.usesSearchList, canRoute: (family) => !query.filtersUnroutable || machine.hasAddress(family),
  });
}

/** Without any configuration the list says loopback alone. */
function hasServers(machine: Machine): boolean {
  const servers = machine.nameServers();
  return servers.length > 1 || (servers.length === 1 && servers[0] !== '127.0.0.1');
}
