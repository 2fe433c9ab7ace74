import type { XxHash64 } from '../base/xxhash64.ts';
import type { ChoosingRequest } from '../conn_pool/cluster_lookup.ts';
import type { TransportSocketOptions } from '../network/transport_socket.ts';
import type { Http1ConnPool } from '../http/conn_pool/http1_pool.ts';
import type { Http1PoolContext } from '../http/conn_pool/http1_pool_client.ts';
import { CircuitKind } from '../shared_memory/layout.ts';
import type { BalancerEnvironment } from '../upstream/balancer_environment.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import type { SharedTables } from '../upstream/consistent_hash/hash_table.ts';
import { ForeseeingChooser } from '../upstream/foreseeing_chooser.ts';
import type { Host } from '../upstream/host.ts';
import type { LoadBalancerFactory } from '../upstream/load_balancer.ts';
import type { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import { type HostWords, ThreadLocalCluster } from './thread_local_cluster.ts';

/** Connections made at once for requests that are not there yet. */
const PRECONNECTS_AT_ONCE = 3;

/** The clusters that a worker has made so far. */
export interface Neighbours {
  readonly clusters: readonly { readonly info: ClusterInfo }[];
}

/**
 * A cluster with `predictive_preconnect_ratio`: whenever a request is about to be sent, connections are made to the hosts that the next
 * requests will go to, until there are so many per request that waits or runs: those of all clusters of the worker together count, as in
 * Envoy, where connections that other clusters have to spare hold this back. Other clusters pay nothing; a request of this one costs
 * some 10 ns for each cluster that the worker uses. Semantics: Envoy api config/cluster/v3/cluster.proto, PreconnectPolicy.
 */
export class PredictiveCluster extends ThreadLocalCluster {
  private readonly foresight: ForeseeingChooser;
  /** The request that a pool is asked for was placed by this cluster, not by an aggregate, which does not look ahead. */
  private hasChosen: boolean;
  /** The clusters that this worker uses, this one among them. Set before the first request. */
  neighbours: Neighbours | null;

  constructor(info: ClusterInfo, poolContext: Http1PoolContext, factory: LoadBalancerFactory, random: () => number, words: HostWords, tables: SharedTables, environment: BalancerEnvironment) {
    super(info, poolContext, factory, random, words, tables, environment);
    this.foresight = new ForeseeingChooser(this.balancer);
    this.balancer = this.foresight;
    this.hasChosen = false;
    this.neighbours = null;
  }

  /** Whether anybody can tell where the next requests go: not where they say so themselves, by a hash or metadata. */
  static suits({ config }: ClusterInfo, factory: LoadBalancerFactory): boolean {
    return config.predictivePreconnectRatio > 1 && config.provided === null && factory.usesHash !== true && factory.subsets === undefined;
  }

  override chooseHost(random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null, request: ChoosingRequest): Host | null {
    this.hasChosen = true;
    return super.chooseHost(random, hash, criteria, request);
  }

  /** A request of this cluster has a host that its balancer did not choose. */
  onChosenElsewhere(): void {
    this.hasChosen = true;
  }

  protected override poolOfKind(host: Host, priority: number, isTcp: boolean, downstream: number, options: TransportSocketOptions | null): Http1ConnPool | null {
    const pool = super.poolOfKind(host, priority, isTcp, downstream, options);
    if (pool !== null && this.hasChosen) {
      this.hasChosen = false;
      this.preconnect(pool, priority, isTcp, downstream, options);
    }
    return pool;
  }

  /** `current`: where the request goes. */
  private preconnect(current: Http1ConnPool, priority: number, isTcp: boolean, downstream: number, options: TransportSocketOptions | null): void {
    const ratio = this.info.config.predictivePreconnectRatio;
    for (let made = 0; made < PRECONNECTS_AT_ONCE && this.wantsConnection(ratio); made++) {
      const host = this.foresight.peek(this.context);
      const pool = host === null ? null : super.poolOfKind(host, priority, isTcp, downstream, options);
      if (pool === null) return;
      if (!pool.preconnect(ratio)) {
        if (pool !== current) pool.leave();
        return;
      }
    }
  }

  /** The request that is about to be sent counts as well. */
  private wantsConnection(ratio: number): boolean {
    const clusters = this.neighbours?.clusters ?? [];
    let requests = 0;
    let connections = 0;
    for (let i = 0; i < clusters.length; i++) {
      const [normal, high] = clusters[i].info.breakers;
      requests += normal.ownUse(CircuitKind.pending) + normal.ownUse(CircuitKind.requests) + high.ownUse(CircuitKind.pending) + high.ownUse(CircuitKind.requests);
      connections += normal.ownUse(CircuitKind.connections) + high.ownUse(CircuitKind.connections);
    }
    return (requests + 1) * ratio > connections;
  }
}
