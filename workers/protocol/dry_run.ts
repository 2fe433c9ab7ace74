/** What a dry run is asked and what it answers: plain data. */
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { RouteEntryConfig, VirtualHostConfig, WeightedClusterConfig } from '../../core/route/route_config.ts';
import type { ClusterSnapshot, Snapshot } from '../../core/snapshot/snapshot.ts';
import type { RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';

export type HeaderPair = readonly [name: string, value: string];

/** One request to one listener. */
export interface DryRunRequest {
  readonly listener: ListenerConfig;
  /** Clusters with the hosts known now. */
  readonly clusters: readonly ClusterSnapshot[];
  /** HostHealthFlag bits by host id; absent = healthy. */
  readonly hostHealth: ReadonlyMap<number, number>;
  readonly runtime: RuntimeValues;
  readonly node: Snapshot['node'];
  /** The request as it comes over the wire. */
  readonly bytes: Uint8Array;
  readonly source: { readonly address: string; readonly port: number };
  /** Our side of the connection, `ip:port`. */
  readonly ownAddress: string;
  /** The stream's random number, [0, 2^31). */
  readonly random: number;
  /** The request counts as an internal one, whatever the rules say. */
  readonly isInternal: boolean;
  /** Wall clock, milliseconds. */
  readonly wallMs: number;
}

/** A request at some point of its way. Values are Latin-1 texts. */
export interface RequestState {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly scheme: 'http' | 'https';
  /** Without pseudo-headers and host, in order. */
  readonly headers: readonly HeaderPair[];
}

/** A route that was asked. */
export interface AskedRoute {
  readonly route: RouteEntryConfig;
  /** The field below `match` that does not fit; '' = it matches. */
  readonly failedField: string;
}

/** How the route table came to its answer. */
export interface RouteDecision {
  /** null = none. */
  readonly virtualHost: VirtualHostConfig | null;
  readonly redirectsToTls: boolean;
  readonly asked: readonly AskedRoute[];
  /** The route taken; null = none, or the redirect to TLS. */
  readonly route: RouteEntryConfig | null;
  /** The weighted cluster taken. */
  readonly weightedCluster: WeightedClusterConfig | null;
  /** The routing that traffic got agrees with it: else there is a bug. */
  readonly isLive: boolean;
}

/** What would have gone out to an upstream host. */
export interface DryUpstream {
  readonly address: string;
  readonly port: number;
  /** The request as it goes over the wire: start line and headers. */
  readonly head: string;
}

/** What became of the request. */
export interface DryRunResult {
  /** Index of the filter chain among the listener's; the number of those = the default chain; -1 = none took the connection. */
  readonly filterChain: number;
  /** Behind the connection manager's own rules; null when it, or the codec, answered. */
  readonly received: RequestState | null;
  readonly isInternal: boolean;
  /** What counts as the client's address, `ip:port`. */
  readonly clientAddress: string;
  readonly decision: RouteDecision | null;
  /** Behind the HTTP filters; null when one of them answered (or holds the request). */
  readonly filtered: RequestState | null;
  /** Milliseconds that HTTP filters held the request. */
  readonly heldMs: number;
  readonly clusterName: string;
  /** The request that goes to the chosen host. */
  readonly upstream: DryUpstream | null;
  /** Requests that go to other hosts (mirrors). */
  readonly others: readonly DryUpstream[];
  /** The answer made here, as it goes over the wire; '' = none. */
  readonly response: string;
  /** RESPONSE_CODE_DETAILS of an answer made here. */
  readonly responseDetails: string;
  /** Exceptions in callbacks: bugs. */
  readonly exceptions: readonly string[];
}

/** Runs one request. What is compiled for a listener is kept for the next one while nothing has changed. */
export type DryRun = (request: DryRunRequest) => DryRunResult;
