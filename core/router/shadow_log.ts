import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import type { PooledStream } from '../conn_pool/conn_pool.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { Protocol, StreamInfo } from '../stream_info/stream_info.ts';
import type { Host } from '../upstream/host.ts';
import type { TryObserver } from './try_observer.ts';
import type { LoggedTry, UpstreamLog } from './upstream_log.ts';

/** What is known of a copy that goes to `host` now. */
export function shadowInfo(cluster: UpstreamCluster, host: Host, clock: Float64Array): StreamInfo {
  const info = new StreamInfo();
  info.reset(clock);
  info.protocol = Protocol.http11;
  info.upstreamHost = host;
  info.upstreamAttemptCount = 1;
  info.upstreamClusterName = cluster.info.config.name;
  info.upstreamClusterObservabilityName = cluster.info.config.statName;
  info.upstreamClusterMetadata = cluster.info.config.metadata as StreamInfo['upstreamClusterMetadata'];
  info.upstreamRequestStartMs = clock[0];
  return info;
}

/** The router's log of one mirrored request, with what is known of its upstream. Made per copy, where such a log is configured. */
export class ShadowLog implements LoggedTry {
  readonly info: StreamInfo;
  readonly observer: TryObserver;
  private readonly headers: HeaderMap;
  private readonly clock: Float64Array;
  private stream: PooledStream | null;

  /** The copy, with these headers, is sent now. */
  constructor(log: UpstreamLog, info: StreamInfo, headers: HeaderMap, clock: Float64Array) {
    this.info = info;
    this.headers = headers;
    this.clock = clock;
    this.stream = null;
    this.observer = log.follow(this, info, null);
  }

  onReady(stream: PooledStream): void {
    const { info } = this;
    this.stream = stream;
    info.upstreamPoolReadyMs = this.clock[0];
    info.upstreamConnectStartMs = stream.connectStartMs;
    info.upstreamConnectEndMs = stream.connectEndMs;
    info.onUpstreamConnection(stream.connection);
    info.upstreamProtocol = Protocol.http11;
    info.hasUpstreamProtocol = true;
    info.firstUpstreamTxMs = this.clock[0];
    this.observer.onReady();
  }

  /** The copy has gone out whole. */
  onSent(): void {
    this.info.lastUpstreamTxMs = this.clock[0];
  }

  onResponseHeaders(headers: HeaderMap): void {
    this.info.firstUpstreamRxMs = this.clock[0];
    this.observer.onResponseHeaders(headers);
  }

  /** No connection, and nobody was asked for one (not `isHostAsked`), or it failed. */
  onPoolFailure(isHostAsked: boolean): void {
    this.info.upstreamPoolReadyMs = this.clock[0];
    if (!isHostAsked) this.info.upstreamHost = null;
  }

  end(): void {
    this.observer.end(this.clock[0]);
    this.stream = null;
  }

  requestHeaders(): HeaderMap {
    return this.headers;
  }

  recordAllBytes(): void {
    const { stream, info } = this;
    if (stream === null) return;
    info.upstreamWireBytesSent = stream.wireBytesSent();
    info.upstreamWireBytesReceived = stream.wireBytesReceived();
    info.upstreamHeaderBytesReceived = stream.responseHeadBytes();
    info.upstreamHeaderBytesSent = stream.requestHeadBytes();
  }
}
