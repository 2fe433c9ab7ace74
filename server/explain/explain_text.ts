/** An explanation for people: one screen, one line per fact. */
import type { AskedRouteText, Change, ClusterText, EndpointText, Explanation, FilterText, Place, Verdict } from './explanation.ts';

const LABEL_WIDTH = 14;
/** Of routes whose path does not fit, those shown when nothing matched: the ones most like the path. */
const FAR_MISSES_SHOWN = 3;
const NEAR_MISSES_SHOWN = 8;
const ENDPOINTS_SHOWN = 4;
/** What a listener without a name is called. */
const GENERATED_NAME = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}$/;

/** `showsAll`: every route that was asked, every endpoint, the request as it goes out. Ends with a newline. */
export function renderExplanation(explanation: Explanation, showsAll: boolean): string {
  const { request, listener, filterChain, verdict } = explanation;
  const rows: [label: string, text: string][] = [
    ['request', `${request.method} ${request.url} from ${request.source}, random number ${request.random}`],
    ['verdict', verdictText(explanation)],
    ['listener', `${GENERATED_NAME.test(listener.name) ? '' : `'${listener.name}' at `}${listener.address}, chosen by ${listener.chosenBy}`],
    ['filter chain', filterChain === undefined ? 'none takes a connection like this' : `${filterChain.number} of ${filterChain.of}${filterChain.name === '' ? '' : ` '${filterChain.name}'`}`],
    ...managerRows(explanation),
    ...matchRows(explanation, showsAll),
    ...routeRows(explanation),
    ...clusterRows(explanation.cluster, verdict, showsAll),
    ...explanation.copies.map((address): [string, string] => ['copy to', address]),
    ...(showsAll ? listRows('sent', explanation.upstreamRequest) : []),
    ...explanation.bugs.map((bug): [string, string] => ['BUG', bug]),
  ];
  let previous = '';
  const lines = rows.map(([label, text]) => {
    const shown = label === previous ? '' : label;
    previous = label;
    return `${shown.padEnd(LABEL_WIDTH)} ${text}`.trimEnd();
  });
  return `${lines.join('\n')}\n`;
}

function verdictText({ verdict, heldMs }: Explanation): string {
  const held = heldMs === 0 ? '' : `, after HTTP filters held it for ${heldMs / 1000}s`;
  switch (verdict.kind) {
    case 'forwarded':
      return `forwarded to cluster ${verdict.cluster} at ${verdict.endpoint} as ${verdict.method} ${verdict.path} with host ${verdict.host}${held}`;
    case 'answered': {
      const where = verdict.location === undefined ? '' : `, location ${verdict.location}`;
      const body = verdict.body === undefined ? '' : `, body ${JSON.stringify(verdict.body.length > 60 ? `${verdict.body.slice(0, 60)}…` : verdict.body)}`;
      return `answered here with ${verdict.status}${verdict.details === undefined ? '' : ` (${verdict.details})`}${where}${body}${held}`;
    }
    case 'closed':
      return 'the connection is closed without an answer';
    default:
      return `neither forwarded nor answered within ${heldMs / 1000}s: an HTTP filter holds the request`;
  }
}

function managerRows({ connectionManager }: Explanation): [string, string][] {
  if (connectionManager === undefined) return [];
  const { statPrefix, clientAddress, isInternal, changes } = connectionManager;
  const first: [string, string] = ['manager', `'${statPrefix}': client ${clientAddress}, ${isInternal ? 'an internal request' : 'an external request'}`];
  return [first, ...changes.map((change): [string, string] => ['manager', changeText(change)])];
}

function changeText({ what, before, after }: Change): string {
  if (before === undefined && what === 'header x-request-id') return `${what} made`;
  if (before === undefined) return `${what} set to ${after}`;
  return after === undefined ? `${what} removed (was ${before})` : `${what} ${before} -> ${after}`;
}

function matchRows({ virtualHost, routes, route, verdict, routeConfig }: Explanation, showsAll: boolean): [string, string][] {
  const table = routeConfig === undefined || routeConfig === '' ? '' : ` of '${routeConfig}'`;
  if (virtualHost === undefined) return verdict.details === 'route_not_found' ? [['virtual host', `none${table}: no domain matches`]] : [];
  const rows: [string, string][] = [
    ['virtual host', `'${virtualHost.name}'${table}: domain ${virtualHost.domain} (${virtualHost.kind})${atText(virtualHost.at)}`],
  ];
  if (virtualHost.requiresTls) rows.push(['virtual host', 'require_tls answers before any route is asked']);
  if (routes === undefined || virtualHost.requiresTls) return rows;
  if (routes.hasTree) rows.push(['virtual host', routes.count === 0 ? 'its matcher tree leads to no route' : `its matcher tree leads to ${routes.count} route${routes.count === 1 ? '' : 's'}`]);
  const missed = routes.asked.filter((asked) => asked.failedField !== undefined);
  const shown = showsAll ? missed : interestingMisses(missed, route === undefined);
  for (const asked of shown) rows.push(['not taken', `${asked.number} ${nameText(asked.name)}${asked.path}: ${missText(asked)}${atText(asked.at)}`]);
  if (missed.length > shown.length) rows.push(['not taken', `${missed.length - shown.length} more (--all shows them)`]);
  const taken = routes.asked.find((asked) => asked.failedField === undefined);
  if (taken === undefined) rows.push(['route', `none of ${routes.count} matches`]);
  else rows.push(['route', `${taken.number} of ${routes.count} ${nameText(taken.name)}${taken.path}${atText(taken.at)}`]);
  return rows;
}

/** Those whose path fits; with no match at all also those whose path specifier looks most like it. */
function interestingMisses(missed: readonly AskedRouteText[], isUnmatched: boolean): AskedRouteText[] {
  const near = missed.filter((asked) => asked.isNearMiss).slice(-NEAR_MISSES_SHOWN);
  if (!isUnmatched) return near;
  const far = missed.filter((asked) => !asked.isNearMiss).toSorted((a, b) => b.commonPathLength - a.commonPathLength).slice(0, FAR_MISSES_SHOWN);
  return [...near, ...far].toSorted((a, b) => a.number - b.number);
}

function missText({ failedField, reason }: AskedRouteText): string {
  return reason === undefined ? `${failedField} does not match` : `${failedField}: ${reason}`;
}

function nameText(name: string): string {
  return name === '' ? '' : `'${name}' `;
}

function atText(at: Place): string {
  return at === undefined ? '' : `  ${at}`;
}

function routeRows({ route, rewrites, requestHeaders, responseHeaders, settings, filters, upstreamFilters, filterChanges, withoutEffect }: Explanation): [string, string][] {
  const rows: [string, string][] = [];
  if (route !== undefined) rows.push(['action', route.action]);
  if (route?.choice !== undefined) rows.push(['choice', route.choice]);
  for (const change of filterChanges) rows.push(['HTTP filters', changeText(change)]);
  for (const change of rewrites) rows.push(['rewrite', changeText(change)]);
  for (const { level, mutation } of requestHeaders) rows.push(['request', `${mutation}, by the ${level}`]);
  for (const { level, mutation } of responseHeaders) rows.push(['response', `${mutation}, by the ${level}`]);
  for (const { name, value, from, at } of settings) rows.push(['in force', `${name} ${value} (${from})${atText(at)}`]);
  for (const field of withoutEffect) rows.push(['no effect', field]);
  if (filters.length > 0) rows.push(['filters', chainText(filters)]);
  if (upstreamFilters.length > 0) rows.push(['upstream', `filters ${chainText(upstreamFilters)}`]);
  return rows;
}

function chainText(filters: readonly FilterText[]): string {
  return filters.map(({ name, isOn, note }) => `${name}${isOn ? '' : ' off'}${note === '' ? '' : ` (${note})`}`).join(', ');
}

function clusterRows(cluster: ClusterText | undefined, verdict: Verdict, showsAll: boolean): [string, string][] {
  if (cluster === undefined) {
    return verdict.details === 'cluster_not_found' ? [['cluster', 'the cluster does not exist']] : [];
  }
  const { endpoints } = cluster;
  const shown = showsAll ? endpoints : endpoints.filter((endpoint, i) => i < ENDPOINTS_SHOWN || endpoint.isChosen);
  const rows: [string, string][] = [
    ['cluster', `${cluster.name}: ${cluster.type}, ${cluster.lbPolicy}, ${endpoints.length} endpoint${endpoints.length === 1 ? '' : 's'}${cluster.note === undefined ? '' : ` (${cluster.note})`}`],
    ...shown.map((endpoint): [string, string] => ['endpoint', endpointText(endpoint)]),
  ];
  if (endpoints.length > shown.length) rows.push(['endpoint', `${endpoints.length - shown.length} more (--all shows them)`]);
  return rows;
}

function endpointText({ address, hostname, weight, priority, health, isChosen }: EndpointText): string {
  const facts = [...(hostname === '' || address.startsWith(`${hostname}:`) ? [] : [hostname]), ...(weight === 1 ? [] : [`weight ${weight}`]), ...(priority === 0 ? [] : [`priority ${priority}`]), health];
  return `${isChosen ? '*' : ' '} ${address} ${facts.join(', ')}`;
}

function listRows(label: string, lines: readonly string[]): [string, string][] {
  return lines.map((line) => [label, line]);
}
