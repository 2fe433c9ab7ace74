import type { XxHash64 } from '../base/xxhash64.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import type { ConnPool } from '../conn_pool/conn_pool.ts';
import type { TransportSocketOptions } from '../network/transport_socket.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { ClusterPolicies } from '../route/cluster_policies.ts';
import type { TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { HashPolicy } from '../route/hash_policy.ts';
import type { RouteEntry } from '../route/route_entry.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import type { Host } from '../upstream/host.ts';
import { LB_METADATA, MetadataCriteria } from '../upstream/metadata_criteria.ts';
import type { Retries } from './retries.ts';

/** What one request's hosts are chosen by, and the cookies made for it. One per pooled router. */
export class HostChoice {
  /** Set-Cookie values that hash policies made. */
  private cookies: string[];
  /** What the request asks of its connection. */
  private options: TransportSocketOptions | null;

  constructor() {
    this.cookies = NO_COOKIES;
    this.options = null;
  }

  /** A host for a try; `retries`: not for the first. Hash and criteria only where the cluster's balancer goes by them. */
  choose(cluster: UpstreamCluster, route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks, retries: Retries | null): Host | null {
    const info = callbacks.streamInfo;
    // Before the host's name is written into the headers.
    if (retries === null && cluster.info.autoServerName !== null) this.options = cluster.info.autoServerName.optionsOf(headers, info);
    const policies = cluster.info.policies as ClusterPolicies | null;
    const hash = cluster.usesHash && !cluster.namesHost(callbacks) ? this.hash(policies?.hashPolicy ?? route.hashPolicy, headers, info) : null;
    const criteria = cluster.usesMetadata ? criteriaFor(route, info) : null;
    return retries === null ? cluster.chooseHost(info.random, hash, criteria, callbacks) : retries.chooseHost(cluster, callbacks, hash, criteria);
  }

  /** Where connections to a host come from; null: the cluster has too many pools. `isTcp`: of plain TCP, for terminated CONNECTs. */
  pool(cluster: UpstreamCluster, host: Host, isTcp: boolean, priority: number, downstream: number): ConnPool | null {
    return isTcp ? cluster.tcpPool(host, priority, downstream, this.options) : cluster.pool(host, priority, downstream, this.options);
  }

  /** The hash by the policies of cluster or route; null = none. Allocates. */
  private hash(policy: HashPolicy | null, headers: HeaderMap, info: StreamInfo): XxHash64 | null {
    if (policy === null) return null;
    const cookies: string[] = [];
    const hasHash = policy.compute(headers, info, cookies);
    if (cookies.length > 0) this.cookies = cookies;
    return hasHash ? policy.hash : null;
  }

  /** Hands the cookies to the client. */
  addCookies(response: HeaderMap): void {
    const { cookies } = this;
    for (let i = 0; i < cookies.length; i++) response.add(HeaderId.setCookie, cookies[i]);
  }

  clear(): void {
    this.cookies = NO_COOKIES;
    this.options = null;
  }
}

const NO_COOKIES: string[] = [];

/** What a request wants of its host's metadata: the route's criteria, with those that filters left in its dynamic metadata on top. */
function criteriaFor(route: RouteEntry, info: StreamInfo): MetadataCriteria | null {
  const { metadataCriteria } = route;
  const own = info.dynamicMetadata?.get(LB_METADATA);
  if (own === undefined) return metadataCriteria;
  return metadataCriteria === null ? new MetadataCriteria(own) : metadataCriteria.merge(own);
}
