import { afterEach, describe, expect, it } from 'vitest';
import { FilterDataStatus, FilterHeadersStatus, type HttpFilter } from '../../core/http/filter.ts';
import { HeaderId } from '../../core/headers/header_names.ts';
import { backendsUnderTest, Peer, settle, until } from '../support/io_driver.ts';
import { InProcessWorker, type InProcessOptions, managerConfig, type TestFilter } from '../support/in_process_worker.ts';
import { answerEach, TestUpstream } from '../support/test_upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

describe.each(backendsUnderTest())('HTTP/1 through a worker on the %s backend', (backend) => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  });

  async function upstream(onConnection?: (peer: Peer, index: number) => void): Promise<TestUpstream> {
    const server = await TestUpstream.start(onConnection);
    cleanups.push(() => server.close());
    return server;
  }

  async function proxy(port: number, options: Partial<InProcessOptions> = {}): Promise<InProcessWorker> {
    const worker = await InProcessWorker.start({ backend, upstreamPorts: [port], ...options });
    cleanups.push(() => worker.close());
    return worker;
  }

  function client(worker: InProcessWorker, port = worker.port): Peer {
    const peer = new Peer({ host: '127.0.0.1', port });
    peer.socket.setNoDelay(true);
    cleanups.push(() => peer.socket.destroy());
    return peer;
  }

  function count(text: string, part: string): number {
    return text.split(part).length - 1;
  }

  it('keeps both connections for the next request', async () => {
    const up = await upstream(answerEach(() => OK));
    const worker = await proxy(up.port);
    const peer = client(worker);
    for (let i = 1; i <= 5; i++) {
      peer.socket.write(GET);
      await until(() => count(peer.text, '\r\n\r\nok') === i, `response ${i}`);
    }
    expect(up.peers.length).toBe(1);
    expect(worker.stat('cluster.c.upstream_rq_total')).toBe(5);
    expect(worker.stat('http.ingress.downstream_rq_active')).toBe(0);
    expect(worker.errors).toEqual([]);
  });

  it('answers pipelined requests in order', async () => {
    const up = await upstream(answerEach((head) => {
      const path = /^GET (\S+)/.exec(head)?.[1] ?? '';
      return `HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`;
    }));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(Array.from({ length: 20 }, (_, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''));
    await until(() => count(peer.text, 'HTTP/1.1 200') === 20 && peer.text.endsWith('/19'), 'all responses');
    expect([...peer.text.matchAll(/\r\n\r\n(\/\d+)/g)].map((match) => match[1])).toEqual(Array.from({ length: 20 }, (_, i) => `/${i}`));
  });

  it('answers 10,000 pipelined requests', async () => {
    const up = await upstream(answerEach(() => OK));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(GET.repeat(10_000));
    await until(() => worker.stat('http.ingress.downstream_rq_completed') === 10_000, 'all are answered', 60_000);
    await until(() => peer.text.endsWith('ok') && count(peer.text, '\r\n\r\nok') === 10_000, 'all arrive', 20_000);
    expect(worker.stat('http.ingress.downstream_rq_active')).toBe(0);
  }, 90_000);

  it('answers 10,000 pipelined requests of its own', async () => {
    const direct: TestFilter = {
      name: 'direct',
      create: () => ({
        createFilter(): HttpFilter {
          let reply: { sendLocalReply(status: number, body: string, options: { details: string }): void };
          return {
            setCallbacks: (callbacks) => void (reply = callbacks),
            decodeHeaders: () => {
              reply.sendLocalReply(200, 'ok', { details: 'direct' });
              return FilterHeadersStatus.stopIteration;
            },
          };
        },
      }),
    };
    const worker = await proxy(1, { filters: [direct] });
    const peer = client(worker);
    peer.socket.write(GET.repeat(10_000));
    await until(() => worker.stat('http.ingress.downstream_rq_completed') === 10_000, 'all are answered', 30_000);
    await until(() => count(peer.text, '\r\n\r\nok') === 10_000, 'all arrive', 20_000);
    expect(worker.errors).toEqual([]);
  }, 60_000);

  it('forwards bodies with a length both ways', async () => {
    const body = 'x'.repeat(300_000);
    const up = await upstream(answerEach((_, received) => `HTTP/1.1 200 OK\r\ncontent-length: ${received.length}\r\n\r\n${received}`));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await until(() => peer.text.endsWith(`\r\n\r\n${body}`), 'the body comes back');
    expect(up.text).toContain('content-length: 300000\r\n');
    expect(up.text).not.toContain('transfer-encoding');
  });

  it('forwards chunked bodies both ways and sets chunks anew', async () => {
    const up = await upstream(answerEach(() => 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n'));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5;ext\r\nhello\r\n0\r\n\r\n');
    await until(() => peer.text.endsWith('0\r\n\r\n'), 'the response is complete');
    expect(up.text).toMatch(/transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
    expect(peer.text).toMatch(/\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n$/);
    peer.socket.write(GET);
    await until(() => count(peer.text, '0\r\n\r\n') === 2, 'the connection goes on');
  });

  it('forwards trailers both ways when both codecs are told to', async () => {
    const up = await upstream(answerEach(() => ''));
    up.peers.length = 0;
    const echo = await upstream((peer) => {
      peer.socket.on('data', () => {
        if (peer.text.includes('x-sum: 1\r\n\r\n') && !peer.socket.writableEnded) peer.socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nr\r\n0\r\ny-sum: 2\r\n\r\n');
      });
    });
    const manager = { http1: { ...managerConfig().http1, enableTrailers: true } };
    const worker = await proxy(echo.port, { manager, cluster: { http1: { enableTrailers: true, properCaseWords: false, preserveCase: null, sendFullyQualifiedUrl: false } } });
    const peer = client(worker);
    peer.socket.write('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nq\r\n0\r\nX-Sum: 1\r\n\r\n');
    await until(() => peer.text.endsWith('0\r\ny-sum: 2\r\n\r\n'), 'trailers come back');
    expect(echo.text).toMatch(/1\r\nq\r\n0\r\nx-sum: 1\r\n\r\n$/);
  });

  it('sends no body to HEAD, whatever its length says', async () => {
    const up = await upstream(answerEach((head) => (head.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n' : OK)));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(`HEAD / HTTP/1.1\r\nhost: a\r\n\r\n${GET}`);
    await until(() => count(peer.text, 'HTTP/1.1 200') === 2 && peer.text.endsWith('\r\n\r\nok'), 'both responses');
    expect(count(peer.text, 'content-length: 2')).toBe(2);
    expect(count(peer.text, 'ok')).toBe(1);
    expect(up.peers.length).toBe(1);
  });

  it('swallows informational responses nobody asked for', async () => {
    const up = await upstream(answerEach(() => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}`));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(GET);
    await until(() => peer.text.endsWith('ok'), 'the response');
    expect(peer.text.startsWith('HTTP/1.1 200')).toBe(true);
  });

  it('passes 100 on when told to proxy it, and then the body', async () => {
    const up = await upstream((peer) => {
      peer.socket.on('data', () => {
        if (count(peer.text, '\r\n\r\n') === 1 && peer.text.endsWith('\r\n\r\n')) peer.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        else if (peer.text.endsWith('body')) peer.socket.write(OK);
      });
    });
    const worker = await proxy(up.port, { manager: { proxy100Continue: true } });
    const peer = client(worker);
    peer.socket.write('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
    await until(() => peer.text.startsWith('HTTP/1.1 100 Continue\r\n'), '100');
    peer.socket.write('body');
    await until(() => peer.text.endsWith('ok'), 'the response');
    expect(up.text).toContain('expect: 100-continue\r\n');
  });

  it('answers Expect itself', async () => {
    const up = await upstream(answerEach(() => OK));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-Continue\r\ncontent-length: 4\r\n\r\n');
    await until(() => peer.text === 'HTTP/1.1 100 Continue\r\n\r\n', '100');
    peer.socket.write('body');
    await until(() => peer.text.endsWith('ok'), 'the response');
    expect(up.text).not.toContain('\r\nexpect:');
  });

  it('frames a response that ends with its connection', async () => {
    const up = await upstream((peer) => {
      peer.socket.once('data', () => peer.socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'));
    });
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(GET);
    await until(() => peer.text.endsWith('0\r\n\r\n'), 'the response is complete');
    expect(peer.text).toMatch(/transfer-encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n$/);
    expect(peer.ended).toBe(false);
    expect(worker.stat('cluster.c.upstream_rq_active')).toBe(0);
  });

  it('passes a response on that comes before the request is complete, then closes', async () => {
    const up = await upstream((peer) => {
      peer.socket.once('data', () => peer.socket.write('HTTP/1.1 413 x\r\ncontent-length: 0\r\n\r\n'));
    });
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nbeginning');
    await until(() => peer.ended, 'the connection ends');
    expect(peer.text).toMatch(/^HTTP\/1.1 413 [^]*connection: close\r\n/);
    await until(() => up.peers[0].closed || up.peers[0].ended, 'the upstream connection is given up');
    expect(worker.stat('http.ingress.downstream_rq_active')).toBe(0);
    expect(worker.stat('cluster.c.upstream_cx_active')).toBe(0);
  });

  it('answers 503 when the upstream resets before the response', async () => {
    const up = await upstream((peer) => {
      peer.socket.once('data', () => peer.socket.resetAndDestroy());
    });
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(GET);
    await until(() => peer.text.includes('reset reason: connection termination'), 'the local reply');
    expect(peer.text).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/);
    expect(peer.ended).toBe(false);
    await settle();
    expect(worker.stat('cluster.c.upstream_cx_active')).toBe(0);
  });

  it('cuts the response when the upstream closes within the body', async () => {
    const up = await upstream((peer) => {
      peer.socket.once('data', () => peer.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart'));
    });
    const worker = await proxy(up.port, { manager: { delayedCloseTimeoutMs: 0 } });
    const peer = client(worker);
    peer.socket.write(GET);
    await until(() => peer.ended || peer.closed, 'the connection ends');
    expect(peer.text).toMatch(/content-length: 100[^]*\r\n\r\npart$/);
    expect(worker.stat('http.ingress.downstream_rq_active')).toBe(0);
    expect(worker.stat('http.ingress.downstream_cx_active')).toBe(0);
  });

  it('never gives bytes behind a response to the next request', async () => {
    const up = await upstream((peer, index) => {
      peer.socket.on('data', () => peer.socket.write(index === 0 ? `${OK}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison` : OK));
    });
    const limits = { maxConnections: 1, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3, trackRemaining: false };
    const worker = await proxy(up.port, { cluster: { defaultThresholds: limits } });
    const peers = [client(worker), client(worker), client(worker)];
    for (const peer of peers) peer.socket.write(GET);
    await until(() => peers.every((peer) => peer.text.endsWith('\r\n\r\nok')), 'all are answered');
    expect(peers.map((peer) => peer.text).join('')).not.toContain('poison');
  });

  it('closes after the response when the client says so, and drops what it pipelined', async () => {
    const up = await upstream(answerEach(() => OK));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(`GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n${GET}`);
    await until(() => peer.ended, 'the connection ends');
    expect(count(peer.text, 'HTTP/1.1 200')).toBe(1);
    expect(peer.text).toContain('connection: close\r\n');
    expect(peer.text.endsWith('\r\n\r\nok')).toBe(true);
    expect(count(up.text, 'GET ')).toBe(1);
  });

  it('delivers a large last response although the client sent more than was read', async () => {
    const body = 'z'.repeat(3_000_000);
    const up = await upstream(answerEach(() => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.pause();
    peer.socket.write(`GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n${GET.repeat(20_000)}`);
    await settle(30);
    peer.socket.resume();
    await until(() => peer.ended || peer.closed, 'the connection ends');
    expect(peer.error).toBe('');
    expect(peer.received).toBeGreaterThan(body.length);
  });

  it('serves HTTP/1.0 in its own way', async () => {
    const up = await upstream(answerEach((head) => (head.startsWith('GET /len') ? OK : 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n')));
    const worker = await proxy(up.port, { manager: { http1: { ...managerConfig().http1, acceptHttp10: true } } });
    const peer = client(worker);
    peer.socket.write('GET /len HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n');
    await until(() => peer.text.endsWith('ok'), 'the first response');
    expect(peer.text).toMatch(/^HTTP\/1.0 200 OK\r\n[^]*connection: keep-alive\r\n/);
    peer.socket.write('GET /chunked HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n');
    await until(() => peer.ended, 'the end of the second');
    expect(peer.text).not.toContain('transfer-encoding');
    expect(peer.text).toMatch(/connection: close\r\n(?:[^]*\r\n)?\r\nok$/);
  });

  it('refuses HTTP/1.0 unless allowed', async () => {
    const worker = await proxy(1);
    const peer = client(worker);
    peer.socket.write('GET / HTTP/1.0\r\nhost: a\r\n\r\n');
    await until(() => peer.ended, 'the connection ends');
    expect(peer.text).toMatch(/^HTTP\/1.1 426 Upgrade Required\r\n/);
  });

  describe('exceptions in filters', () => {
    type Place = 'decodeHeaders' | 'decodeData' | 'encodeHeaders' | 'encodeHeadersNoBody' | 'encodeData' | 'timer';

    function throwing(place: Place): TestFilter {
      const bad = () => {
        throw new Error('a filter failed');
      };
      return {
        name: 'bad',
        create: () => ({
          createFilter(): HttpFilter {
            let arm = () => {};
            return {
              setCallbacks(callbacks) {
                const timer = callbacks.createTimer({ onTimeout: bad });
                arm = () => timer.enable(1);
              },
              decodeHeaders(headers) {
                if (headers.get(HeaderId.path) !== '/bad') return FilterHeadersStatus.continue;
                if (place === 'decodeHeaders') bad();
                if (place !== 'timer') return FilterHeadersStatus.continue;
                arm();
                return FilterHeadersStatus.stopIteration;
              },
              decodeData: () => (place === 'decodeData' ? bad() : place === 'timer' ? FilterDataStatus.stopIterationAndBuffer : FilterDataStatus.continue),
              encodeHeaders(headers) {
                if (place.startsWith('encodeHeaders') && headers.getByName('x-bad') !== undefined) bad();
                return FilterHeadersStatus.continue;
              },
              encodeData(data) {
                if (place === 'encodeData' && data.toString().includes('BAD')) bad();
                return 0;
              },
            };
          },
        }),
      };
    }

    it.each<Place>(['decodeHeaders', 'decodeData', 'encodeHeaders', 'encodeHeadersNoBody', 'encodeData', 'timer'])('one in %s resets its stream only and is counted', async (place) => {
      const up = await upstream(
        answerEach((head) => {
          if (!head.includes(' /bad ')) return OK;
          return place === 'encodeHeadersNoBody' ? 'HTTP/1.1 200 OK\r\nx-bad: 1\r\ncontent-length: 0\r\n\r\n' : 'HTTP/1.1 200 OK\r\nx-bad: 1\r\ncontent-length: 3\r\n\r\nBAD';
        }),
      );
      const worker = await proxy(up.port, { filters: [throwing(place)], manager: { delayedCloseTimeoutMs: 0 } });
      const other = client(worker);
      other.socket.write(GET);
      await until(() => other.text.endsWith('ok'), 'another stream is served');
      const peer = client(worker);
      peer.socket.write('POST /bad HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nxx');
      await until(() => peer.ended || peer.closed, 'the stream is cut');
      expect(worker.stat('workers.callback_exceptions')).toBe(1);
      expect(worker.errors[0]).toContain('a filter failed');
      expect(worker.stat('http.ingress.downstream_rq_active')).toBe(0);
      expect(worker.stat('http.ingress.downstream_cx_active')).toBe(1);
      other.socket.write(GET);
      await until(() => count(other.text, '\r\n\r\nok') === 2, 'the other connection goes on');
      expect(worker.stat('cluster.c.upstream_rq_active')).toBe(0);
    });
  });

  it('lets running streams end on the configuration they began with', async () => {
    const answers: (() => void)[] = [];
    const up = await upstream((peer) => peer.socket.on('data', () => answers.push(() => peer.socket.write(OK))));
    const second = await upstream(answerEach(() => 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew'));
    const worker = await proxy(up.port);
    const peer = client(worker);
    peer.socket.write(GET);
    await until(() => answers.length === 1, 'the request is upstream');
    worker.apply(2, { upstreamPorts: [second.port] });
    await until(() => worker.latestPort() > 0, 'the new listener listens');
    const fresh = client(worker, worker.latestPort());
    fresh.socket.write(GET);
    await until(() => fresh.text.endsWith('new'), 'the new configuration serves');
    answers[0]();
    await until(() => peer.text.endsWith('ok'), 'the old stream ends');
    await until(() => peer.ended, 'its connection was drained');
    expect(peer.text).toContain('connection: close\r\n');
    await until(() => worker.stat('cluster.c.upstream_cx_active') === 1, 'connections to the host that left are closed');
  });

  it('drains a listener: idle connections close, busy ones after their response', async () => {
    const answers: (() => void)[] = [];
    const up = await upstream((peer) => peer.socket.on('data', () => answers.push(() => peer.socket.write(OK))));
    const worker = await proxy(up.port);
    const idle = client(worker);
    const busy = client(worker);
    busy.socket.write(GET);
    await until(() => answers.length === 1 && worker.worker.connectionCount() === 2, 'both connections are there');
    worker.apply(0);
    await until(() => idle.ended, 'the idle one is closed');
    expect(busy.ended).toBe(false);
    answers[0]();
    await until(() => busy.ended, 'the busy one is closed');
    expect(busy.text.endsWith('ok')).toBe(true);
    if (backend === 'portable') {
      // On the ring the socket is the main thread's, which closes it or hands it on.
      const late = client(worker);
      await until(() => late.closed, 'new connections are refused');
      expect(late.error).toBe('ECONNREFUSED');
    }
    expect(worker.stat('http.ingress.downstream_cx_active')).toBe(0);
  });

  it('refuses what exceeds the limits of the cluster', async () => {
    const up = await upstream();
    const limits = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1024, maxRetries: 3, trackRemaining: false };
    const worker = await proxy(up.port, { cluster: { defaultThresholds: limits } });
    const first = client(worker);
    first.socket.write(GET);
    await until(() => up.text.includes('GET'), 'the first request is upstream');
    const second = client(worker);
    second.socket.write(GET);
    await until(() => worker.stat('cluster.c.upstream_rq_pending_active') === 1, 'the second waits');
    const third = client(worker);
    third.socket.write(GET);
    await until(() => third.text.includes('overflow'), 'the third is refused');
    expect(third.text).toContain('x-envoy-overloaded: true');
    up.peers[0].socket.write(OK);
    await until(() => first.text.endsWith('ok'), 'the first is answered');
    await until(() => count(up.text, 'GET') === 2, 'the second gets the connection');
    up.peers[0].socket.write(OK);
    await until(() => second.text.endsWith('ok'), 'the second is answered');
    expect(up.peers.length).toBe(1);
  });

  it('holds max_requests', async () => {
    const up = await upstream();
    const limits = { maxConnections: 10, maxPendingRequests: 10, maxRequests: 1, maxRetries: 3, trackRemaining: false };
    const worker = await proxy(up.port, { cluster: { defaultThresholds: limits } });
    const first = client(worker);
    first.socket.write(GET);
    await until(() => up.text.includes('GET'), 'the first request is upstream');
    const second = client(worker);
    second.socket.write(GET);
    await until(() => second.text.includes('overflow'), 'the second is refused');
    up.peers[0].socket.write(OK);
    await until(() => first.text.endsWith('ok'), 'the first is answered');
    second.socket.write(GET);
    await until(() => count(up.text, 'GET') === 2, 'and then another may go');
  });
});
