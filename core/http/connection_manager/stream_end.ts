import type { StreamInfo } from '../../stream_info/stream_info.ts';
import type { LocalReplyOptions } from '../filter.ts';
import type { Http1ServerConnection } from '../http1/server_connection.ts';
import type { ManagerContext } from './manager_context.ts';
import { UpgradeKind } from './upgrades.ts';

/** Takes down what had come of a request when its headers were complete. */
export function noteRequestHead(info: StreamInfo, codec: Http1ServerConnection): void {
  info.downstreamHeaderBytesReceived = codec.requestHeaderLineBytes;
  // All that was read with them, as in Envoy.
  info.downstreamWireBytesReceived = codec.wireBytesReceived + codec.unreadBytes;
}

/** Answers that the request is too large: while it was being read, even if its last bytes came along. */
export function refuseBody(stream: { isRequestDone: boolean; readonly info: StreamInfo; readonly owner: { closeAfterResponse(): void } | null; sendLocalReply(status: number, body: string, options: LocalReplyOptions): void }): void {
  stream.isRequestDone = false;
  stream.info.requestCompleteMs = NaN;
  stream.owner?.closeAfterResponse();
  stream.sendLocalReply(413, 'Payload Too Large', { details: 'request_payload_too_large' });
}

/** Takes down how a stream ended. `codec` null: its connection is gone. */
export function settleStream(context: ManagerContext, info: StreamInfo, codec: Http1ServerConnection | null, upgrade: number, isRequestDone: boolean, isReset: boolean): void {
  const { stats, dispatcher } = context.parts;
  info.endTimeMs = dispatcher.io.clock[0];
  stats.rqActive.dec();
  if (upgrade !== UpgradeKind.none) stats.cxUpgradesActive.dec();
  if (info.isHealthCheck) stats.tracingHealthCheck.inc();
  else stats.rqTime.record(info.msSinceStart(dispatcher.io.clock));
  if (codec === null) return;
  info.downstreamWireBytesSent = codec.wireBytesSent;
  if (isRequestDone) return;
  info.downstreamWireBytesReceived = codec.wireBytesReceived + codec.unreadBytes;
  // The rest of the request is cut off: its stream counts as reset.
  if (!isReset) stats.rqRxReset.inc();
}
