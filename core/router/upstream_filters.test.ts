/** What filters between a try and its upstream may do, on a whole worker with fake sockets and simulated time. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeIo, type FakeSocket } from '../../test/support/fake_io.ts';
import { type InProcessOptions, InProcessWorker } from '../../test/support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../../test/support/route_config.ts';
import { NO_RETRIES, RetryOn } from '../route/retry_policy.ts';
import type { Timer } from '../event/timer.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { type FilterCallbacks, FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, type HttpFilter } from '../http/filter.ts';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n';
const RETRIES = { ...NO_RETRIES, retryOn: RetryOn.fiveXx, numRetries: 2 };
/** Until a cut connection is closed for good. */
const DELAYED_CLOSE_MS = 1100;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** One filter object; does what the test's script says. */
class ScriptedFilter implements HttpFilter {
  callbacks!: FilterCallbacks;
  streams = 0;
  private readonly script: Script;

  constructor(script: Script) {
    this.script = script;
    script.made.push(this);
  }

  setCallbacks(callbacks: FilterCallbacks): void {
    this.callbacks = callbacks;
    this.script.onMade?.(this);
  }

  decodeHeaders(...args: Parameters<NonNullable<HttpFilter['decodeHeaders']>>): FilterHeadersStatus {
    this.streams++;
    return this.script.decodeHeaders?.call(this, ...args) ?? FilterHeadersStatus.continue;
  }

  decodeData(...args: Parameters<NonNullable<HttpFilter['decodeData']>>): FilterDataStatus {
    return this.script.decodeData?.call(this, ...args) ?? FilterDataStatus.continue;
  }

  decodeTrailers(...args: Parameters<NonNullable<HttpFilter['decodeTrailers']>>): FilterTrailersStatus {
    return this.script.decodeTrailers?.call(this, ...args) ?? FilterTrailersStatus.continue;
  }

  encode1xxHeaders(...args: Parameters<NonNullable<HttpFilter['encode1xxHeaders']>>): FilterHeadersStatus {
    return this.script.encode1xxHeaders?.call(this, ...args) ?? FilterHeadersStatus.continue;
  }

  encodeHeaders(...args: Parameters<NonNullable<HttpFilter['encodeHeaders']>>): FilterHeadersStatus {
    return this.script.encodeHeaders?.call(this, ...args) ?? FilterHeadersStatus.continue;
  }

  encodeData(...args: Parameters<NonNullable<HttpFilter['encodeData']>>): FilterDataStatus {
    return this.script.encodeData?.call(this, ...args) ?? FilterDataStatus.continue;
  }

  encodeTrailers(...args: Parameters<NonNullable<HttpFilter['encodeTrailers']>>): FilterTrailersStatus {
    return this.script.encodeTrailers?.call(this, ...args) ?? FilterTrailersStatus.continue;
  }

  onDestroy(): void {
    this.script.destroyed++;
  }
}

type Method = 'decodeHeaders' | 'decodeData' | 'decodeTrailers' | 'encode1xxHeaders' | 'encodeHeaders' | 'encodeData' | 'encodeTrailers';
/** What a test's filters do; what is left out passes. */
type Script = {
  [M in Method]?: (this: ScriptedFilter, ...args: Parameters<NonNullable<HttpFilter[M]>>) => ReturnType<NonNullable<HttpFilter[M]>>;
} & { onMade?: (filter: ScriptedFilter) => void; made: ScriptedFilter[]; destroyed: number };

describe('upstream filters', () => {
  let io: FakeIo;
  let worker: InProcessWorker;
  let script: Script;

  function start(methods: Partial<Script>, options: Partial<InProcessOptions> = {}, action: Parameters<typeof routeAction>[0] = {}): void {
    io = new FakeIo();
    script = { ...methods, made: [], destroyed: 0 };
    const table = routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ action: routeAction(action) })] })] });
    worker = InProcessWorker.onFake(io, {
      upstreamPorts: [81], upstreamFilters: [{ name: 'scripted', create: () => ({ createFilter: () => new ScriptedFilter(script) }) }], ...options,
      cluster: { requestPolicies: { mirrorPolicies: [], hashPolicies: [], retries: null, upstreamFilters: [{ name: 'scripted', disabled: false, extension: { name: 'scripted', typeName: 'scripted', config: {} } }] }, ...options.cluster },
      manager: { routeConfig: table, ...options.manager },
    });
  }

  function client(request = GET): FakeSocket {
    const socket = io.socket(io.accept(worker.listenerNumber));
    io.data(socket.connection, request);
    return socket;
  }

  function upstream(): FakeSocket {
    const socket = io.latest;
    io.connected(socket.connection);
    return socket;
  }

  function expectQuiet(): void {
    expect(['http.ingress.downstream_rq_active', 'cluster.c.upstream_rq_active', 'cluster.c.upstream_rq_pending_active'].map((name) => worker.stat(name))).toEqual([0, 0, 0]);
    expect(script.destroyed).toBe(script.made.reduce((sum, { streams }) => sum + streams, 0));
  }

  beforeEach(() => {
    script = { made: [], destroyed: 0 };
  });

  it('see each request and are used again', () => {
    start({ decodeHeaders(headers) {
      headers.set(HeaderId.userAgent, `number-${this.streams}`);
      return FilterHeadersStatus.continue;
    } });
    const first = client();
    const host = upstream();
    io.data(host.connection, OK);
    io.data(first.connection, GET);
    io.data(host.connection, OK);
    expect(host.sent.match(/number-\d/g)).toEqual(['number-1', 'number-2']);
    expect(script.made).toHaveLength(1);
    expectQuiet();
    expect(worker.errors).toEqual([]);
  });

  it('may hold headers and body until they know more', () => {
    start({ decodeHeaders: () => FilterHeadersStatus.stopIteration, decodeData: () => FilterDataStatus.stopIterationAndBuffer });
    const down = client(`${POST}abc`);
    const host = upstream();
    io.data(down.connection, 'def');
    expect(host.sent).toBe('');
    script.made[0].callbacks.continueDecoding();
    expect(host.sent).toMatch(/^POST \/ HTTP\/1.1\r\nhost: a\r\n[^]*\r\n\r\nabcdef$/);
    io.data(host.connection, OK);
    expect(down.sent).toContain('\r\n\r\nok');
    expectQuiet();
    expect(worker.errors).toEqual([]);
  });

  it('may let headers go before the connection is there', () => {
    start({ decodeHeaders: () => FilterHeadersStatus.stopIteration });
    const down = client();
    script.made[0].callbacks.continueDecoding();
    const host = upstream();
    expect(host.sent).toMatch(/^GET \/ HTTP/);
    io.data(host.connection, OK);
    expect(down.sent).toContain('200 OK');
    expect(worker.errors).toEqual([]);
  });

  it('may give a request a body', () => {
    start({ decodeHeaders() {
      this.callbacks.addDecodedData(Buffer.from('added'));
      return FilterHeadersStatus.continueAndDontEndStream;
    } });
    const down = client();
    const host = upstream();
    expect(host.sent).toContain('5\r\nadded\r\n');
    io.data(down.connection, '');
    io.eof(down.connection);
    expect(worker.errors).toEqual([]);
  });

  it.each([
    ['the request', { decodeHeaders(this: ScriptedFilter) {
      this.callbacks.sendLocalReply(403, 'no', { details: 'refused_here' });
      return FilterHeadersStatus.stopIteration;
    } }, false],
    ['its body', { decodeData(this: ScriptedFilter) {
      this.callbacks.sendLocalReply(403, 'no', { details: 'refused_here' });
      return FilterDataStatus.stopIterationNoBuffer;
    } }, false],
    ['the response', { encodeHeaders(this: ScriptedFilter) {
      this.callbacks.sendLocalReply(403, 'no', { details: 'refused_here' });
      return FilterHeadersStatus.stopIteration;
    } }, true],
  ])('may answer at %s: nothing is retried', (_name, methods, answers) => {
    start(methods, {}, { retries: RETRIES });
    const down = client(`${POST}abcdef`);
    const host = upstream();
    if (answers) io.data(host.connection, OK);
    expect(down.sent).toMatch(/^HTTP\/1.1 403 Forbidden\r\n[^]*\r\n\r\nno$/);
    expect(worker.stat('cluster.c.upstream_rq_retry')).toBe(0);
    expectQuiet();
    expect(worker.errors).toEqual([]);
  });

  it('may hold a response while its connection serves another request', () => {
    let isFirst = true;
    start({ encodeHeaders() {
      if (!isFirst) return FilterHeadersStatus.continue;
      isFirst = false;
      return FilterHeadersStatus.stopAllIterationAndBuffer;
    } });
    const first = client();
    const host = upstream();
    io.data(host.connection, 'HTTP/1.1 200 OK\r\nx-number: one\r\ncontent-length: 3\r\n\r\none');
    expect(first.sent).toBe('');
    const second = client();
    expect(host.sent.match(/GET/g)).toHaveLength(2);
    io.data(host.connection, 'HTTP/1.1 200 OK\r\nx-number: two\r\ncontent-length: 3\r\n\r\ntwo');
    expect(second.sent).toMatch(/x-number: two\r\n[^]*two$/);
    expect(first.sent).toBe('');
    script.made[0].callbacks.continueEncoding();
    expect(first.sent).toMatch(/x-number: one\r\n[^]*one$/);
    expectQuiet();
    expect(worker.errors).toEqual([]);
  });

  it('end with the client that leaves; a connection that has finished is kept', () => {
    start({ encodeHeaders: () => FilterHeadersStatus.stopAllIterationAndBuffer });
    const down = client();
    const host = upstream();
    io.data(host.connection, OK);
    io.eof(down.connection);
    expectQuiet();
    expect(host.closed).toBe(-1);
    const again = client();
    expect(host.sent.match(/GET/g)).toHaveLength(2);
    io.eof(again.connection);
    expect(worker.errors).toEqual([]);
  });

  it('cut an exchange that is under way when the client leaves', () => {
    start({ encodeHeaders: () => FilterHeadersStatus.stopAllIterationAndBuffer });
    const down = client();
    const host = upstream();
    io.data(host.connection, 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok');
    io.eof(down.connection);
    expect(host.closed).not.toBe(-1);
    expectQuiet();
  });

  it('hold up the client with what they keep of a request', () => {
    start({ decodeHeaders: () => FilterHeadersStatus.stopAllIterationAndWatermark }, { listener: { perConnectionBufferLimitBytes: 1000 } });
    const down = client('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3000\r\n\r\n');
    upstream();
    io.data(down.connection, 'x'.repeat(1500));
    expect(down.paused).toBe(true);
    script.made[0].callbacks.continueDecoding();
    expect(down.paused).toBe(false);
    io.data(down.connection, 'x'.repeat(1500));
    expect(io.latest.sent.endsWith('x'.repeat(3000))).toBe(true);
    expect(worker.errors).toEqual([]);
  });

  it('hold up the upstream with what they keep of a response', () => {
    start({ encodeHeaders: () => FilterHeadersStatus.stopAllIterationAndWatermark }, { listener: { perConnectionBufferLimitBytes: 1000 } });
    const down = client();
    const host = upstream();
    io.data(host.connection, `HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n${'x'.repeat(1500)}`);
    expect(host.paused).toBe(true);
    script.made[0].callbacks.continueEncoding();
    expect(host.paused).toBe(false);
    io.data(host.connection, 'x'.repeat(1500));
    expect(down.sent.endsWith('x'.repeat(3000))).toBe(true);
    expectQuiet();
    expect(worker.errors).toEqual([]);
  });

  it('leave a connection that is read behind, though they held its response up to the end', () => {
    start({ encodeHeaders: () => FilterHeadersStatus.stopAllIterationAndWatermark }, { listener: { perConnectionBufferLimitBytes: 1000 } });
    const first = client();
    const host = upstream();
    const chunk = `258\r\n${'x'.repeat(600)}\r\n`;
    io.data(host.connection, `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}${chunk}0\r\n\r\n`);
    script.made[0].callbacks.continueEncoding();
    expect(first.sent).toContain('x'.repeat(600));
    expect(first.sent.endsWith('0\r\n\r\n')).toBe(true);
    expect(host.paused).toBe(false);
    const second = client();
    io.data(host.connection, OK);
    for (const { callbacks } of script.made) callbacks.continueEncoding();
    expect(second.sent).toContain('200 OK');
    expectQuiet();
    expect(worker.errors).toEqual([]);
  });

  it('leave no timeout behind when they refuse the end of a request', () => {
    let isFirst = true;
    start({ decodeData() {
      if (!isFirst) return FilterDataStatus.continue;
      isFirst = false;
      this.callbacks.sendLocalReply(403, 'no', { details: 'refused_here' });
      return FilterDataStatus.stopIterationNoBuffer;
    } }, {}, { timeoutMs: 15_000 });
    expect(client(`${POST}abcdef`).sent).toContain('403');
    io.advance(10_000);
    const slow = client(POST);
    const host = upstream();
    io.advance(6000);
    expect(slow.sent).toBe('');
    io.data(slow.connection, 'abcdef');
    io.data(host.connection, OK);
    expect(slow.sent).toContain('200 OK');
    expect(worker.errors).toEqual([]);
  });

  it('tell of an exception behind an answer of their own', () => {
    start({ decodeHeaders() {
      this.callbacks.sendLocalReply(403, 'no', { details: 'refused_here' });
      throw new Error('boom');
    } });
    expect(client().sent).toContain('403');
    expect(worker.errors.map((text) => text.split('\n')[0])).toEqual(['exception in a callback: Error: boom']);
    expectQuiet();
  });

  it('answer 500 for a response that they may not keep', () => {
    start({ encodeHeaders: () => FilterHeadersStatus.stopAllIterationAndBuffer }, { listener: { perConnectionBufferLimitBytes: 1000 } });
    const down = client();
    const host = upstream();
    io.data(host.connection, `HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n${'x'.repeat(1500)}`);
    expect(down.sent).toMatch(/^HTTP\/1.1 500 Internal Server Error/);
    expectQuiet();
    expect(worker.errors).toEqual([]);
  });

  it('may keep an interim response from the client', () => {
    start({ encode1xxHeaders: () => FilterHeadersStatus.stopIteration }, { manager: { proxy100Continue: true } });
    const down = client();
    const host = upstream();
    io.data(host.connection, 'HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n');
    expect(down.sent).toBe('');
    io.data(host.connection, OK);
    expect(down.sent).toMatch(/^HTTP\/1.1 200 OK/);
    expect(worker.errors).toEqual([]);
  });

  it('pass trailers both ways', () => {
    const seen: string[] = [];
    start({
      decodeTrailers: (trailers) => {
        seen.push(`request ${trailers.count}`);
        return FilterTrailersStatus.continue;
      },
      encodeTrailers: (trailers) => {
        seen.push(`response ${trailers.count}`);
        return FilterTrailersStatus.continue;
      },
    });
    client('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n');
    const host = upstream();
    io.data(host.connection, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-a: 1\r\nx-b: 2\r\n\r\n');
    expectQuiet();
    expect(worker.errors).toEqual([]);
    expect(seen.every((text) => /^(request|response) \d$/.test(text))).toBe(true);
  });

  it('have each slow try and the one beside it to themselves', () => {
    start({}, {}, { retries: RETRIES, perTryTimeoutMs: 100, hedgesOnPerTryTimeout: true });
    const down = client();
    const first = upstream();
    io.advance(150);
    const second = upstream();
    expect(second).not.toBe(first);
    expect(script.made).toHaveLength(2);
    io.data(first.connection, OK);
    expect(down.sent).toContain('200 OK');
    expectQuiet();
    expect(worker.errors).toEqual([]);
  });

  const boom = (): never => {
    throw new Error('boom');
  };
  it.each<[string, Partial<Script>]>([
    ['decodeHeaders', { decodeHeaders: boom }],
    ['decodeData', { decodeData: boom }],
    ['encode1xxHeaders', { encode1xxHeaders: boom }],
    ['encodeHeaders', { encodeHeaders: boom }],
    ['encodeData', { encodeData: boom }],
  ])('end their stream and no other with an exception in %s', (_name, methods) => {
    start(methods, { manager: { proxy100Continue: true } });
    const down = client(`${POST}abcdef`);
    const host = upstream();
    if (host.closed === -1) io.data(host.connection, `HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n${OK}`);
    expect(worker.errors.map((text) => text.split('\n')[0])).toEqual(['exception in a callback: Error: boom']);
    expectQuiet();
    io.advance(DELAYED_CLOSE_MS);
    expect(down.closed).not.toBe(-1);
    for (const name of Object.keys(methods)) delete script[name as Method];
    const next = client();
    // A connection that had brought its whole response serves on.
    io.data((host.closed === -1 ? host : upstream()).connection, OK);
    expect(next.sent).toContain('200 OK');
  });

  it('end their stream with an exception in a timer', () => {
    let timer: Timer | undefined;
    start({
      onMade: ({ callbacks }) => {
        timer = callbacks.createTimer({ onTimeout: boom });
      },
      decodeHeaders: () => {
        timer?.enable(50);
        return FilterHeadersStatus.stopIteration;
      },
    });
    const down = client();
    upstream();
    io.advance(100);
    io.advance(DELAYED_CLOSE_MS);
    expect(down.closed).not.toBe(-1);
    expect(worker.errors.map((text) => text.split('\n')[0])).toEqual(['exception in a callback: Error: boom']);
    expectQuiet();
  });

  describe('of a copy', () => {
    const mirror = { cluster: 'c', clusterHeader: '', runtimeFraction: null, appendsShadowSuffix: true, hostRewrite: '', mutations: [] };
    const isCopy = (headers: HeaderMap) => headers.get(HeaderId.authority) === 'a-shadow';

    /** The client; the connections of request and copy, connected. */
    function mirrored(methods: Partial<Script>, request: string): { down: FakeSocket; host: FakeSocket; copy: FakeSocket } {
      start(methods, {}, { mirrorPolicies: [mirror] });
      const down = client(request);
      const [host, copy] = io.sockets.slice(-2);
      io.connected(host.connection);
      if (copy.closed === -1) io.connected(copy.connection);
      return { down, host, copy };
    }

    it.each<[string, (this: ScriptedFilter) => FilterHeadersStatus]>([
      ['an exception', boom],
      ['an answer', function () {
        this.callbacks.sendLocalReply(403, 'no', { details: 'refused_here' });
        return FilterHeadersStatus.stopIteration;
      }],
      ['a reset', function () {
        this.callbacks.resetStream();
        return FilterHeadersStatus.stopIteration;
      }],
    ])('%s ends the copy and not the request', (_name, act) => {
      const { down, host } = mirrored({
        decodeHeaders(headers) {
          return isCopy(headers) ? act.call(this) : FilterHeadersStatus.continue;
        },
      }, `${POST}abcdef`);
      expect(host.sent.endsWith('abcdef')).toBe(true);
      io.data(host.connection, OK);
      expect(down.sent).toContain('200 OK');
      expectQuiet();
    });

    it('may hold it', () => {
      const { down, host, copy } = mirrored({
        decodeHeaders: (headers) => (isCopy(headers) ? FilterHeadersStatus.stopIteration : FilterHeadersStatus.continue),
        decodeData: () => FilterDataStatus.continue,
      }, `${POST}abcdef`);
      expect(host.sent.endsWith('abcdef')).toBe(true);
      // Its whole body was seen and let go: that lets the headers go too.
      expect(copy.sent).toMatch(/^POST \/ HTTP\/1.1\r\nhost: a-shadow[^]*abcdef$/);
      io.data(host.connection, OK);
      io.data(copy.connection, OK);
      expect(down.sent).toContain('200 OK');
      expectQuiet();
      expect(worker.errors).toEqual([]);
    });

    it('may hold its answer', () => {
      const { down, host, copy } = mirrored({ encodeHeaders: () => FilterHeadersStatus.stopAllIterationAndBuffer }, GET);
      io.data(copy.connection, OK);
      io.data(host.connection, OK);
      expect(down.sent).toBe('');
      for (const { callbacks } of script.made) callbacks.continueEncoding();
      expect(down.sent).toContain('200 OK');
      expectQuiet();
      expect(worker.errors).toEqual([]);
    });
  });
});
