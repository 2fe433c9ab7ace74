/** Answers where a request goes and why: asks a dry run, and puts what the configuration says beside it. Thread: main. */
import type { ConnectionManagerConfig } from '../../core/http/connection_manager/config.ts';
import type { FilterChainConfig } from '../../core/network/listener/listener_config.ts';
import { parseIp } from '../../core/base/cidr.ts';
import type { RouteConfig } from '../../core/route/route_config.ts';
import { VirtualHostMatcher } from '../../core/route/virtual_host_matcher.ts';
import type { DryRunResult, RequestState, RouteDecision } from '../../workers/protocol/dry_run.ts';
import { managerOf } from './connection_managers.ts';
import { addressText, changesBetween, stateOfWire, verdictOf } from './explain_outcome.ts';
import { checkQuery, type ExplainQuery, QueryError, type WireRequest, wireRequest } from './explain_query.ts';
import { actionText, choiceText, filterTexts, mutationTexts, placeText, type RoutePlace, settingsOf, upstreamFiltersOf } from './explain_route.ts';
import type { ExplainSubject, SubjectCluster, SubjectListener } from './explain_subject.ts';
import type { AskedRouteText, ClusterText, Explanation, Verdict } from './explanation.ts';
import { failureText, pathText } from './match_text.ts';
import { utf8 } from './offline_routes.ts';

/** Any port will do. */
const SOURCE_PORT = 50_000;

/** @throws QueryError when the question makes no sense. */
export function explain(query: ExplainQuery, subject: ExplainSubject): Explanation {
  checkQuery(query);
  const wire = wireRequest(query);
  const { listener, port, chosenBy } = chooseListener(query, wire, subject.listeners);
  const ownAddress = `${ownIp(wire.host, listener)}:${port}`;
  const result = subject.dryRun({
    listener: listener.config, clusters: subject.clusters.map(({ id, config, hosts }) => ({ id, config, hosts: { cluster: config.name, hosts } })),
    hostHealth: subject.hostHealth, runtime: subject.runtime, node: subject.node, bytes: wire.bytes,
    source: { address: query.sourceIp, port: SOURCE_PORT }, ownAddress, random: query.random, isInternal: query.isInternal, wallMs: subject.nowMs(),
  });
  const { filterChains, defaultFilterChain } = listener.config;
  const chain = filterChains.at(result.filterChain) ?? defaultFilterChain;
  const manager = result.filterChain < 0 || chain === null ? null : managerOf(chain);
  const place = manager === null ? undefined : chosenRoute(manager.routeConfig, result.decision);
  return {
    request: { method: wire.method, url: query.url, source: query.sourceIp, random: query.random },
    listener: { name: listener.config.name, address: ownAddress, chosenBy },
    filterChain: result.filterChain < 0 || chain === null ? undefined : chainText(chain, result.filterChain, filterChains.length),
    connectionManager: manager === null || result.received === null ? undefined : {
      statPrefix: manager.statPrefix, clientAddress: result.clientAddress, isInternal: result.isInternal,
      changes: changesBetween(stateOfWire(wire), result.received),
    },
    ...explainMatching(manager?.routeConfig ?? null, result),
    ...explainRoute(manager, place, result, query, subject),
    heldMs: result.heldMs,
    cluster: explainCluster(result, subject),
    copies: result.others.map((other) => addressText(other.address, other.port)),
    verdict: withNames(verdictOf(result), subject),
    upstreamRequest: result.upstream === null ? [] : utf8(result.upstream.head).split('\r\n'),
    bugs: [...result.exceptions, ...(result.decision?.isLive === false ? ['the route explained is not the one that traffic gets'] : [])],
  };
}

function chooseListener(query: ExplainQuery, wire: WireRequest, listeners: readonly SubjectListener[]): { listener: SubjectListener; port: number; chosenBy: string } {
  const list = listeners.map(({ config, ports }) => `'${config.name}' (port ${ports.join(', ')})`).join(', ');
  if (listeners.length === 0) throw new QueryError('there are no listeners');
  if (query.listener !== '') {
    const named = listeners.find(({ config }) => config.name === query.listener);
    if (named === undefined) throw new QueryError(`there is no listener '${query.listener}'; there are ${list}`);
    return { listener: named, port: named.ports.includes(wire.port) ? wire.port : named.ports[0] ?? 0, chosenBy: 'its name' };
  }
  const fitting = listeners.filter(({ ports }) => ports.includes(wire.port));
  if (fitting.length === 1) return { listener: fitting[0], port: wire.port, chosenBy: 'the port of the URL' };
  if (listeners.length === 1) return { listener: listeners[0], port: listeners[0].ports[0] ?? 0, chosenBy: 'being the only one' };
  throw new QueryError(`${fitting.length === 0 ? `no listener has port ${wire.port}` : `several listeners have port ${wire.port}`}: name one with --listener; there are ${list}`);
}

/** Our side's address: the URL's where it is one. */
function ownIp(host: string, listener: SubjectListener): string {
  const configured = listener.config.addresses[0]?.address ?? '';
  const ip = parseIp(host) !== null ? host : parseIp(configured) === null || /^[0.:]+$/.test(configured) ? '127.0.0.1' : configured;
  return ip.includes(':') ? `[${ip}]` : ip;
}

function chainText(chain: FilterChainConfig, index: number, count: number): Explanation['filterChain'] {
  return { name: index === count && chain.name === '' ? 'default_filter_chain' : chain.name, number: index + 1, of: count };
}

function chosenRoute(table: RouteConfig | null, decision: RouteDecision | null): RoutePlace | undefined {
  if (table === null || decision === null || decision.virtualHost === null || decision.route === null) return undefined;
  return { table, virtualHost: decision.virtualHost, route: decision.route, weighted: decision.weightedCluster };
}

function explainMatching(table: RouteConfig | null, { decision, received }: DryRunResult): Pick<Explanation, 'routeConfig' | 'virtualHost' | 'routes'> {
  const routeConfig = table?.name;
  if (table === null || decision === null || received === null || decision.virtualHost === null) return { routeConfig, virtualHost: undefined, routes: undefined };
  const { virtualHost } = decision;
  const domain = domainOf(table, received.authority);
  const asked = decision.asked.map(({ route, failedField }, index): AskedRouteText => {
    const { name, match, position } = route;
    const isFailed = failedField !== '';
    return {
      number: index + 1, name, path: pathText(match.path), at: placeText(position),
      failedField: isFailed ? failedField : undefined,
      reason: isFailed ? failureText(match, failedField, received) || undefined : undefined,
      isNearMiss: isFailed && !isPathField(failedField),
      commonPathLength: 'value' in match.path ? commonLength(match.path.value, received.path) : 0,
    };
  });
  return {
    routeConfig,
    virtualHost: { name: virtualHost.name, domain, kind: domainKind(domain), at: placeText(virtualHost.position), requiresTls: decision.redirectsToTls },
    // Of a matcher tree those of the leaf that it leads to.
    routes: { count: virtualHost.matcher === null ? virtualHost.routes.length : asked.length, hasTree: virtualHost.matcher !== null, asked },
  };
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}

const PATH_FIELDS: ReadonlySet<string> = new Set(['prefix', 'path', 'path_separated_prefix', 'safe_regex', 'connect_matcher', 'path_match_policy']);

function isPathField(field: string): boolean {
  return PATH_FIELDS.has(field);
}

/** The domain that matches, by the matcher that chooses the virtual host. */
function domainOf(table: RouteConfig, authority: string): string {
  const domains = table.virtualHosts.flatMap((host) => host.domains.map((domain) => [domain, domain] as const));
  const bytes = Buffer.from(authority, 'latin1');
  return new VirtualHostMatcher(domains, table.ignorePortInHostMatching).find(bytes, 0, bytes.length) ?? '';
}

function domainKind(domain: string): string {
  if (domain === '*') return 'any host';
  return domain.startsWith('*') ? 'suffix' : domain.endsWith('*') ? 'prefix' : 'exact';
}

type RoutePart = Pick<Explanation, 'route' | 'filters' | 'upstreamFilters' | 'filterChanges' | 'rewrites' | 'requestHeaders' | 'responseHeaders' | 'settings' | 'withoutEffect'>;

function explainRoute(manager: ConnectionManagerConfig | null, place: RoutePlace | undefined, result: DryRunResult, query: ExplainQuery, subject: ExplainSubject): RoutePart {
  const { lookup } = subject;
  const cluster = subject.clusters.find(({ config }) => config.name === result.clusterName);
  const { received, filtered, decision } = result;
  const sent = result.upstream === null ? null : stateOfHead(result.upstream.head);
  return {
    route: place === undefined || decision === null ? undefined : {
      name: place.route.name, number: decision.asked.length, at: placeText(place.route.position),
      action: actionText(place.route), choice: choiceText(place, query.random),
    },
    filters: manager === null ? [] : filterTexts(manager.filters, place),
    upstreamFilters: manager === null || cluster === undefined || sent === null ? [] : filterTexts(upstreamFiltersOf(manager, cluster.config), place),
    filterChanges: received === null || filtered === null ? [] : changesBetween(received, filtered),
    rewrites: filtered === null || sent === null ? [] : changesBetween(filtered, sent).filter(({ what }) => what === 'path' || what === 'host'),
    // Whoever answers itself sends no request on.
    requestHeaders: place?.route.action.kind === 'route' ? mutationTexts(place, 'requestHeaders') : [],
    responseHeaders: place === undefined ? [] : mutationTexts(place, 'responseHeaders'),
    settings: place === undefined || manager === null || received === null ? [] : settingsOf(place, manager, { request: received, expectedMs: expectedMs(sent), cluster: cluster?.config }, lookup),
    withoutEffect: place === undefined || place.route.position === null ? [] : lookup?.withoutEffect(place.route.position.path) ?? [],
  };
}

/** The timeout that the router tells the upstream host. */
function expectedMs(sent: RequestState | null): number | undefined {
  const header = sent?.headers.find(([name]) => name === 'x-envoy-expected-rq-timeout-ms');
  return header === undefined ? undefined : Number(header[1]);
}

function stateOfHead(head: string): RequestState {
  const [start = '', ...lines] = head.split('\r\n');
  const [method = '', path = ''] = start.split(' ');
  const pairs = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const authority = pairs.find(([name]) => name === 'host')?.[1] ?? '';
  return { method, path, authority, scheme: 'http', headers: pairs.filter(([name]) => name !== 'host') };
}

function explainCluster({ clusterName, upstream }: DryRunResult, subject: ExplainSubject): ClusterText | undefined {
  const cluster = subject.clusters.find(({ config }) => config.name === clusterName);
  if (cluster === undefined) return undefined;
  const { provided } = cluster.config;
  const members = membersOf(cluster, subject);
  return {
    name: clusterName, type: provided?.kind === 'aggregate' ? `aggregate of ${provided.clusters.join(', ')}` : cluster.type,
    lbPolicy: provided === null ? cluster.config.lbPolicy.name : 'chosen by the cluster',
    note: provided?.kind === 'original_dst' ? 'requests say theirs' : members.every(({ unresolved }) => unresolved.size === 0) ? undefined : 'names are not resolved here',
    endpoints: members.flatMap(({ hosts, unresolved }) => hosts.map(({ id, address, port, hostname, weight, priority }) => ({
      address: unresolved.get(id) ?? addressText(address, port), hostname, weight, priority,
      health: (subject.hostHealth.get(id) ?? 0) === 0 ? 'healthy' : 'unhealthy',
      isChosen: upstream !== null && upstream.address === address && upstream.port === port,
    }))),
  };
}

/** Clusters whose hosts are the cluster's: itself, or those that it is made of. */
function membersOf(cluster: SubjectCluster, { clusters }: ExplainSubject): SubjectCluster[] {
  const { provided } = cluster.config;
  if (provided?.kind !== 'aggregate') return [cluster];
  return provided.clusters.flatMap((name) => clusters.filter(({ config }) => config.name === name));
}

/** Hosts that were not resolved go by their names. */
function withNames(verdict: Verdict, subject: ExplainSubject): Verdict {
  const cluster = subject.clusters.find(({ config }) => config.name === verdict.cluster);
  for (const { hosts, unresolved } of cluster === undefined ? [] : membersOf(cluster, subject)) {
    const host = hosts.find(({ address, port }) => addressText(address, port) === verdict.endpoint);
    const name = host === undefined ? undefined : unresolved.get(host.id);
    if (name !== undefined) return { ...verdict, endpoint: name };
  }
  return verdict;
}
