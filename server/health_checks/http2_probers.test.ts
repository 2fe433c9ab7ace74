/** Probers over HTTP/2 against a server on the loopback that answers as each row says. */
import { constants, createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Prober } from '../../core/upstream/health_prober.ts';
import { checkConfig, httpCheck } from '../../test/support/check_config.ts';
import { ProbeAnswers } from '../../test/support/probe_answers.ts';
import { testProber } from '../../test/support/test_prober.ts';
import type { GrpcCheckConfig, HealthCheckConfig } from './health_check_config.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** An HTTP/2 server whose streams are handled by the test; counts its connections. */
class Host {
  connections = 0;
  readonly requests: { readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];
  readonly sessions: ServerHttp2Session[] = [];
  onRequest: (stream: ServerHttp2Stream) => void = () => {};
  private readonly server: Http2Server = createServer();

  async start(): Promise<this> {
    this.server.on('session', (session) => {
      this.connections++;
      this.sessions.push(session);
      session.on('error', () => {});
    });
    this.server.on('stream', (stream: ServerHttp2Stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('error', () => {});
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        this.requests.push({ headers, body: Buffer.concat(chunks) });
        this.onRequest(stream);
      });
    });
    await listen(this.server);
    cleanups.push(() => {
      for (const session of this.sessions) session.destroy();
      this.server.close();
    });
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
}

function listen(server: Http2Server | Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function prober(config: HealthCheckConfig, port: number, answers: ProbeAnswers, hostname = '', onCheckConnection = () => {}): Prober {
  const made = testProber(config, port, answers, { hostname, onCheckConnection });
  cleanups.push(() => made.close());
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('HTTP/2 checks', () => {
  const http2 = (fields = {}) => httpCheck({ isHttp2: true, ...fields });

  it.each([
    ['200', {}, { ':status': 200 }, '', 'success'],
    ['an unexpected status', {}, { ':status': 204 }, '', 'ACTIVE'],
    ['a status that may pass', { retriable: [{ start: 500, end: 600 }] }, { ':status': 503 }, '', 'ACTIVE retriable'],
    ['degraded', {}, { ':status': 200, 'x-envoy-degraded': '1' }, '', 'degraded'],
    ['told to leave it out', {}, { ':status': 503, 'x-envoy-immediate-health-check-fail': 'true' }, '', 'exclude, ACTIVE'],
    ['a body in order', { receive: [Buffer.from('one'), Buffer.from('two')] }, { ':status': 200 }, 'x one y two', 'success'],
    ['a body in another order', { receive: [Buffer.from('one'), Buffer.from('two')] }, { ':status': 200 }, 'two one', 'ACTIVE'],
    ['a body behind what is looked at', { receive: [Buffer.from('z')], responseBufferBytes: 3 }, { ':status': 200 }, 'xxxz', 'ACTIVE'],
    ['a service by its name', { serviceName: { kind: 'prefix', value: 'a', ignoreCase: false } }, { ':status': 200, 'x-envoy-upstream-healthchecked-cluster': 'ab' }, '', 'success'],
    // With status and date.
    ['the most headers', {}, { ':status': 200, ...Object.fromEntries(Array.from({ length: 98 }, (_each, i) => [`x-${i}`, 'v'])) }, '', 'success'],
    ['a header more', {}, { ':status': 200, ...Object.fromEntries(Array.from({ length: 99 }, (_each, i) => [`x-${i}`, 'v'])) }, '', 'NETWORK'],
    ['another service', { serviceName: { kind: 'prefix', value: 'a', ignoreCase: false } }, { ':status': 200 }, '', 'ACTIVE'],
  ])('%s', async (_name, check, headers, body, expected) => {
    const host = await new Host().start();
    host.onRequest = (stream) => {
      stream.respond(headers, { endStream: body === '' });
      if (body !== '') stream.end(body);
    };
    const answers = new ProbeAnswers();
    expect(await answers.ask(prober(checkConfig({ checker: http2(check) }), host.port, answers))).toBe(expected);
  });

  it('says who asks, and sends a payload with its length', async () => {
    const host = await new Host().start();
    host.onRequest = (stream) => stream.respond({ ':status': 200 }, { endStream: true });
    const answers = new ProbeAnswers();
    const check = http2({ method: 'POST', host: 'named', send: Buffer.from('ping'), headers: { add: [{ name: 'x-a', value: '%PROTOCOL%', action: 'append_if_exists_or_add', keepEmptyValue: false }], remove: [] } });
    await answers.ask(prober(checkConfig({ checker: check }), host.port, answers));
    expect(host.requests[0].headers).toMatchObject({ ':method': 'POST', ':authority': 'named', ':path': '/hc', ':scheme': 'http', 'user-agent': 'Envoy/HC', 'x-a': 'HTTP/2', 'content-length': '4' });
    expect(host.requests[0].body.toString()).toBe('ping');
    await answers.ask(prober(checkConfig({ checker: http2() }), host.port, answers, 'own'));
    expect([host.requests[1].headers[':authority'], host.requests[1].headers['content-length']]).toEqual(['own', undefined]);
  });

  it.each([[true, 1], [false, 3]])('keeps its connection when told to: reuse_connection %s makes %d for three checks', async (reuseConnection, connections) => {
    const host = await new Host().start();
    host.onRequest = (stream) => stream.respond({ ':status': 200 }, { endStream: true });
    const answers = new ProbeAnswers();
    let told = 0;
    const asked = prober(checkConfig({ checker: http2(), reuseConnection }), host.port, answers, '', () => {
      told++;
    });
    for (let i = 0; i < 3; i++) expect(await answers.ask(asked)).toBe('success');
    expect([host.connections, told]).toEqual([connections, connections]);
  });

  it('lets a check finish after GOAWAY without an error, then connects anew', async () => {
    const host = await new Host().start();
    let goesAway = true;
    host.onRequest = (stream) => {
      if (goesAway) stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
      goesAway = false;
      stream.respond({ ':status': 200 }, { endStream: true });
    };
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: http2() }), host.port, answers);
    expect([await answers.ask(asked), await answers.ask(asked), host.connections]).toEqual(['success', 'success', 2]);
  });

  it('takes GOAWAY with an error, a reset and a closed connection for failures of the network', async () => {
    const host = await new Host().start();
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: http2() }), host.port, answers);
    host.onRequest = (stream) => stream.session?.goaway(constants.NGHTTP2_INTERNAL_ERROR, 0);
    expect(await answers.ask(asked)).toBe('NETWORK');
    host.onRequest = (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    expect(await answers.ask(asked)).toBe('NETWORK');
    host.onRequest = (stream) => stream.session?.destroy();
    expect(await answers.ask(asked)).toBe('NETWORK');
    host.onRequest = (stream) => stream.respond({ ':status': 200 }, { endStream: true });
    expect(await answers.ask(asked)).toBe('success');
  });

  it('is not disturbed when the host closes or goes away between two checks', async () => {
    const host = await new Host().start();
    host.onRequest = (stream) => stream.respond({ ':status': 200 }, { endStream: true });
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: http2() }), host.port, answers);
    await answers.ask(asked);
    host.sessions[0].destroy();
    await until(() => host.sessions[0].destroyed);
    // Whether the end is known yet or not: at most the check that meets it fails, and it is told once.
    while ((await answers.ask(asked)) !== 'success');
    expect(answers.said).toEqual([]);
  });

  it('fails where nobody listens, and where HTTP/2 is not spoken', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await listen(server);
    cleanups.push(() => server.close());
    const answers = new ProbeAnswers();
    expect(await answers.ask(prober(checkConfig({ checker: http2() }), (server.address() as AddressInfo).port, answers))).toBe('NETWORK');
    expect(await answers.ask(prober(checkConfig({ checker: http2() }), 1, answers))).toBe('NETWORK');
  });

  it('says nothing once it is aborted, and asks again on another connection', async () => {
    const host = await new Host().start();
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: http2() }), host.port, answers);
    asked.probe();
    await until(() => host.requests.length === 1);
    asked.abort();
    host.onRequest = (stream) => stream.respond({ ':status': 200 }, { endStream: true });
    expect([await answers.ask(asked), host.connections]).toEqual(['success', 2]);
  });
});

describe('gRPC checks', () => {
  const GRPC: GrpcCheckConfig = { kind: 'grpc', serviceName: '', authority: '', metadata: { add: [], remove: [] } };
  const TYPE = { ':status': 200, 'content-type': 'application/grpc' };
  const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

  /** Answers with headers, frames and trailers; undefined trailers: the body ends the stream. */
  function answer(headers: Record<string, string | number>, frames: readonly Buffer[], trailers: Record<string, string> | undefined) {
    return (stream: ServerHttp2Stream) => {
      if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.respond(headers, { waitForTrailers: trailers !== undefined });
      for (const frame of frames) stream.write(frame);
      stream.end();
    };
  }

  it.each([
    ['serving', answer(TYPE, [SERVING], { 'grpc-status': '0' }), 'success'],
    ['with unknown fields', answer(TYPE, [Buffer.from([0, 0, 0, 0, 5, 18, 1, 65, 8, 1])], { 'grpc-status': '0' }), 'success'],
    ['a message in pieces', answer(TYPE, [SERVING.subarray(0, 3), SERVING.subarray(3)], { 'grpc-status': '0' }), 'success'],
    ['a type with a suffix', answer({ ...TYPE, 'content-type': 'application/grpc+proto' }, [SERVING], { 'grpc-status': '0' }), 'success'],
    ['not serving', answer(TYPE, [Buffer.from([0, 0, 0, 0, 2, 8, 2])], { 'grpc-status': '0' }), 'ACTIVE'],
    ['unknown service', answer(TYPE, [Buffer.from([0, 0, 0, 0, 2, 8, 3])], { 'grpc-status': '0' }), 'ACTIVE'],
    ['an empty message, whose status is unknown', answer(TYPE, [Buffer.from([0, 0, 0, 0, 0])], { 'grpc-status': '0' }), 'ACTIVE'],
    ['serving with an error', answer(TYPE, [SERVING], { 'grpc-status': '14' }), 'ACTIVE'],
    ['trailers without a status', answer(TYPE, [SERVING], { 'x-other': '1' }), 'ACTIVE'],
    ['a status that is no number', answer(TYPE, [SERVING], { 'grpc-status': 'ok' }), 'ACTIVE'],
    ['no trailers', answer(TYPE, [SERVING], undefined), 'ACTIVE'],
    ['two messages', answer(TYPE, [SERVING, SERVING], { 'grpc-status': '0' }), 'ACTIVE'],
    ['a compressed message', answer(TYPE, [Buffer.from([1, 0, 0, 0, 2, 8, 1])], { 'grpc-status': '0' }), 'ACTIVE'],
    ['a message that is none', answer(TYPE, [Buffer.from([0, 0, 0, 0, 2, 8, 255])], { 'grpc-status': '0' }), 'ACTIVE'],
    ['flags that are none', answer(TYPE, [Buffer.from([7, 0, 0, 0, 2, 8, 1])], { 'grpc-status': '0' }), 'ACTIVE'],
    ['a message without end', answer(TYPE, [Buffer.from([0, 255, 0, 0, 0])], { 'grpc-status': '0' }), 'ACTIVE'],
    ['another type', answer({ ':status': 200, 'content-type': 'text/plain' }, [SERVING], { 'grpc-status': '0' }), 'ACTIVE'],
    ['another HTTP status', answer({ ...TYPE, ':status': 503 }, [SERVING], { 'grpc-status': '0' }), 'ACTIVE'],
    ['headers alone, unimplemented', (stream: ServerHttp2Stream) => stream.respond({ ...TYPE, 'grpc-status': '12' }, { endStream: true }), 'ACTIVE'],
    ['headers alone, without a message', (stream: ServerHttp2Stream) => stream.respond({ ...TYPE, 'grpc-status': '0' }, { endStream: true }), 'ACTIVE'],
    ['a reset', (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM), 'NETWORK'],
    ['the end of the connection', (stream: ServerHttp2Stream) => stream.session?.destroy(), 'NETWORK'],
    ['GOAWAY with an error', (stream: ServerHttp2Stream) => stream.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0), 'NETWORK'],
  ] as const)('%s', async (_name, onRequest, expected) => {
    const host = await new Host().start();
    host.onRequest = onRequest;
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: GRPC }), host.port, answers);
    expect(await answers.ask(asked)).toBe(expected);
    // The next check is an ordinary one.
    host.onRequest = answer(TYPE, [SERVING], { 'grpc-status': '0' });
    expect(await answers.ask(asked)).toBe('success');
  });

  it('asks for its service as configured', async () => {
    const host = await new Host().start();
    host.onRequest = answer(TYPE, [SERVING], { 'grpc-status': '0' });
    const answers = new ProbeAnswers();
    const check: GrpcCheckConfig = {
      ...GRPC, serviceName: 'shop', authority: 'named', metadata: { add: [{ name: 'x-key', value: 'k', action: 'append_if_exists_or_add', keepEmptyValue: false }], remove: [] },
    };
    await answers.ask(prober(checkConfig({ checker: check, timeoutMs: 1500 }), host.port, answers));
    expect(host.requests[0].headers).toMatchObject({
      ':method': 'POST', ':authority': 'named', ':path': '/grpc.health.v1.Health/Check', ':scheme': 'http', te: 'trailers', 'content-type': 'application/grpc',
      'user-agent': 'Envoy/HC', 'grpc-timeout': '1500m', 'x-key': 'k',
    });
    expect([...host.requests[0].body]).toEqual([0, 0, 0, 0, 6, 10, 4, ...Buffer.from('shop')]);
    await answers.ask(prober(checkConfig({ checker: GRPC, timeoutMs: 200_000_000 }), host.port, answers, 'own'));
    expect([host.requests[1].headers[':authority'], host.requests[1].headers['grpc-timeout'], [...host.requests[1].body]]).toEqual(['own', '200000S', [0, 0, 0, 0, 0]]);
  });

  it.each([[true, 1], [false, 2]])('after a timeout: reuse_connection %s has made %d connections', async (reuseConnection, connections) => {
    const host = await new Host().start();
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: GRPC, reuseConnection }), host.port, answers);
    asked.probe();
    await until(() => host.requests.length === 1);
    asked.abort();
    host.onRequest = answer(TYPE, [SERVING], { 'grpc-status': '0' });
    expect([await answers.ask(asked), host.connections]).toEqual(['success', connections]);
  });
});
