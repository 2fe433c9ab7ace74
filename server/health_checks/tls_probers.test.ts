/** Probers over TLS against a server on the loopback. */
import { readFileSync } from 'node:fs';
import { performServerHandshake } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import { UPSTREAM_SOCKET_CATEGORY } from '../../core/network/transport_socket.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ExtensionConfig } from '../../core/registry/parse_context.ts';
import type { Prober } from '../../core/upstream/health_prober.ts';
import { register as registerRedis } from '../../extensions/health_checkers/redis/config.ts';
import { checkConfig, httpCheck } from '../../test/support/check_config.ts';
import { configRegistry } from '../../test/support/config_registry.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { ProbeAnswers } from '../../test/support/probe_answers.ts';
import { testProber, type TestProberOptions } from '../../test/support/test_prober.ts';
import { testCertificate, tlsFile, tlsPath } from '../../test/support/tls/certificates.ts';
import { parseTransportSocket } from '../config/transport_socket_parser.ts';
import type { HealthCheckConfig } from './health_check_config.ts';

type Checker = HealthCheckConfig['checker'];

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const HTTP1 = httpCheck();
const HTTP2 = httpCheck({ isHttp2: true });
const GRPC: Checker = { kind: 'grpc', serviceName: '', authority: '', metadata: { add: [], remove: [] } };
const TCP: Checker = { kind: 'tcp', send: bytes('ping'), receive: [bytes('pong')], proxyHeader: null };
const CONNECT: Checker = { kind: 'tcp', send: bytes(''), receive: [], proxyHeader: null };
const REDIS: Checker = {
  kind: 'custom', credentials: null,
  extension: { name: 'r', typeName: 'envoy.extensions.health_checkers.redis.v3.Redis', config: { checkerType: 'REDIS', key: '' } },
};
const SERVING = Buffer.from('\0\0\0\0\x02\b\x01', 'latin1');

/** Answers one kind of check, and notes what it saw. */
class Host {
  readonly sockets: TLSSocket[] = [];
  readonly schemes: unknown[] = [];
  /** Protocols offered by ALPN, of connections that did. */
  readonly offers: string[][] = [];
  received = '';
  private readonly server: Server;

  constructor(checker: Checker, options: TlsOptions = {}) {
    const certificate = testCertificate('server');
    this.server = createServer({
      cert: certificate.cert, key: certificate.key,
      ALPNCallback: ({ protocols }) => {
        this.offers.push(protocols);
        return protocols[0];
      },
      ...options,
    }, (socket) => {
      this.sockets.push(socket);
      socket.on('error', () => {});
      if (checker === HTTP2 || checker === GRPC) this.serveHttp2(socket);
      else this.serve(socket, checker);
    });
    this.server.on('tlsClientError', () => {});
  }

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

  /** A connection that came to another. */
  accept(socket: Socket): void {
    this.server.emit('connection', socket);
  }

  private serve(socket: TLSSocket, checker: Checker): void {
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      socket.write(checker === TCP ? 'pong' : checker === REDIS ? '+PONG\r\n' : 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
  }

  private serveHttp2(socket: TLSSocket): void {
    const session = performServerHandshake(socket);
    session.on('error', () => {});
    session.on('stream', (stream, headers) => {
      this.schemes.push(headers[':scheme']);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(SERVING);
      stream.resume();
    });
  }
}

function registry(): FactoryRegistry {
  const all = configRegistry();
  registerRedis(all);
  return all;
}

/** A transport socket as clusters have it; `fields` of UpstreamTlsContext. */
function tlsSocket(fields = ''): ExtensionConfig {
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const { message, context, errors } = parseYamlMessage(`{ name: c, transport_socket: { name: tls, typed_config: { "@type": ${type}, ${fields} } } }`, 'envoy.config.cluster.v3.Cluster', registry());
  context.readFile = (path) => readFileSync(path);
  const socket = parseTransportSocket(UPSTREAM_SOCKET_CATEGORY, (message as Cluster).transportSocket, context);
  expect(errors()).toEqual([]);
  if (socket === null) throw new Error('no socket');
  return socket;
}

function trusting(more = ''): string {
  return `common_tls_context: { validation_context: { trusted_ca: { filename: ${tlsPath('ca.pem')} }, ${more} } }`;
}

interface Checks {
  readonly answers: ProbeAnswers;
  readonly prober: Prober;
  /** What was counted of `ssl.`, without what is of one cipher or version. */
  readonly counted: () => Record<string, number>;
}

function checks(checker: Checker, port: number, socket: ExtensionConfig, config: Partial<HealthCheckConfig> = {}, options: TestProberOptions = {}): Checks {
  const answers = new ProbeAnswers();
  const stats = createLocalStats();
  const prober = testProber(checkConfig({ checker, ...config }), port, answers, { registry: registry(), stats, sockets: { transportSocket: socket }, ...options });
  cleanups.push(() => prober.close());
  const counted = () => Object.fromEntries(stats.names().flatMap((name) => {
    const value = stats.value(name) ?? 0;
    return /^ssl\.[a-z_]+$/.test(name) && value > 0 ? [[name.slice(4), value]] : [];
  }));
  return { answers, prober, counted };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const KINDS: readonly [string, Checker][] = [['HTTP/1', HTTP1], ['HTTP/2', HTTP2], ['gRPC', GRPC], ['TCP', TCP], ['a connection', CONNECT], ['Redis', REDIS]];

describe.each(KINDS)('checks over TLS: %s', (_name, checker) => {
  it('pass when the host is whom it should be', async () => {
    const host = await new Host(checker).start();
    const { answers, prober, counted } = checks(checker, host.port, tlsSocket(`sni: server.example, ${trusting('match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: server.example } }]')}`));
    expect(await answers.ask(prober)).toBe('success');
    await until(() => host.sockets.length === 1);
    expect([host.sockets[0].servername, counted()]).toEqual(['server.example', { handshake: 1 }]);
  });

  it.each([
    ['nobody trusted signed its certificate', testCertificate('stranger'), '', { fail_verify_error: 1 }],
    ['its certificate is over', testCertificate('expired'), '', { fail_verify_error: 1 }],
    ['it has another name', testCertificate('server'), 'match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: other.example } }]', { fail_verify_san: 1 }],
  ])('fail as the network does when %s, and say nothing to the host', async (_why, certificate, more, counts) => {
    const host = await new Host(checker, { cert: certificate.cert, key: certificate.key }).start();
    const { answers, prober, counted } = checks(checker, host.port, tlsSocket(trusting(more)));
    expect(await answers.ask(prober)).toBe('NETWORK');
    expect([counted(), host.received, host.schemes]).toEqual([counts, '', []]);
  });

  it('fail when the host speaks no TLS', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { answers, prober, counted } = checks(checker, (server.address() as AddressInfo).port, tlsSocket());
    expect(await answers.ask(prober)).toBe('NETWORK');
    expect(counted()).toEqual({ connection_error: 1 });
  });

  it('fail when the host closes within the handshake, or is not there; go on afterwards', async () => {
    let isClosing = true;
    const host = await new Host(checker).start();
    const front = createTcpServer((socket) => {
      socket.on('error', () => {});
      if (isClosing) socket.once('data', () => socket.destroy());
      else host.accept(socket);
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const { port } = front.address() as AddressInfo;
    cleanups.push(() => front.close());
    const { answers, prober, counted } = checks(checker, port, tlsSocket());
    expect(await answers.ask(prober)).toBe('NETWORK');
    isClosing = false;
    expect(await answers.ask(prober)).toBe('success');
    expect(counted()).toEqual({ handshake: 1 });
    const gone = checks(checker, await unusedPort(), tlsSocket());
    expect(await gone.answers.ask(gone.prober)).toBe('NETWORK');
    expect(gone.counted()).toEqual({});
  });

  it('are given up within the handshake; the next one connects again', async () => {
    let isSilent = true;
    let connections = 0;
    const host = await new Host(checker).start();
    const front = createTcpServer((socket) => {
      connections++;
      socket.on('error', () => {});
      if (!isSilent) host.accept(socket);
      else socket.resume();
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => front.close());
    const { answers, prober, counted } = checks(checker, (front.address() as AddressInfo).port, tlsSocket(), { reuseConnection: false });
    prober.probe();
    await until(() => connections === 1);
    prober.abort();
    isSilent = false;
    expect(await answers.ask(prober)).toBe('success');
    expect([connections, counted()]).toEqual([2, { handshake: 1 }]);
  });
});

async function unusedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

describe('ALPN of checks', () => {
  it.each<[string, Checker, string, readonly string[], string[][]]>([
    ['nothing unless configured', HTTP1, '', [], []],
    ['nor for HTTP/2', HTTP2, '', [], []],
    ['what the socket says', TCP, 'common_tls_context: { alpn_protocols: [a, b] }', [], [['a', 'b']]],
    ['what the check says', TCP, '', ['x', 'y'], [['x', 'y']]],
    ['the check before the socket', HTTP1, 'common_tls_context: { alpn_protocols: [a] }', ['x'], [['x']]],
    ['not for checks that go over connections of traffic', REDIS, '', ['x'], []],
  ])('offers %s', async (_name, checker, fields, alpnProtocols, offered) => {
    const host = await new Host(checker).start();
    const { answers, prober } = checks(checker, host.port, tlsSocket(fields), { alpnProtocols });
    expect(await answers.ask(prober)).toBe('success');
    expect(host.offers).toEqual(offered);
  });
});

describe('connections of checks over TLS', () => {
  const KEPT: readonly [string, Checker][] = [['HTTP/1', HTTP1], ['HTTP/2', HTTP2], ['gRPC', GRPC], ['TCP', TCP]];

  it.each(KEPT)('are kept: %s', async (_name, checker) => {
    const host = await new Host(checker).start();
    const { answers, prober, counted } = checks(checker, host.port, tlsSocket());
    for (let i = 0; i < 3; i++) expect(await answers.ask(prober)).toBe('success');
    expect([host.sockets.length, counted()]).toEqual([1, { handshake: 1 }]);
  });

  it.each(KEPT)('are not kept if so configured, but their sessions are: %s', async (_name, checker) => {
    const host = await new Host(checker).start();
    const { answers, prober, counted } = checks(checker, host.port, tlsSocket(), { reuseConnection: false });
    for (let i = 0; i < 3; i++) expect(await answers.ask(prober)).toBe('success');
    expect([host.sockets.length, counted()]).toEqual([3, { handshake: 3, session_reused: 2 }]);
  });

  it.each([['HTTP/1', HTTP1, []], ['HTTP/2', HTTP2, []], ['TCP', TCP, ['NETWORK']]] as const)('may be closed by the host between two checks: %s', async (_name, checker, said) => {
    const host = await new Host(checker).start();
    const { answers, prober } = checks(checker, host.port, tlsSocket());
    expect(await answers.ask(prober)).toBe('success');
    const closed = new Promise((resolve) => host.sockets[0].on('close', resolve));
    host.sockets[0].end();
    await closed;
    await until(() => answers.said.length === said.length);
    expect(answers.said.splice(0)).toEqual(said);
    expect(await answers.ask(prober)).toBe('success');
    expect(host.sockets.length).toBe(2);
  });

  it('have the socket of checks, and the scheme of traffic', async () => {
    const host = await new Host(HTTP2).start();
    const sockets = { transportSocket: tlsSocket('sni: own.example'), socketConfigs: { checks: tlsSocket('sni: checks.example'), plain: null } };
    const one = checks(HTTP2, host.port, sockets.transportSocket, {}, { sockets, names: { traffic: 'plain', checks: 'checks' } });
    expect(await one.answers.ask(one.prober)).toBe('success');
    const other = checks(HTTP2, host.port, sockets.transportSocket, {}, { sockets, names: { traffic: 'default', checks: 'default' } });
    expect(await other.answers.ask(other.prober)).toBe('success');
    expect(host.sockets.map(({ servername }) => servername)).toEqual(['checks.example', 'own.example']);
    expect(host.schemes).toEqual(['http', 'https']);
  });

  it('show our certificate', async () => {
    const host = await new Host(TCP, { requestCert: true, ca: tlsFile('ca.pem') }).start();
    const client = `{ certificate_chain: { filename: ${tlsPath('client.pem')} }, private_key: { filename: ${tlsPath('client.key.pem')} } }`;
    const { answers, prober } = checks(TCP, host.port, tlsSocket(`common_tls_context: { tls_certificates: [${client}] }`));
    expect(await answers.ask(prober)).toBe('success');
    expect(host.sockets[0].getPeerCertificate().subject.CN).toBe('client.example');
  });
});
