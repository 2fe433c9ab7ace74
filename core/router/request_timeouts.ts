import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderGroup, HeaderId } from '../headers/header_names.ts';
import { isGrpcRequest } from '../headers/grpc_headers.ts';
import { grpcTimeoutMs, setGrpcTimeout } from '../route/grpc_timeout.ts';
import type { RouteEntry } from '../route/route_entry.ts';
import type { RouteTimeoutsConfig } from '../route/route_timeouts.ts';

/** What the router's configuration says of timeouts. */
export interface TimeoutRules {
  /** A given x-envoy-expected-rq-timeout-ms counts, and before x-envoy-upstream-rq-timeout-ms. */
  readonly respectExpectedRqTimeout: boolean;
  readonly suppressEnvoyHeaders: boolean;
}

/**
 * The timeouts of one request at the router, in milliseconds (0 = none): the route's, overridden by the headers of trusted
 * callers (untrusted ones' are gone) and, where the route says so, by grpc-timeout. One per pooled router.
 */
export class RequestTimeouts {
  /** The whole response, from the end of the request. */
  globalMs: number;
  /** One attempt, from when request and connection are there. */
  perTryMs: number;
  /** Silence of one attempt. */
  perTryIdleMs: number;
  /** The upstream stream, from when the connection is there; -1 = the cluster's. */
  streamMs: number;
  /** A try that is slow (perTryMs) is kept, and another begun beside it. */
  hedges: boolean;
  /** A timeout is answered with 204. */
  answersNoContent: boolean;
  /** grpc-timeout follows what the upstream is told. */
  private tellsGrpc: boolean;

  constructor() {
    this.globalMs = 0;
    this.perTryMs = 0;
    this.perTryIdleMs = 0;
    this.streamMs = -1;
    this.hedges = false;
    this.answersNoContent = false;
    this.tellsGrpc = false;
  }

  /** Works them out; takes the headers that were obeyed away and tells the upstream what it may expect. */
  resolve(route: RouteEntry, headers: HeaderMap, rules: TimeoutRules): void {
    const action = route.action;
    this.globalMs = route.timeoutMs;
    this.perTryMs = 0;
    this.perTryIdleMs = 0;
    this.hedges = false;
    let usesGrpc = false;
    if (action !== null) {
      this.perTryMs = action.perTryTimeoutMs;
      this.perTryIdleMs = action.perTryIdleTimeoutMs;
      this.hedges = action.hedgesOnPerTryTimeout;
      if (action.usesStreamDuration) this.globalMs = 0;
      else if (action.maxGrpcTimeoutMs >= 0 && isGrpcRequest(headers)) {
        usesGrpc = true;
        this.globalMs = globalFromGrpc(headers, action);
      }
    }
    const isToldHow = headers.hasAny(HeaderGroup.control);
    if (isToldHow) this.readHeaders(headers, rules.respectExpectedRqTimeout);
    if (this.globalMs > 0 && this.perTryMs >= this.globalMs) this.perTryMs = 0;
    this.tellsGrpc = usesGrpc;
    this.updateExpected(headers, 0, rules);
    this.streamMs = -1;
    this.answersNoContent = false;
    if (isToldHow) this.takeOthers(headers);
  }

  private takeOthers(headers: HeaderMap): void {
    if (headers.find(HeaderId.envoyUpstreamStreamDurationMs) >= 0) {
      this.streamMs = wholeNumber(headers, HeaderId.envoyUpstreamStreamDurationMs, -1);
      headers.remove(HeaderId.envoyUpstreamStreamDurationMs);
    }
    this.answersNoContent = headers.find(HeaderId.envoyUpstreamRqTimeoutAltResponse) >= 0;
    if (this.answersNoContent) headers.remove(HeaderId.envoyUpstreamRqTimeoutAltResponse);
  }

  /** Tells the upstream how long it has, `elapsedMs` after the request's end: one try, or all that is left. */
  updateExpected(headers: HeaderMap, elapsedMs: number, rules: TimeoutRules): void {
    const { globalMs } = this;
    // A try that is kept beside others has all the time there is.
    let expectedMs = this.perTryMs > 0 && !this.hedges ? this.perTryMs : globalMs;
    if (expectedMs <= 0) return;
    // 0 would be no limit at all.
    if (globalMs > 0) expectedMs = Math.max(1, Math.min(expectedMs, globalMs - Math.floor(elapsedMs)));
    if (!rules.suppressEnvoyHeaders) headers.setInteger(HeaderId.envoyExpectedRqTimeoutMs, expectedMs);
    if (this.tellsGrpc) setGrpcTimeout(headers, expectedMs);
  }

  private readHeaders(headers: HeaderMap, respectsExpected: boolean): void {
    if (respectsExpected && headers.find(HeaderId.envoyExpectedRqTimeoutMs) >= 0) {
      // The other header is the next proxy's.
      this.globalMs = wholeNumber(headers, HeaderId.envoyExpectedRqTimeoutMs, this.globalMs);
    } else if (headers.find(HeaderId.envoyUpstreamRqTimeoutMs) >= 0) {
      this.globalMs = wholeNumber(headers, HeaderId.envoyUpstreamRqTimeoutMs, this.globalMs);
      headers.remove(HeaderId.envoyUpstreamRqTimeoutMs);
    }
    if (headers.find(HeaderId.envoyUpstreamRqPerTryTimeoutMs) >= 0) {
      this.perTryMs = wholeNumber(headers, HeaderId.envoyUpstreamRqPerTryTimeoutMs, this.perTryMs);
      headers.remove(HeaderId.envoyUpstreamRqPerTryTimeoutMs);
    }
    if (headers.find(HeaderId.envoyHedgeOnPerTryTimeout) >= 0) {
      const value = headers.get(HeaderId.envoyHedgeOnPerTryTimeout);
      if (value === 'true' || value === 'false') this.hedges = value === 'true';
      headers.remove(HeaderId.envoyHedgeOnPerTryTimeout);
    }
  }
}

/** The deprecated max_grpc_timeout: the header's time, less an offset that leaves something of it, capped; 0 = none. */
function globalFromGrpc(headers: HeaderMap, config: RouteTimeoutsConfig): number {
  let ms = Math.max(0, grpcTimeoutMs(headers));
  if (config.grpcTimeoutOffsetMs < ms) ms -= config.grpcTimeoutOffsetMs;
  const max = config.maxGrpcTimeoutMs;
  return max > 0 && (ms === 0 || ms > max) ? max : ms;
}

function wholeNumber(headers: HeaderMap, nameId: number, fallback: number): number {
  const value = headers.get(nameId) ?? '';
  return /^\d{1,15}$/.test(value) ? Number(value) : fallback;
}
