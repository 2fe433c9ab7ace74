import type { BodyData } from '../../../../core/buffer/body_data.ts';
import type { Timer } from '../../../../core/event/timer.ts';
import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId } from '../../../../core/headers/header_names.ts';
import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, type FilterCallbacks, type HttpFilter } from '../../../../core/http/filter.ts';
import type { RuntimeFraction } from '../../../../core/runtime/runtime_snapshot.ts';
import { ResponseFlag } from '../../../../core/stream_info/response_flags.ts';
import { ResponsePacer } from '../common/response_pacer.ts';
import type { FaultSettings } from './fault_settings.ts';
import type { DownstreamCluster, FaultShared } from './fault_stats.ts';

const ABORT_BODY = 'fault filter abort';
const ABORT_DETAILS = 'fault_filter_abort';

/**
 * Injects faults: a delay, then perhaps an abort; a slowed response. A stream counts as one active fault whatever it got.
 */
export class FaultFilter implements HttpFilter {
  private readonly shared: FaultShared;
  private readonly filterSettings: FaultSettings;
  private callbacks: FilterCallbacks | null;
  private delayTimer: Timer | null;
  private pacer: ResponsePacer | null;
  /** Those of the stream: the route's, or the filter's. */
  private settings: FaultSettings;
  private cluster: DownstreamCluster | null;
  private isFaultActive: boolean;

  constructor(shared: FaultShared, settings: FaultSettings) {
    this.shared = shared;
    this.filterSettings = settings;
    this.callbacks = null;
    this.delayTimer = null;
    this.pacer = null;
    this.settings = settings;
    this.cluster = null;
    this.isFaultActive = false;
  }

  setCallbacks(callbacks: FilterCallbacks): void {
    this.callbacks = callbacks;
    this.delayTimer = callbacks.createTimer(this);
    this.pacer = new ResponsePacer(callbacks);
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const callbacks = this.callbacks;
    if (callbacks === null) return FilterHeadersStatus.continue;
    const settings = (callbacks.routeConfig() as FaultSettings | undefined) ?? this.filterSettings;
    if (settings.isEmpty || !this.isForCluster(settings, callbacks) || !settings.matches(headers)) return FilterHeadersStatus.continue;
    this.settings = settings;
    if (!settings.config.disableDownstreamClusterStats) this.cluster = this.downstreamCluster(headers);
    this.limitResponse(headers);
    if (this.delay(headers, callbacks)) return FilterHeadersStatus.stopAllIterationAndWatermark;
    return this.abort(headers, callbacks) ? FilterHeadersStatus.stopIteration : FilterHeadersStatus.continue;
  }

  encodeData(data: BodyData, endStream: boolean): FilterDataStatus {
    const pacer = this.pacer;
    if (pacer === null || !pacer.isActive) return FilterDataStatus.continue;
    pacer.write(data, endStream);
    return FilterDataStatus.stopIterationNoBuffer;
  }

  encodeTrailers(): FilterTrailersStatus {
    const pacer = this.pacer;
    return pacer?.isActive === true && pacer.holdsTrailers() ? FilterTrailersStatus.stopIteration : FilterTrailersStatus.continue;
  }

  /** The delay is over: an abort may follow. */
  onTimeout(): void {
    const callbacks = this.callbacks;
    const headers = callbacks?.requestHeaders() ?? null;
    if (callbacks === null || headers === null || this.abort(headers, callbacks)) return;
    callbacks.continueDecoding();
  }

  onDestroy(): void {
    if (this.isFaultActive) {
      this.isFaultActive = false;
      this.shared.end();
      this.delayTimer?.disable();
      this.pacer?.reset();
    }
    this.cluster = null;
  }

  private isForCluster(settings: FaultSettings, callbacks: FilterCallbacks): boolean {
    const wanted = settings.config.upstreamCluster;
    if (wanted === '') return true;
    const route = callbacks.route();
    return route !== null && route.clusterName === wanted;
  }

  private downstreamCluster(headers: HeaderMap): DownstreamCluster | null {
    const name = headers.get(HeaderId.envoyDownstreamServiceCluster);
    return name === undefined || name === '' ? null : this.shared.downstreamCluster(name);
  }

  private limitResponse(headers: HeaderMap): void {
    const settings = this.settings;
    const limitKbps = settings.limitKbps(headers);
    if (limitKbps < 0 || !this.isHit(settings.limitFraction(headers)) || !this.becomeActive()) return;
    this.shared.responseRlInjected.inc();
    this.pacer?.start(limitKbps);
  }

  private delay(headers: HeaderMap, callbacks: FilterCallbacks): boolean {
    const { settings, shared, cluster } = this;
    if (settings.config.delay === null || !this.isHit(settings.delayFraction(headers, cluster?.delayPercentKey))) return false;
    let ms = settings.delayMs(headers);
    if (ms < 0) return false;
    ms = shared.runtime.getInteger(settings.config.runtimeKeys.delayDuration, ms);
    if (cluster !== null) ms = shared.runtime.getInteger(cluster.delayDurationKey, ms);
    if (ms === 0 || !this.becomeActive()) return false;
    this.delayTimer?.enable(ms);
    shared.delaysInjected.inc();
    cluster?.countDelay();
    callbacks.streamInfo.setFlag(ResponseFlag.delayInjected);
    this.setMetadata(callbacks);
    return true;
  }

  private abort(headers: HeaderMap, callbacks: FilterCallbacks): boolean {
    const { settings, shared, cluster } = this;
    if (settings.config.abort === null || !this.isHit(settings.abortFraction(headers, cluster?.abortPercentKey))) return false;
    const { runtimeKeys } = settings.config;
    let httpStatus = settings.abortHttpStatus(headers);
    let grpcStatus = -1;
    if (httpStatus >= 0) {
      httpStatus = shared.runtime.getInteger(runtimeKeys.abortHttpStatus, httpStatus);
      if (cluster !== null) httpStatus = shared.runtime.getInteger(cluster.abortHttpStatusKey, httpStatus);
    } else {
      grpcStatus = settings.abortGrpcStatus(headers);
      if (grpcStatus < 0) return false;
      grpcStatus = shared.runtime.getInteger(runtimeKeys.abortGrpcStatus, grpcStatus);
      if (cluster !== null) grpcStatus = shared.runtime.getInteger(cluster.abortGrpcStatusKey, grpcStatus);
      httpStatus = 200;
    }
    if (!this.becomeActive()) return false;
    shared.abortsInjected.inc();
    cluster?.countAbort();
    callbacks.streamInfo.setFlag(ResponseFlag.faultInjected);
    this.setMetadata(callbacks);
    callbacks.sendLocalReply(httpStatus, ABORT_BODY, grpcStatus < 0 ? { details: ABORT_DETAILS } : { details: ABORT_DETAILS, grpcStatus });
    return true;
  }

  private isHit(fraction: RuntimeFraction): boolean {
    return this.shared.runtime.featureEnabled(fraction, this.shared.random());
  }

  /** Counts the stream as an active fault, once; false when there are too many. */
  private becomeActive(): boolean {
    if (this.isFaultActive) return true;
    const { shared } = this;
    const { maxActiveFaults, runtimeKeys } = this.settings.config;
    const max = shared.runtime.getInteger(runtimeKeys.maxActiveFaults, maxActiveFaults);
    this.isFaultActive = shared.begin(max);
    return this.isFaultActive;
  }

  private setMetadata(callbacks: FilterCallbacks): void {
    const metadata = this.settings.config.filterMetadata;
    if (metadata === null) return;
    const info = callbacks.streamInfo;
    info.dynamicMetadata ??= new Map();
    info.dynamicMetadata.set(callbacks.filterName, { ...info.dynamicMetadata.get(callbacks.filterName), ...metadata });
  }
}
