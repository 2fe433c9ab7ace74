/** Probers over HTTP/1.1 and TCP against a server on the loopback that answers as each row says. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Prober } from '../../core/upstream/health_prober.ts';
import { checkConfig, httpCheck } from '../../test/support/check_config.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { ProbeAnswers } from '../../test/support/probe_answers.ts';
import { testProber, type TestProberOptions } from '../../test/support/test_prober.ts';
import type { HealthCheckConfig, HttpCheckConfig, TcpCheckConfig } from './health_check_config.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Hands whatever comes to the test. */
class Host {
  connections = 0;
  received = '';
  onData: (socket: Socket) => void = () => {};
  readonly sockets: Socket[] = [];
  private readonly server: Server = createServer((socket) => {
    this.connections++;
    this.sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.onData(socket);
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      for (const socket of this.sockets) socket.destroy();
      this.server.close();
    });
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
}

function prober(config: HealthCheckConfig, port: number, answers: ProbeAnswers, options: TestProberOptions = {}): Prober {
  const made = testProber(config, port, answers, options);
  cleanups.push(() => made.close());
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function answer(status: number, body = '', ...headers: string[]): string {
  return `HTTP/1.1 ${status} X\r\n${headers.map((header) => `${header}\r\n`).join('')}content-length: ${body.length}\r\n\r\n${body}`;
}

describe('HTTP/1 checks', () => {
  const text = (value: string) => new Uint8Array(Buffer.from(value));
  const a = { kind: 'prefix' as const, value: 'a', ignoreCase: false };

  it.each<[string, Partial<HttpCheckConfig>, string, string]>([
    ['200', {}, answer(200), 'success'],
    ['204 is another', {}, answer(204), 'ACTIVE'],
    ['the first of a range', { expected: [{ start: 204, end: 300 }] }, answer(204), 'success'],
    ['the end of a range is outside', { expected: [{ start: 200, end: 204 }] }, answer(204), 'ACTIVE'],
    ['any of several ranges', { expected: [{ start: 200, end: 201 }, { start: 404, end: 405 }] }, answer(404), 'success'],
    ['a status that may pass', { retriable: [{ start: 503, end: 504 }] }, answer(503), 'ACTIVE retriable'],
    ['a status that may not', { retriable: [{ start: 503, end: 504 }] }, answer(500), 'ACTIVE'],
    ['expected before retriable', { retriable: [{ start: 200, end: 300 }] }, answer(200), 'success'],
    ['degraded', {}, answer(200, '', 'x-envoy-degraded:'), 'degraded'],
    ['failed, degraded or not', {}, answer(500, '', 'x-envoy-degraded: 1'), 'ACTIVE'],
    ['told to leave it out', {}, answer(503, '', 'X-Envoy-Immediate-Health-Check-Fail: 1'), 'exclude, ACTIVE'],
    ['not told so by a success', {}, answer(200, '', 'x-envoy-immediate-health-check-fail: 1'), 'success'],
    ['a body in order', { receive: [text('one'), text('two')] }, answer(200, 'a one b two c'), 'success'],
    ['in another order', { receive: [text('one'), text('two')] }, answer(200, 'two one'), 'ACTIVE'],
    ['one inside the other', { receive: [text('aa'), text('aa')] }, answer(200, 'aaa'), 'ACTIVE'],
    ['no body', { receive: [text('one')] }, answer(200), 'ACTIVE'],
    ['a wrong body is not retriable', { receive: [text('one')], retriable: [{ start: 200, end: 300 }] }, answer(200, 'x'), 'ACTIVE'],
    ['within what is looked at', { receive: [text('z')], responseBufferBytes: 4 }, answer(200, 'xxxz'), 'success'],
    ['behind what is looked at', { receive: [text('z')], responseBufferBytes: 3 }, answer(200, 'xxxz'), 'ACTIVE'],
    ['all of it', { receive: [text('z')], responseBufferBytes: 0 }, answer(200, `${'x'.repeat(9000)}z`), 'success'],
    ['in chunks', { receive: [text('one')] }, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\non\r\n1\r\ne\r\n0\r\n\r\n', 'success'],
    ['another protocol', {}, 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', 'ACTIVE'],
    ['another protocol, if that is expected', { expected: [{ start: 101, end: 102 }] }, 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', 'success'],
    ['more than its length', {}, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokok', 'success'],
    ['the most headers', {}, answer(200, '', ...Array.from({ length: 99 }, () => 'a: b')), 'success'],
    ['a header more', {}, answer(200, '', ...Array.from({ length: 100 }, () => 'a: b')), 'NETWORK'],
    ['headers of 79 KiB', {}, answer(200, '', `a: ${'x'.repeat(79 * 1024)}`), 'success'],
    ['headers of 81 KiB', {}, answer(200, '', `a: ${'x'.repeat(81 * 1024)}`), 'NETWORK'],
    ['after 100', {}, `HTTP/1.1 100 Continue\r\n\r\n${answer(200)}`, 'success'],
    ['a service by its name', { serviceName: a }, answer(200, '', 'x-envoy-upstream-healthchecked-cluster: ab'), 'success'],
    ['another service', { serviceName: a }, answer(200, '', 'x-envoy-upstream-healthchecked-cluster: b'), 'ACTIVE'],
    ['a service without a name', { serviceName: a }, answer(200), 'ACTIVE'],
    ['no HTTP', {}, 'hello\r\n\r\n', 'NETWORK'],
    ['two lengths', {}, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 1\r\n\r\n', 'NETWORK'],
  ])('%s', async (_name, check, response, expected) => {
    const host = await new Host().start();
    host.onData = (socket) => socket.write(response);
    const answers = new ProbeAnswers();
    expect(await answers.ask(prober(checkConfig({ checker: httpCheck(check) }), host.port, answers))).toBe(expected);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['a close before the response', (socket) => socket.destroy()],
    ['a reset', (socket) => socket.resetAndDestroy()],
    ['a close in the head', (socket) => socket.end('HTTP/1.1 200 OK\r\nconte')],
    ['a close in the body', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc')],
    ['a close in a chunk', (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc')],
  ])('%s is a failure of the network', async (_name, onData) => {
    const host = await new Host().start();
    host.onData = onData;
    const answers = new ProbeAnswers();
    expect(await answers.ask(prober(checkConfig({ checker: httpCheck() }), host.port, answers))).toBe('NETWORK');
  });

  it.each([[true, [], 1], [true, ['connection: close'], 3], [false, [], 3]])('keeps its connection as far as both sides want: reuse_connection %s, %j make %d for three checks', async (reuseConnection, headers, connections) => {
    const host = await new Host().start();
    host.onData = (socket) => socket.write(answer(200, '', ...headers));
    const answers = new ProbeAnswers();
    let told = 0;
    const onCheckConnection = () => {
      told++;
    };
    const asked = prober(checkConfig({ checker: httpCheck(), reuseConnection }), host.port, answers, { onCheckConnection });
    for (let i = 0; i < 3; i++) expect(await answers.ask(asked)).toBe('success');
    expect([host.connections, told]).toEqual([connections, connections]);
  });

  it('looks at the name of the service as far as runtime says, and counts that', async () => {
    const host = await new Host().start();
    host.onData = (socket) => socket.write(answer(200));
    const stats = createLocalStats();
    const answers = new ProbeAnswers();
    const config = checkConfig({ checker: httpCheck({ serviceName: a }) });
    expect(await answers.ask(prober(config, host.port, answers, { stats, verifies: false }))).toBe('success');
    expect(stats.value('health_check.verify_cluster')).toBe(0);
    expect(await answers.ask(prober(config, host.port, answers, { stats }))).toBe('ACTIVE');
    expect(stats.value('health_check.verify_cluster')).toBe(1);
  });

  it.each<[string, Partial<HttpCheckConfig>, string, string]>([
    ['the cluster', {}, '', 'GET /hc HTTP/1.1\r\nhost: c\r\nuser-agent: Envoy/HC\r\n'],
    ['the configured host', { host: 'h' }, '', 'GET /hc HTTP/1.1\r\nhost: h\r\n'],
    ['the endpoint before it', { host: 'h' }, 'own', 'GET /hc HTTP/1.1\r\nhost: own\r\n'],
    ['a method without a body', { method: 'POST' }, '', 'POST /hc HTTP/1.1\r\nhost: c\r\nuser-agent: Envoy/HC\r\ncontent-length: 0\r\n'],
    ['a payload', { method: 'PUT', send: text('ping') }, '', 'PUT /hc HTTP/1.1\r\nhost: c\r\nuser-agent: Envoy/HC\r\ncontent-length: 4\r\n'],
  ])('names %s', async (_name, check, hostname, expected) => {
    const host = await new Host().start();
    host.onData = (socket) => socket.write(answer(200));
    const answers = new ProbeAnswers();
    await answers.ask(prober(checkConfig({ checker: httpCheck(check) }), host.port, answers, { hostname }));
    expect(host.received.slice(0, expected.length)).toBe(expected);
  });

  // As Envoy answers them.
  it.each([
    ['%PROTOCOL%', 'HTTP/1.1'],
    ['%UPSTREAM_HOST%', '10.0.0.1:80'],
    ['%UPSTREAM_HOST_NAME%', 'one'],
    ['%UPSTREAM_METADATA(ns:k)%', 'v'],
    ['%METADATA(UPSTREAM_HOST:ns:k)%', 'v'],
    ['%DOWNSTREAM_LOCAL_ADDRESS%', '127.0.0.1:0'],
    ['%DOWNSTREAM_REMOTE_ADDRESS%', '127.0.0.1:0'],
    ['%START_TIME(%s)%', '1700000000'],
    ['%REQ(user-agent)%', ''],
    ['%RESPONSE_CODE%', '0'],
    ['%DURATION%', '0'],
    ['%BYTES_SENT%', '0'],
    ['%RESPONSE_FLAGS%', '-'],
    ['%ROUTE_NAME%', ''],
    ['%UPSTREAM_CLUSTER%', ''],
    ['a%%b', 'a%b'],
  ])('evaluates %s in headers: %j', async (format, expected) => {
    const host = await new Host().start();
    host.onData = (socket) => socket.write(answer(200));
    const answers = new ProbeAnswers();
    const headers = { add: [{ name: 'x-a', value: `[${format}]`, action: 'append_if_exists_or_add' as const, keepEmptyValue: false }], remove: [] };
    const asked = prober(checkConfig({ checker: httpCheck({ headers }) }), host.port, answers);
    for (let i = 0; i < 2; i++) await answers.ask(asked);
    expect(host.received.match(/x-a: .*/g)).toEqual([`x-a: [${expected}]`, `x-a: [${expected}]`]);
  });

  it('says nothing once it is aborted, and asks again on another connection', async () => {
    const host = await new Host().start();
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: httpCheck() }), host.port, answers);
    asked.probe();
    await until(() => host.received.endsWith('\r\n\r\n'));
    asked.abort();
    host.onData = (socket) => socket.write(answer(200));
    expect([await answers.ask(asked), host.connections]).toEqual(['success', 2]);
  });
});

describe('TCP checks', () => {
  const tcp = (send: string, ...receive: string[]): TcpCheckConfig => ({ kind: 'tcp', send: new Uint8Array(Buffer.from(send)), receive: receive.map((each) => new Uint8Array(Buffer.from(each))), proxyHeader: null });

  it('are content with a connection, one for each check', async () => {
    const host = await new Host().start();
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: tcp('unsent') }), host.port, answers);
    expect([await answers.ask(asked), await answers.ask(asked)]).toEqual(['success', 'success']);
    await until(() => host.connections === 2);
    expect([host.connections, host.received]).toEqual([2, '']);
    expect(await answers.ask(prober(checkConfig({ checker: tcp('') }), 1, answers))).toBe('NETWORK');
  });

  it.each([
    ['at once', ['PONG'], ['PONG']],
    ['with anything around it', ['x', 'y'], ['.x..y.']],
    ['in pieces', ['PONG'], ['PO', 'NG']],
    ['one after another', ['a', 'b'], ['a', 'b']],
  ])('find what they look for %s', async (_name, receive, sends) => {
    const host = await new Host().start();
    host.onData = (socket) => {
      for (const each of sends) socket.write(each);
    };
    const answers = new ProbeAnswers();
    expect(await answers.ask(prober(checkConfig({ checker: tcp('PING', ...receive) }), host.port, answers))).toBe('success');
    expect(host.received).toBe('PING');
  });

  it('wait for it as long as the connection stands', async () => {
    const host = await new Host().start();
    host.onData = (socket) => socket.end('b a');
    const answers = new ProbeAnswers();
    expect(await answers.ask(prober(checkConfig({ checker: tcp('?', 'a', 'b') }), host.port, answers))).toBe('NETWORK');
  });

  it.each([[true, 1], [false, 3]])('keep their connection: reuse_connection %s makes %d for three checks', async (reuseConnection, connections) => {
    const host = await new Host().start();
    host.onData = (socket) => socket.write('ok');
    const answers = new ProbeAnswers();
    let told = 0;
    const onCheckConnection = () => {
      told++;
    };
    const asked = prober(checkConfig({ checker: tcp('?', 'ok'), reuseConnection }), host.port, answers, { onCheckConnection });
    for (let i = 0; i < 3; i++) expect(await answers.ask(asked)).toBe('success');
    expect([host.connections, told, host.received]).toEqual([connections, connections, '???']);
  });

  it.each(['v1', 'v2'] as const)('begin each check with a header of the PROXY protocol %s', async (proxyHeader) => {
    const host = await new Host().start();
    let peer = '';
    host.onData = (socket) => {
      peer = `${socket.remotePort} ${socket.localPort}`;
      if (host.received.endsWith('?')) socket.write('ok');
    };
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: { ...tcp('?', 'ok'), proxyHeader } }), host.port, answers);
    for (let i = 0; i < 2; i++) expect(await answers.ask(asked)).toBe('success');
    const header = proxyHeader === 'v2' ? '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0' : `PROXY TCP4 127.0.0.1 127.0.0.1 ${peer}\r\n`;
    expect([host.received, host.connections]).toEqual([`${header}?${header}?`, 1]);
  });

  it.each([['v1', '', []], ['v2', '?', []]] as const)('send no header %s where no answer is expected', async (proxyHeader, send, receive) => {
    const host = await new Host().start();
    const answers = new ProbeAnswers();
    expect(await answers.ask(prober(checkConfig({ checker: { ...tcp(send, ...receive), proxyHeader } }), host.port, answers))).toBe('success');
    await until(() => host.sockets.length === 1 && host.sockets[0].destroyed);
    expect(host.received).toBe('');
  });

  it('take the end of a kept connection for a failure of the network, between two checks as well', async () => {
    const host = await new Host().start();
    host.onData = (socket) => socket.write('ok');
    const answers = new ProbeAnswers();
    const asked = prober(checkConfig({ checker: tcp('?', 'ok') }), host.port, answers);
    await answers.ask(asked);
    const next = answers.next();
    host.sockets[0].destroy();
    expect(await next).toBe('NETWORK');
    expect([await answers.ask(asked), host.connections]).toEqual(['success', 2]);
  });
});
