/** ClusterLoadAssignment to plain endpoints. Thread: main. */
import type { ClusterLoadAssignment } from '../../core/api/gen/envoy/config/endpoint/v3/endpoint_pb.d.ts';
import type { Endpoint, LbEndpoint, LocalityLbEndpoints } from '../../core/api/gen/envoy/config/endpoint/v3/endpoint_components_pb.d.ts';
import { parseNamedAddress, parseNumericAddress } from '../../core/network/parse_address.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import { parseMetadata } from '../../core/route/parse_metadata.ts';
import type { EndpointConfig, HostAddress } from '../../core/upstream/cluster_config.ts';
import { parseEndpointHealthCheck } from '../health_checks/parse_health_check.ts';
import type { SocketMatches } from './socket_matches.ts';

const HEALTH_STATUS = ['unknown', 'healthy', 'unhealthy', 'draining', 'timeout', 'degraded'] as const;
const NAME_HINT = ". Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'";
const LOGICAL_TEXT = 'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint';

/** How a cluster finds its hosts, as far as its endpoints are concerned. */
export type EndpointKind = 'static' | 'strict_dns' | 'logical_dns';

/** All endpoints in order. Missing assignments mean no hosts, as in Envoy. */
export function parseEndpoints(message: ClusterLoadAssignment | undefined, kind: EndpointKind, cluster: object, sockets: SocketMatches, context: ParseContext): EndpointConfig[] {
  if (message === undefined) {
    if (kind === 'logical_dns') context.error(cluster, undefined, LOGICAL_TEXT);
    return [];
  }
  // The name matters to endpoint discovery only.
  context.consume(message, 'cluster_name');
  if (Object.keys(message.namedEndpoints).length > 0) context.refuse(message, 'named_endpoints', 'named endpoints');
  const endpoints: EndpointConfig[] = [];
  for (const locality of message.endpoints) parseLocality(locality, kind, sockets, endpoints, context);
  if (kind === 'logical_dns' && (message.endpoints.length !== 1 || message.endpoints[0].lbEndpoints.length !== 1)) {
    context.error(message, 'endpoints', LOGICAL_TEXT);
  }
  return endpoints;
}

function parseLocality(message: LocalityLbEndpoints, kind: EndpointKind, sockets: SocketMatches, endpoints: EndpointConfig[], context: ParseContext): void {
  if (message.lbConfig.case === 'ledsClusterLocalityConfig') context.refuse(message, 'leds_cluster_locality_config', 'xDS (locality endpoint discovery)');
  const list = message.lbConfig.case === 'loadBalancerEndpoints' ? message.lbConfig.value.lbEndpoints : message.lbEndpoints;
  const place = {
    priority: message.priority,
    region: message.locality?.region ?? '',
    zone: message.locality?.zone ?? '',
    subZone: message.locality?.subZone ?? '',
    localityWeight: message.loadBalancingWeight ?? 0,
  };
  const metadata = sockets.isEmpty ? {} : parseMetadata(message.metadata);
  for (const endpoint of list) {
    const parsed = parseEndpoint(endpoint, kind, place, context);
    if (parsed === undefined) continue;
    const chosen = sockets.of(parsed.metadata, metadata);
    endpoints.push(chosen === undefined ? parsed : { ...parsed, sockets: chosen });
  }
}

type Place = Pick<EndpointConfig, 'priority' | 'region' | 'zone' | 'subZone' | 'localityWeight'>;

function parseEndpoint(message: LbEndpoint, kind: EndpointKind, place: Place, context: ParseContext): EndpointConfig | undefined {
  const identifier = message.hostIdentifier;
  if (identifier.case !== 'endpoint') {
    if (identifier.case === 'endpointName') context.refuse(message, 'endpoint_name', 'named endpoints');
    else context.error(message, undefined, "'endpoint' must be set");
    return undefined;
  }
  const endpoint = identifier.value;
  if (endpoint.address === undefined) {
    context.error(endpoint, undefined, 'Address must be set');
    return undefined;
  }
  const address = kind === 'static' ? parseNumericAddress(endpoint.address, context, NAME_HINT) : parseNamedAddress(endpoint.address, context);
  const healthCheck = parseEndpointHealthCheck(endpoint.healthCheckConfig, context);
  if (address === undefined) return undefined;
  const additional = kind === 'static' ? parseAdditional(endpoint, address, context) : [];
  return {
    ...address,
    ...(additional.length === 0 ? {} : { additional }),
    hostname: endpoint.hostname,
    weight: message.loadBalancingWeight ?? 1,
    ...place,
    healthStatus: HEALTH_STATUS[message.healthStatus] ?? 'unknown',
    metadata: parseMetadata(message.metadata),
    ...(healthCheck === undefined ? {} : { healthCheck }),
  };
}

/** Further addresses of a host; those of names are what the names resolve to. */
function parseAdditional(endpoint: Endpoint, { address }: HostAddress, context: ParseContext): HostAddress[] {
  const found: HostAddress[] = [];
  for (const each of endpoint.additionalAddresses) {
    if (each.address === undefined) {
      context.error(each, undefined, 'Address must be set');
      continue;
    }
    const further = parseNumericAddress(each.address, context, NAME_HINT);
    if (further === undefined) continue;
    if (isPath(further.address) || isPath(address)) context.error(each, 'address', 'additional_addresses must be IP addresses.');
    else found.push(further);
  }
  return found;
}

function isPath(address: string): boolean {
  return address.startsWith('/') || address.startsWith('@');
}
