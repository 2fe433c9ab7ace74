/**
 * Resolves names the way a system resolver does: numeric addresses as they are, then the hosts file, then name servers with
 * the search list. Answers carry their TTL. Thread: main.
 */
import { isIP } from 'node:net';
import type { DnsAnswer, DnsLookupFamily, DnsResolver, ResolvedAddress } from '../../core/network/dns_resolver.ts';
import type { Counter, Gauge, StatsScope } from '../../core/stats/stats.ts';
import type { NameServer } from './name_server.ts';
import { searchCandidates, type SystemDnsFiles } from './system_dns_files.ts';

/** Counters of all resolvers (`dns.cares.*`). */
export class DnsStats {
  readonly resolveTotal: Counter;
  readonly notFound: Counter;
  readonly getAddrFailure: Counter;
  readonly timeouts: Counter;
  readonly reinits: Counter;
  readonly pendingResolutions: Gauge;

  /** `scope`: the root scope. */
  constructor(scope: StatsScope) {
    const dns = scope.scope('dns').scope('cares');
    this.resolveTotal = dns.counter('resolve_total');
    this.notFound = dns.counter('not_found');
    this.getAddrFailure = dns.counter('get_addr_failure');
    this.timeouts = dns.counter('timeouts');
    this.reinits = dns.counter('reinits');
    this.pendingResolutions = dns.gauge('pending_resolutions');
  }
}

/** Families in the order they are asked; `isBoth`: ask all of them, else stop at the first that has addresses. */
const FAMILY_PLANS: Readonly<Record<DnsLookupFamily, { readonly order: readonly (4 | 6)[]; readonly isBoth: boolean }>> = {
  auto: { order: [6, 4], isBoth: false },
  v4_preferred: { order: [4, 6], isBoth: false },
  v4_only: { order: [4], isBoth: false },
  v6_only: { order: [6], isBoth: false },
  all: { order: [6, 4], isBoth: true },
};

const LOOPBACK: Readonly<Record<4 | 6, string>> = { 4: '127.0.0.1', 6: '::1' };

type FamilyAnswer = { readonly addresses: readonly ResolvedAddress[]; readonly failure: string };

/** What of a name is asked for. */
export interface ResolverRules {
  /** Names are tried with the system's search list. */
  readonly usesSearchList: boolean;
  /** Whether addresses of a family are of any use to this machine. */
  readonly canRoute: (family: 4 | 6) => boolean;
}

const ALL_OF_IT: ResolverRules = { usesSearchList: true, canRoute: () => true };

export class SystemDnsResolver implements DnsResolver {
  private readonly nameServer: NameServer;
  private readonly files: SystemDnsFiles;
  private readonly stats: DnsStats;
  private readonly rules: ResolverRules;
  private isClosed = false;

  constructor(nameServer: NameServer, files: SystemDnsFiles, stats: DnsStats, rules: ResolverRules = ALL_OF_IT) {
    this.rules = rules;
    this.nameServer = nameServer;
    this.files = files;
    this.stats = stats;
  }

  resolve(name: string, family: DnsLookupFamily, callback: (answer: DnsAnswer) => void): void {
    if (isIP(name) !== 0) {
      callback({ status: 'completed', addresses: [{ address: name, ttlSec: 0 }] });
      return;
    }
    const plan = FAMILY_PLANS[family];
    this.resolveFamilies(name, plan.order, plan.isBoth, [], '', callback);
  }

  close(): void {
    this.isClosed = true;
    this.nameServer.close();
  }

  private resolveFamilies(
    name: string, order: readonly (4 | 6)[], isBoth: boolean, found: readonly ResolvedAddress[], failure: string,
    callback: (answer: DnsAnswer) => void,
  ): void {
    if (order.length === 0 || (found.length > 0 && !isBoth)) {
      // No family answered with anything but errors: a failure. One that said "none" is an answer.
      const isFailed = found.length === 0 && failure !== '';
      if (isFailed) {
        this.stats.reinits.inc();
        this.nameServer.reinitialize();
      }
      callback(isFailed ? { status: 'failed', reason: failure } : { status: 'completed', addresses: found });
      return;
    }
    this.resolveFamily(name, order[0], (answer) => {
      this.resolveFamilies(name, order.slice(1), isBoth, [...found, ...answer.addresses], failure || answer.failure, callback);
    });
  }

  private resolveFamily(name: string, family: 4 | 6, callback: (answer: FamilyAnswer) => void): void {
    if (!this.rules.canRoute(family)) {
      callback({ addresses: [], failure: '' });
      return;
    }
    this.stats.resolveTotal.inc();
    const local = this.localAddresses(name, family);
    if (local !== undefined) {
      callback({ addresses: local.map((address) => ({ address, ttlSec: 0 })), failure: '' });
      return;
    }
    this.stats.pendingResolutions.inc();
    const candidates = this.rules.usesSearchList ? searchCandidates(name, this.files.searchRules()) : [name.replace(/\.$/, '')];
    this.askInTurn(candidates, family, '', (answer) => {
      this.stats.pendingResolutions.dec();
      if (answer.failure !== '') this.stats.getAddrFailure.inc();
      else if (answer.addresses.length === 0) this.stats.notFound.inc();
      callback(answer);
    });
  }

  /** What the machine itself knows, not empty; undefined = ask the name servers. */
  private localAddresses(name: string, family: 4 | 6): readonly string[] | undefined {
    const bare = name.replace(/\.$/, '').toLowerCase();
    const matching = this.files.hostsFor(bare).filter((address) => isIP(address) === family);
    if (matching.length > 0) return matching;
    // RFC 6761 section 6.3: names below localhost are the loopback address, whatever a name server says.
    return bare === 'localhost' || bare.endsWith('.localhost') ? [LOOPBACK[family]] : undefined;
  }

  /** Asks for one candidate name after the other until one has addresses. */
  private askInTurn(candidates: readonly string[], family: 4 | 6, failure: string, callback: (answer: FamilyAnswer) => void): void {
    if (candidates.length === 0) {
      callback({ addresses: [], failure });
      return;
    }
    this.nameServer.query(candidates[0], family, (answer) => {
      if (this.isClosed) return;
      if (answer.kind === 'addresses' && answer.addresses.length > 0) {
        callback({ addresses: answer.addresses, failure: '' });
        return;
      }
      if (answer.kind === 'failed' && answer.code === 'ETIMEOUT') this.stats.timeouts.inc();
      this.askInTurn(candidates.slice(1), family, answer.kind === 'failed' ? answer.code : failure, callback);
    });
  }
}
