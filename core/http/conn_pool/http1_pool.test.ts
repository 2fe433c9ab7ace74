import { beforeEach, describe, expect, it } from 'vitest';
import { FakeIo, type FakeSocket } from '../../../test/support/fake_io.ts';
import { headerMap } from '../../../test/support/header_map.ts';
import { clusterConfig, hostConfig } from '../../../test/support/in_process_worker.ts';
import { createLocalStats, type LocalStats } from '../../../test/support/local_stats.ts';
import type { ConnPool, PooledStream, PoolRequest } from '../../conn_pool/conn_pool.ts';
import { HeaderMap } from '../../headers/header_map.ts';
import { HeaderNames } from '../../headers/header_names.ts';
import { CloseMode } from '../../io/io.ts';
import { IoDispatcher } from '../../network/io_dispatcher.ts';
import { CircuitKind, createSharedSlabs } from '../../shared_memory/layout.ts';
import { CircuitBreaker } from '../../upstream/circuit_breaker.ts';
import type { ClusterConfig } from '../../upstream/cluster_config.ts';
import { ClusterInfo, ClusterStats } from '../../upstream/cluster_info.ts';
import { Host } from '../../upstream/host.ts';
import { RESET_REASON_TEXT, type RequestEncoder, type ResetReason, type ResponseDecoder } from '../codec.ts';
import { Http1Literals } from '../http1/encoder.ts';
import { UnderscoreAction } from '../http1/settings.ts';
import { Http1ConnPool } from './http1_pool.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const names = new HeaderNames();

/** A request that sends a GET as soon as it has a connection, and writes down what becomes of it. */
class TestRequest implements PoolRequest, ResponseDecoder {
  poolNext: PoolRequest | null = null;
  poolPrevious: PoolRequest | null = null;
  waitingIn: ConnPool | null = null;
  readonly log: string[] = [];
  readonly responseHeaders: HeaderMap;
  readonly responseTrailers: HeaderMap;
  encoder: RequestEncoder | null = null;
  stream: PooledStream | null = null;
  /** Begins the next request when this one fails. */
  onFailure: () => void = () => {};
  private readonly dispatcher: IoDispatcher;
  private readonly name: string;

  constructor(dispatcher: IoDispatcher, name: string) {
    this.dispatcher = dispatcher;
    this.name = name;
    this.responseHeaders = new HeaderMap(names, dispatcher.turn);
    this.responseTrailers = new HeaderMap(names, dispatcher.turn);
  }

  onPoolReady(stream: PooledStream): void {
    this.log.push('ready');
    this.stream = stream;
    this.encoder = stream.open(this);
    this.encoder.encodeHeaders(headerMap(names, [[':method', 'GET'], [':path', `/${this.name}`], [':authority', 'h']], this.dispatcher.turn), true);
  }
  onPoolFailure(reason: ResetReason, transportFailure: string): void {
    this.log.push(`failed ${RESET_REASON_TEXT[reason]}${transportFailure === '' ? '' : `: ${transportFailure}`}`);
    this.onFailure();
  }
  decode1xxHeaders(): void {}
  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.log.push(`response ${headers.status}${endStream ? ' end' : ''}`);
  }
  decodeData(_offset: number, length: number, endStream: boolean): void {
    this.log.push(`data ${length}${endStream ? ' end' : ''}`);
  }
  decodeTrailers(): void {
    this.log.push('trailers');
  }
  onResetStream(reason: ResetReason): void {
    this.log.push(`reset ${RESET_REASON_TEXT[reason]}`);
  }
  onBelowWriteBufferLowWatermark(): void {}
}

describe('Http1ConnPool', () => {
  let io: FakeIo;
  let dispatcher: IoDispatcher;
  let stats: LocalStats;
  let pool: Http1ConnPool;
  let host: Host;
  let count: number;
  let hostStats: Float64Array;

  function build(overrides: Partial<ClusterConfig> = {}): void {
    io = new FakeIo();
    dispatcher = new IoDispatcher(io, (error) => {
      throw error;
    });
    dispatcher.start();
    stats = createLocalStats();
    const slabs = createSharedSlabs(1);
    const config = clusterConfig({ connectTimeoutMs: 250, idleTimeoutMs: 10_000, ...overrides });
    const circuits = slabs.circuits.map((slab) => new Int32Array(slab));
    const breakers = [
      new CircuitBreaker(circuits, { worker: 0, cluster: 'c', clusterId: 0, priority: 0 }, config.defaultThresholds),
      new CircuitBreaker(circuits, { worker: 0, cluster: 'c', clusterId: 0, priority: 1 }, config.highThresholds),
    ] as const;
    const cluster = new ClusterInfo(config, new ClusterStats(stats.scope), breakers);
    hostStats = new Float64Array(slabs.hostStats[0]);
    host = new Host(hostConfig(0, 81), new Int32Array(slabs.hostHealth), hostStats);
    const counter = stats.scope.counter('underscores');
    let ids = 0;
    const settings = {
      maxHeadersCount: 100, maxHeadersBytes: 61440, allowChunkedLength: false, enableTrailers: false, properCaseWords: false, ignoredUpgrades: [], sendsFullUrl: false, preserveCase: null, acceptHttp10: true, allowCustomMethods: true, allowAbsoluteUrl: true, countsHeaderBytes: true,
      underscores: UnderscoreAction.allow, droppedHeadersWithUnderscores: counter, rejectedWithUnderscores: counter, onProtocolError: () => cluster.stats.cxProtocolError.inc(),
    };
    pool = new Http1ConnPool({ dispatcher, literals: new Http1Literals(dispatcher.turn), settings, cluster, sockets: null, nextConnectionId: () => ++ids }, host, 0);
    count = 0;
  }
  beforeEach(() => build());

  function request(): TestRequest {
    const made = new TestRequest(dispatcher, String(++count));
    dispatcher.run(() => pool.newStream(made));
    return made;
  }

  function connect(): FakeSocket {
    const socket = io.latest;
    io.connected(socket.connection);
    return socket;
  }

  const active = () => [stats.value('upstream_cx_active'), stats.value('upstream_rq_active'), stats.value('upstream_rq_pending_active')];

  it('connects for a request, sends it, and keeps the connection', () => {
    const first = request();
    expect([first.log, io.latest.address, io.latest.port, active()]).toEqual([[], '127.0.0.1', 81, [1, 0, 1]]);
    const socket = connect();
    expect(socket.sent).toBe('GET /1 HTTP/1.1\r\nhost: h\r\n\r\n');
    expect(active()).toEqual([1, 1, 0]);
    io.data(socket.connection, OK);
    expect(first.log).toEqual(['ready', 'response 200 end']);
    expect(active()).toEqual([1, 0, 0]);
    const second = request();
    expect(second.log).toEqual(['ready']);
    expect(socket.sent).toContain('GET /2 ');
    expect(io.socketCount).toBe(1);
    expect(stats.value('upstream_cx_total')).toBe(1);
    expect(stats.value('upstream_rq_total')).toBe(2);
  });

  it('gives the connection used last', () => {
    request();
    request();
    const [a, b] = [io.socket(1), io.socket(2)];
    io.connected(1);
    io.connected(2);
    io.data(2, OK);
    io.data(1, OK);
    request();
    expect(a.sent).toContain('GET /3 ');
    expect(b.sent).not.toContain('GET /3 ');
  });

  it('serves waiting requests in order, on whatever connection is free first', () => {
    const requests = [request(), request(), request()];
    expect(io.socketCount).toBe(3);
    io.connected(2);
    expect(requests.map((made) => made.log.length)).toEqual([1, 0, 0]);
    io.data(2, OK);
    expect(requests.map((made) => made.log.length)).toEqual([2, 1, 0]);
    io.connected(1);
    expect(requests[2].log).toEqual(['ready']);
  });

  it.each([[111, 'Connection refused'], [113, 'No route to host'], [999, 'errno 999']])('fails everything that waits when a connect fails with %d', (errno, text) => {
    const requests = [request(), request()];
    io.connected(1, errno);
    for (const made of requests) expect(made.log).toEqual([`failed remote connection failure: delayed connect error: ${text}`]);
    expect(stats.value('upstream_cx_connect_fail')).toBe(1);
    expect(stats.value('upstream_rq_pending_failure_eject')).toBe(2);
    expect(active()).toEqual([1, 0, 0]);
    io.connected(2);
    expect(active()).toEqual([1, 0, 0]);
  });

  it('counts the requests of a connection when it ends, if it ever began', () => {
    const counts: number[] = [];
    pool.context.cluster.stats.rqPerCx.record = (requests) => counts.push(requests);
    request();
    request();
    io.connected(1, 111);
    expect(counts).toEqual([]);
    request();
    const socket = connect();
    io.data(socket.connection, OK);
    request();
    io.data(socket.connection, OK);
    expect(counts).toEqual([]);
    io.eof(socket.connection);
    expect(counts).toEqual([2]);
  });

  it('lets a request that fails begin another at once', () => {
    const first = request();
    let again: TestRequest | undefined;
    first.onFailure = () => {
      again = request();
    };
    io.connected(1, 111);
    expect(io.socketCount).toBe(2);
    io.connected(2);
    expect(again?.log).toEqual(['ready']);
  });

  it('fails at once when no socket can be made', () => {
    io.connectError = 24;
    expect(request().log).toEqual(['failed local connection failure: immediate connect error: Too many open files']);
    expect(active()).toEqual([0, 0, 0]);
    expect(pool.context.cluster.breakers[0].inUse(CircuitKind.connections)).toBe(0);
  });

  it('gives up connecting after the connect timeout', () => {
    const made = request();
    io.advance(240);
    expect(made.log).toEqual([]);
    io.advance(40);
    expect(made.log).toEqual(['failed connection timeout']);
    expect(io.latest.closed).toBe(CloseMode.now);
    expect(stats.value('upstream_cx_connect_timeout')).toBe(1);
    expect(active()).toEqual([0, 0, 0]);
  });

  it('closes what was idle for the idle timeout', () => {
    request();
    const socket = connect();
    io.data(socket.connection, OK);
    io.advance(9900, 100);
    expect(socket.closed).toBe(-1);
    io.advance(300, 100);
    expect(socket.closed).toBe(CloseMode.now);
    expect(stats.value('upstream_cx_idle_timeout')).toBe(1);
    request();
    expect(io.socketCount).toBe(2);
  });

  it('does not time out a busy connection', () => {
    request();
    const socket = connect();
    io.data(socket.connection, OK);
    io.advance(9000, 100);
    request();
    io.advance(60_000, 1000);
    expect(socket.closed).toBe(-1);
  });

  it('takes a cancelled request out', () => {
    const [first, second] = [request(), request()];
    dispatcher.run(() => pool.cancel(first));
    expect(active()).toEqual([2, 0, 1]);
    io.connected(1);
    expect([first.log, second.log]).toEqual([[], ['ready']]);
    dispatcher.run(() => pool.cancel(first));
    expect(stats.value('upstream_rq_cancelled')).toBe(1);
    io.connected(2);
    expect(io.socket(2).closed).toBe(-1);
  });

  it('uses a connection no longer than max_connection_duration: at once when idle, else after its exchange', () => {
    build({ maxConnectionDurationMs: 1000 });
    const first = request();
    const socket = connect();
    io.advance(1500);
    expect([stats.value('upstream_cx_max_duration_reached'), socket.closed]).toEqual([1, -1]);
    io.data(socket.connection, OK);
    expect([first.log.at(-1), socket.closed]).toEqual(['response 200 end', CloseMode.now]);
    request();
    const second = connect();
    io.data(second.connection, OK);
    io.advance(1500);
    expect([stats.value('upstream_cx_max_duration_reached'), second.closed, stats.value('upstream_cx_idle_timeout'), active()]).toEqual([2, CloseMode.now, 0, [0, 0, 0]]);
    io.advance(5000);
    expect(stats.value('upstream_cx_max_duration_reached')).toBe(2);
  });

  it('connects in advance as preconnect_policy asks', () => {
    build({ preconnectRatio: 1.5 });
    request();
    // One for the request, half a one for the next.
    expect(io.socketCount).toBe(2);
    // Connection numbers may begin anywhere.
    const [first, second] = io.sockets.filter((socket) => socket !== undefined);
    io.connected(first.connection);
    io.connected(second.connection);
    expect(active()).toEqual([2, 1, 0]);
    request();
    expect([second.sent, io.socketCount]).toEqual(['GET /2 HTTP/1.1\r\nhost: h\r\n\r\n', 3]);
    io.connected(io.latest.connection);
    io.data(first.connection, OK);
    expect([active(), io.socketCount]).toEqual([[3, 1, 0], 3]);
    dispatcher.run(() => pool.drain());
    io.data(second.connection, OK);
    expect(active()).toEqual([0, 0, 0]);
  });

  it('closes after max_requests_per_connection', () => {
    build({ maxRequestsPerConnection: 2 });
    request();
    const socket = connect();
    io.data(socket.connection, OK);
    expect(socket.closed).toBe(-1);
    request();
    io.data(socket.connection, OK);
    expect(socket.closed).toBe(CloseMode.now);
    expect(stats.value('upstream_cx_max_requests')).toBe(1);
  });

  it('is one of the counted pools while it has connections or requests, and none too many is given', () => {
    build({ defaultThresholds: { maxConnections: 9, maxPendingRequests: 9, maxRequests: 9, maxRetries: 3, trackRemaining: false, maxConnectionPools: 1 } });
    expect(pool.take()).toBe(true);
    const other = new Http1ConnPool(pool.context, host, 0);
    expect([pool.take(), other.take()]).toEqual([true, false]);
    const waiting = request();
    pool.cancel(waiting);
    expect(other.take()).toBe(false);
    connect();
    pool.drain();
    expect([other.take(), pool.take()]).toEqual([true, false]);
  });

  it.each([
    ['connection: close', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['bytes behind the response', `${OK}x`],
  ])('does not use a connection again after %s, and connects for who waits', (_why, response) => {
    build({ defaultThresholds: { maxConnections: 1, maxPendingRequests: 9, maxRequests: 9, maxRetries: 3, trackRemaining: false } });
    const [first, second] = [request(), request()];
    const socket = connect();
    io.data(socket.connection, response);
    expect(first.log).toEqual(['ready', 'response 200 end']);
    expect(socket.closed).toBe(CloseMode.now);
    expect(second.log).toEqual([]);
    expect(io.socketCount).toBe(2);
    connect();
    expect(second.log).toEqual(['ready']);
  });

  it('closes an idle connection on which bytes arrive', () => {
    request();
    const socket = connect();
    io.data(socket.connection, OK);
    io.data(socket.connection, OK);
    expect(socket.closed).toBe(CloseMode.now);
    expect(stats.value('upstream_cx_protocol_error')).toBe(1);
    expect(active()).toEqual([0, 0, 0]);
  });

  it.each(['eof', 'error'] as const)('an idle connection that ends (%s) is forgotten', (how) => {
    request();
    const socket = connect();
    io.data(socket.connection, OK);
    io[how](socket.connection);
    expect(active()).toEqual([0, 0, 0]);
    expect(stats.value('upstream_cx_destroy_remote')).toBe(1);
    expect(stats.value('upstream_cx_destroy_with_active_rq')).toBe(0);
    expect(request().log).toEqual([]);
    expect(io.socketCount).toBe(2);
  });

  it.each(['eof', 'error'] as const)('a connection that ends (%s) resets its request', (how) => {
    const made = request();
    const socket = connect();
    io[how](socket.connection);
    expect(made.log).toEqual(['ready', 'reset connection termination']);
    expect(active()).toEqual([0, 0, 0]);
    expect(stats.value('upstream_cx_destroy_remote_with_active_rq')).toBe(1);
  });

  it('a malformed response resets its request and ends the connection', () => {
    const made = request();
    const socket = connect();
    io.data(socket.connection, 'nonsense\r\n\r\n\r\n\r\n');
    expect(made.log).toEqual(['ready', 'reset protocol error']);
    expect(socket.closed).toBe(CloseMode.now);
    expect(active()).toEqual([0, 0, 0]);
  });

  it('a request that is reset ends its connection', () => {
    const made = request();
    const socket = connect();
    dispatcher.run(() => made.encoder?.resetStream(1));
    expect(socket.closed).toBe(CloseMode.now);
    expect(active()).toEqual([0, 0, 0]);
    expect(stats.value('upstream_cx_destroy_local_with_active_rq')).toBe(1);
  });

  describe('limits', () => {
    const limited = (limits: object) => build({ defaultThresholds: { maxConnections: 9, maxPendingRequests: 9, maxRequests: 9, maxRetries: 3, trackRemaining: false, ...limits } });

    it('max_pending_requests', () => {
      limited({ maxPendingRequests: 2 });
      const requests = [request(), request(), request()];
      expect(requests.map((made) => made.log)).toEqual([[], [], ['failed overflow']]);
      expect(stats.value('upstream_rq_pending_overflow')).toBe(1);
      io.connected(1);
      request();
      expect(stats.value('upstream_rq_pending_active')).toBe(2);
    });

    it('max_connections', () => {
      limited({ maxConnections: 1 });
      const requests = [request(), request()];
      expect(io.socketCount).toBe(1);
      expect(stats.value('upstream_cx_overflow')).toBe(1);
      connect();
      io.data(1, OK);
      expect(requests[1].log).toEqual(['ready']);
    });

    it('max_requests, for new and for waiting ones', () => {
      limited({ maxRequests: 1 });
      const [first, second] = [request(), request()];
      io.connected(1);
      expect(first.log).toEqual(['ready']);
      io.connected(2);
      expect(second.log).toEqual(['failed overflow']);
      const third = request();
      expect(third.log).toEqual(['failed overflow']);
      io.data(1, OK);
      expect(request().log).toEqual(['ready']);
      expect(stats.value('upstream_rq_pending_overflow')).toBe(2);
    });

    it('all come back when everything has ended', () => {
      limited({ maxConnections: 1, maxPendingRequests: 1, maxRequests: 1 });
      for (let round = 0; round < 5; round++) {
        const made = request();
        if (made.log.length === 0) connect();
        expect(made.log).toEqual(['ready']);
        io.error(io.latest.connection);
      }
      expect(active()).toEqual([0, 0, 0]);
    });
  });

  describe('drain', () => {
    it('closes idle connections at once and busy ones after their exchange', () => {
      request();
      request();
      io.connected(1);
      io.connected(2);
      io.data(1, OK);
      dispatcher.run(() => pool.drain());
      expect([io.socket(1).closed, io.socket(2).closed]).toEqual([CloseMode.now, -1]);
      io.data(2, OK);
      expect(io.socket(2).closed).toBe(CloseMode.now);
      expect(active()).toEqual([0, 0, 0]);
    });

    it('still serves who waits', () => {
      build({ defaultThresholds: { maxConnections: 1, maxPendingRequests: 9, maxRequests: 9, maxRetries: 3, trackRemaining: false } });
      const requests = [request(), request(), request()];
      dispatcher.run(() => pool.drain());
      connect();
      io.data(1, OK);
      expect(requests[1].log).toEqual(['ready']);
      io.data(1, 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      connect();
      expect(requests[2].log).toEqual(['ready']);
      io.data(2, OK);
      expect(io.socket(2).closed).toBe(CloseMode.now);
    });

    it('closes a connection nobody waits for any more', () => {
      const made = request();
      dispatcher.run(() => {
        pool.cancel(made);
        pool.drain();
      });
      connect();
      expect(io.latest.closed).toBe(CloseMode.now);
      expect(active()).toEqual([0, 0, 0]);
    });
  });

  it('renews: connections that are there take no further request, and one that is being made does', () => {
    const first = request();
    const busy = connect();
    const second = request();
    const connecting = io.latest;
    dispatcher.run(() => pool.renew());
    io.data(busy.connection, OK);
    expect([first.log.at(-1), busy.closed]).toEqual(['response 200 end', CloseMode.now]);
    io.connected(connecting.connection);
    io.data(connecting.connection, OK);
    expect([second.log.at(-1), connecting.closed]).toEqual(['response 200 end', -1]);
    dispatcher.run(() => pool.renew());
    expect([connecting.closed, active()]).toEqual([CloseMode.now, [0, 0, 0]]);
    const third = request();
    connect();
    expect(third.log).toEqual(['ready']);
  });

  it('close cuts everything', () => {
    const made = request();
    request();
    io.connected(1);
    dispatcher.run(() => {
      made.encoder?.resetStream(1);
      pool.close();
    });
    expect([io.socket(1).closed, io.socket(2).closed]).toEqual([CloseMode.now, CloseMode.now]);
    expect(stats.value('upstream_cx_active')).toBe(0);
  });

  it('counts for the host too', () => {
    request();
    connect();
    expect([hostStats[0], hostStats[1], hostStats[3], hostStats[4]]).toEqual([1, 1, 1, 1]);
    io.data(1, OK);
    io.eof(1);
    expect([hostStats[1], hostStats[4]]).toEqual([0, 0]);
  });

  it('sets keep-alive and the local address', () => {
    build({ tcpKeepAlive: { idleSec: 1, intervalSec: 2, probes: 3 }, bindAddress: { address: '127.0.0.2', port: 0 } });
    request();
    expect(io.latest.options).toEqual({ keepAlive: { idleSec: 1, intervalSec: 2, probes: 3 }, bind: { address: '127.0.0.2', port: 0 } });
  });
});
