import type { StreamInfo } from '../stream_info/stream_info.ts';

/** Takes down what was exchanged with upstreams so far, in an array of four. */
export function takeBytes(info: StreamInfo, bytes: Float64Array): void {
  bytes[0] = info.upstreamWireBytesSent;
  bytes[1] = info.upstreamWireBytesReceived;
  bytes[2] = info.upstreamHeaderBytesSent;
  bytes[3] = info.upstreamHeaderBytesReceived;
}

/** Adds what `takeBytes` took down: the counts of a request are sums over all its tries. */
export function addBytes(info: StreamInfo, bytes: Float64Array): void {
  info.upstreamWireBytesSent += bytes[0];
  info.upstreamWireBytesReceived += bytes[1];
  info.upstreamHeaderBytesSent += bytes[2];
  info.upstreamHeaderBytesReceived += bytes[3];
}
