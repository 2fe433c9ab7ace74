/** Runs one HTTP filter as a stream does: real iteration in both directions, fake neighbours, time that moves when told. */
import { TurnBuffer } from '../../core/buffer/turn_buffer.ts';
import type { Timer } from '../../core/event/timer.ts';
import { TimerWheel } from '../../core/event/timer_wheel.ts';
import { processFormatEnvironment } from '../../core/formatter/format_environment.ts';
import { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderId, HeaderNames } from '../../core/headers/header_names.ts';
import { fillLocalReply } from '../../core/http/connection_manager/local_reply_writer.ts';
import { LogContext } from '../../core/access_log/access_log.ts';
import type { HttpFilter, LocalReplyOptions, TimerTarget } from '../../core/http/filter.ts';
import type { FilterDispatcher, HttpFilterContext, ServerFacts } from '../../core/http/filter_context.ts';
import { type FilteredStream, FilterHandle } from '../../core/http/filter_manager/filter_handle.ts';
import { Direction, FilterIteration, type IterationOwner } from '../../core/http/filter_manager/filter_iteration.ts';
import type { RouteEntry } from '../../core/route/route_entry.ts';
import { RouteKind } from '../../core/route/route_entry.ts';
import { RuntimeSnapshot, type RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import { createSharedSlabs } from '../../core/shared_memory/layout.ts';
import { type ProcessCount, ProcessCounts } from '../../core/shared_memory/process_counts.ts';
import { StreamInfo } from '../../core/stream_info/stream_info.ts';
import { headerPairs } from './header_map.ts';
import { createLocalStats, type LocalStats } from './local_stats.ts';

const SLAB_BYTES = 1 << 20;
const WALL_MS = 1_700_000_000_000;

/** Server facts that a test sets. */
export class FakeServerFacts implements ServerFacts {
  healthCheckFailed = false;
  private readonly slabs = createSharedSlabs(2);
  /** Healthy, degraded and all hosts by cluster. */
  readonly clusters = new Map<string, { readonly healthy: number; readonly degraded: number; readonly total: number }>();

  shouldDrainClose(): boolean {
    return false;
  }

  isHealthCheckFailed(): boolean {
    return this.healthCheckFailed;
  }

  clusterHealthyPercent(cluster: string): number {
    return this.percent(cluster, 'healthy');
  }

  clusterDegradedPercent(cluster: string): number {
    return this.percent(cluster, 'degraded');
  }

  clusterMembershipTotal(cluster: string): number {
    return this.clusters.get(cluster)?.total ?? -1;
  }

  processCount(name: string): ProcessCount {
    return new ProcessCounts(this.slabs.countNames, this.slabs.counts, 0).get(name);
  }

  /** What another worker counts. */
  otherWorkersCount(name: string): ProcessCount {
    return new ProcessCounts(this.slabs.countNames, this.slabs.counts, 1).get(name);
  }

  private percent(cluster: string, field: 'healthy' | 'degraded'): number {
    const facts = this.clusters.get(cluster);
    if (facts === undefined) return -1;
    return facts.total === 0 ? 0 : (facts[field] * 100) / facts.total;
  }
}

/** A worker with one filter: what its factories get, and time. */
export class FilterBench implements FilterDispatcher {
  readonly names = new HeaderNames();
  readonly slab = new Uint8Array(SLAB_BYTES);
  readonly turn = new TurnBuffer(this.slab, 0, SLAB_BYTES, 0, 0);
  readonly stats: LocalStats = createLocalStats();
  readonly server = new FakeServerFacts();
  readonly context: HttpFilterContext;
  /** What `context.random()` gives next; 0 for ever when empty. */
  readonly randoms: number[] = [];
  readonly clock = new Float64Array(2);
  private readonly wheel = new TimerWheel(this.clock, (error) => {
    throw error;
  });

  constructor(runtime: RuntimeValues = {}, node: { readonly cluster: string } = { cluster: 'node-cluster' }) {
    const random = () => this.randoms.shift() ?? 0;
    this.clock[0] = 1000;
    this.clock[1] = WALL_MS;
    this.wheel.update();
    this.context = {
      scope: this.stats.scope.scope('http.test'), rootScope: this.stats.scope, names: this.names, runtime: new RuntimeSnapshot(runtime),
      createAccessLoggers: () => [], formatEnvironment: processFormatEnvironment(this.names, () => this.wallMs, random), server: this.server, clusters: { get: () => null },
      slab: this.slab, turn: this.turn, clock: this.clock, localAddress: '10.0.0.1', createTimer: (target) => this.wheel.createTimer(target), dispatcher: this, product: () => undefined, random, localClusterName: '', nodeCluster: node.cluster, nodeId: 'node',
    };
  }

  get nowMs(): number {
    return this.clock[0];
  }

  get wallMs(): number {
    return this.clock[1];
  }

  createTimer(target: TimerTarget): Timer {
    return this.wheel.createTimer(target);
  }

  run(work: () => void): void {
    work();
  }

  reportException(error: unknown): void {
    throw error;
  }

  /** What is over stays as it is: no stream is used twice here. */
  deferDelete(): void {}

  /** Moves time on in small steps, firing timers. */
  advance(ms: number): void {
    const end = this.clock[0] + ms;
    while (this.clock[0] < end) {
      this.clock[0] = Math.min(end, this.clock[0] + 1);
      this.clock[1] = WALL_MS + this.clock[0];
      this.wheel.update();
      this.wheel.advance();
    }
  }

  /** A stream through `filter`; use several one after another to see that the filter is as new. */
  stream(filter: HttpFilter, route: FakeRoute | null = new FakeRoute()): FilterStream {
    return new FilterStream(this, filter, route);
  }
}

/** A matched route with per-route configurations of the filter under test, least specific first. */
export class FakeRoute {
  readonly routeName = 'route';
  readonly virtualHostName = 'host';
  readonly clusterName: string;
  readonly kind: RouteKind;
  private readonly configs: readonly unknown[];

  constructor(configs: readonly unknown[] = [], clusterName = 'cluster', kind: RouteKind = RouteKind.route) {
    this.configs = configs;
    this.clusterName = clusterName;
    this.kind = kind;
  }

  perFilterConfig(): unknown {
    return this.configs.at(-1);
  }

  perFilterConfigs(): unknown[] {
    return [...this.configs];
  }
}

/** What one side of a stream got. */
export interface Received {
  status: number;
  headers: [string, string][] | null;
  body: string;
  trailers: [string, string][] | null;
  isComplete: boolean;
}

/** One stream: send requests and responses through, look at what came out behind the filter. */
export class FilterStream implements FilteredStream, IterationOwner {
  readonly info = new StreamInfo();
  readonly requestHeaders: HeaderMap;
  readonly responseHeaders: HeaderMap;
  readonly responseTrailers: HeaderMap;
  private readonly requestTrailers: HeaderMap;
  readonly decode: FilterIteration;
  readonly encode: FilterIteration;
  readonly context: { readonly logContext: LogContext; readonly parts: { readonly localReplies: null } };
  readonly owner = null;
  readonly handle: FilterHandle;
  readonly upstream: Received = nothing();
  readonly downstream: Received = nothing();
  readonly filter: HttpFilter;
  isRequestDone = false;
  isResponseStarted = false;
  isDestroyed = false;
  isReset = false;
  /** How often a buffer went over its limit; whether back-pressure holds now. */
  bufferOverflows = 0;
  isRequestPaused = false;
  isUpstreamPaused = false;
  private isLocalReply = false;
  private readonly route: FakeRoute | null;

  constructor(bench: FilterBench, filter: HttpFilter, route: FakeRoute | null) {
    this.filter = filter;
    this.route = route;
    const map = () => new HeaderMap(bench.names, bench.turn);
    this.requestHeaders = map();
    this.responseHeaders = map();
    this.requestTrailers = map();
    this.responseTrailers = map();
    this.info.reset(bench.clock);
    this.decode = new FilterIteration(this, Direction.decode, [filter], bench.slab);
    this.encode = new FilterIteration(this, Direction.encode, [filter], bench.slab);
    this.decode.reset(65536);
    this.encode.reset(65536);
    this.context = { logContext: new LogContext(), parts: { localReplies: null } };
    this.handle = new FilterHandle(this, bench, filter, { name: 'filter.name', decodeIndex: 0, encodeIndex: 0, isDisabledByDefault: false });
    filter.setCallbacks?.(this.handle);
  }

  /** Sends request headers: pairs with pseudo-headers among them; a GET for / when they are left out. */
  request(pairs: readonly (readonly [string, string])[] = [], endStream = true): this {
    fill(this.requestHeaders, [[':method', 'GET'], [':path', '/'], ...pairs]);
    this.isRequestDone = endStream;
    this.decode.onHeaders(this.requestHeaders, endStream);
    return this;
  }

  requestBody(text: string, endStream = false): this {
    if (endStream) this.isRequestDone = true;
    if (this.isIterationOver(Direction.decode)) return this;
    const bytes = Buffer.from(text);
    this.decode.onData(bytes, 0, bytes.length, endStream);
    return this;
  }

  requestTrailersOf(pairs: readonly (readonly [string, string])[]): this {
    this.isRequestDone = true;
    fill(this.requestTrailers, pairs);
    if (!this.isIterationOver(Direction.decode)) this.decode.onTrailers(this.requestTrailers);
    return this;
  }

  /** Sends response headers; status 200 when it is left out. */
  response(pairs: readonly (readonly [string, string])[] = [], endStream = true): this {
    fill(this.responseHeaders, [[':status', '200'], ...pairs]);
    this.info.responseCode = this.responseHeaders.status;
    this.encode.onHeaders(this.responseHeaders, endStream);
    return this;
  }

  responseBody(text: string, endStream = false): this {
    const bytes = Buffer.from(text);
    this.encode.onData(bytes, 0, bytes.length, endStream);
    return this;
  }

  responseTrailersOf(pairs: readonly (readonly [string, string])[]): this {
    fill(this.responseTrailers, pairs);
    this.encode.onTrailers(this.responseTrailers);
    return this;
  }

  /** The stream is gone, as when the client went away. */
  destroy(): void {
    if (this.isDestroyed) return;
    this.filter.onStreamComplete?.();
    this.isDestroyed = true;
    this.filter.onDestroy?.();
  }

  /** Value of a header the upstream / the client got, undefined if it got none. */
  upstreamHeader(name: string): string | undefined {
    return this.upstream.headers?.find(([other]) => other === name)?.[1];
  }

  downstreamHeader(name: string): string | undefined {
    return this.downstream.headers?.find(([other]) => other === name)?.[1];
  }

  // === FilteredStream ===

  routeEntry(): RouteEntry | null {
    return this.route as RouteEntry | null;
  }

  clearRouteCache(): void {}

  validRequestHeaders(): HeaderMap | null {
    return this.requestHeaders.methodLength === 0 ? null : this.requestHeaders;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.encode.onHeaders(headers, endStream);
  }

  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    this.encode.onData(bytes, offset, length, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.encode.onTrailers(trailers);
  }

  sendLocalReply(status: number, body: string, options: LocalReplyOptions): void {
    if (this.isDestroyed || this.isLocalReply) return;
    this.isLocalReply = true;
    this.info.responseCodeDetails = options.details;
    const text = fillLocalReply(this, status, body, options);
    this.encode.onHeaders(this.responseHeaders, text === '');
    if (text !== '') this.responseBody(text, true);
  }

  readDisableRequest(disable: boolean): void {
    this.isRequestPaused = disable;
  }

  pauseResponse(isPaused: boolean): void {
    this.isUpstreamPaused = isPaused;
  }

  isResponsePaused(): boolean {
    return this.isUpstreamPaused;
  }

  onEscaped(error: unknown): void {
    throw error;
  }

  resetStream(): void {
    this.isReset = true;
    this.destroy();
  }

  // === IterationOwner ===

  deliverHeaders(direction: number, headers: HeaderMap, endStream: boolean): void {
    const side = this.side(direction);
    if (direction === Direction.encode) this.isResponseStarted = true;
    side.status = headers.status;
    side.headers = headerPairs(headers);
    if (headers.pathLength > 0) side.headers.unshift([':path', headers.get(HeaderId.path) ?? '']);
    if (endStream) this.complete(direction);
  }

  deliverData(direction: number, bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    this.side(direction).body += Buffer.from(bytes.subarray(offset, offset + length)).toString();
    if (endStream) this.complete(direction);
  }

  deliverTrailers(direction: number, trailers: HeaderMap): void {
    this.side(direction).trailers = headerPairs(trailers);
    this.complete(direction);
  }

  onBufferLimit(direction: number): void {
    this.bufferOverflows++;
    this.sendLocalReply(direction === Direction.decode ? 413 : 500, '', { details: 'over_the_limit' });
  }

  onBufferWatermark(direction: number, isAbove: boolean): void {
    if (direction === Direction.decode) this.readDisableRequest(isAbove);
    else this.pauseResponse(isAbove);
  }

  retainHeaders(direction: number): void {
    (direction === Direction.decode ? this.requestHeaders : this.responseHeaders).retain();
  }

  isIterationOver(direction: number): boolean {
    return this.isDestroyed || (direction === Direction.decode && this.isLocalReply);
  }

  private side(direction: number): Received {
    return direction === Direction.decode ? this.upstream : this.downstream;
  }

  /** The end of the response is the end of the stream. */
  private complete(direction: number): void {
    this.side(direction).isComplete = true;
    if (direction === Direction.encode) this.destroy();
  }
}

function nothing(): Received {
  return { status: 0, headers: null, body: '', trailers: null, isComplete: false };
}

function fill(headers: HeaderMap, pairs: readonly (readonly [string, string])[]): void {
  headers.clear();
  for (const [name, value] of pairs) {
    if (name === ':method') headers.setMethod(value);
    else if (name === ':path') headers.setPath(value);
    else if (name === ':status') headers.status = Number(value);
    else headers.add(name === ':authority' ? HeaderId.authority : headers.names.intern(name), value);
  }
}
