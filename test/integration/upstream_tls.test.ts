/** Traffic over TLS to upstream hosts, on both backends. What Envoy does in each case: test/oracle/cases/upstream_tls.yaml. */
import { readFileSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { TlsTrustConfig } from '../../core/io/tls.ts';
import type { ExtensionConfig } from '../../core/registry/parse_context.ts';
import { SYSTEM_RESOLVER } from '../../core/upstream/dns_options.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { parseCluster } from '../../server/config/cluster_parser.ts';
import type { UpstreamTlsConfig } from '../../extensions/transport_sockets/tls/tls_config.ts';
import { configRegistry } from '../support/config_registry.ts';
import { hostConfig } from '../support/in_process_worker.ts';
import { backendsUnderTest } from '../support/io_driver.ts';
import { parseYamlMessage } from '../support/parse_yaml.ts';
import { testCertificate, tlsFile, tlsPath } from '../support/tls/certificates.ts';
import { UpstreamScene } from '../support/upstream_scene.ts';

const TRUST = `trusted_ca: { filename: ${tlsPath('ca.pem')} }`;

/** What a cluster's TLS context makes of it. */
function secured(context: string, more = ''): Partial<ClusterConfig> {
  const socket = `transport_socket: { name: tls, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, ${context} } }`;
  const parsed = parseYamlMessage(`{ name: c, ${socket}${more} }`, 'envoy.config.cluster.v3.Cluster', configRegistry());
  parsed.context.readFile = (path) => readFileSync(path);
  const { config } = parseCluster(parsed.message as Cluster, { resolver: SYSTEM_RESOLVER, bindConfig: undefined }, parsed.context);
  expect(parsed.errors()).toEqual([]);
  return { transportSocket: config.transportSocket, autoServerName: config.autoServerName, ...(config.socketConfigs === undefined ? {} : { socketConfigs: config.socketConfigs }) };
}

describe.each(backendsUnderTest())('TLS to upstream hosts on the %s backend', (backend) => {
  let scene: UpstreamScene;
  beforeEach(() => {
    scene = new UpstreamScene(backend);
  });
  afterEach(() => scene.close());

  /** A server that says what it was asked for by TLS, and on which connection. */
  async function serve(options: ServerOptions = {}): Promise<number> {
    const connections: TLSSocket[] = [];
    return scene.serveSecurely({ ...testCertificate('server'), ...options }, (incoming, response) => {
      const socket = incoming.socket as TLSSocket & { servername?: string | false };
      if (!connections.includes(socket)) connections.push(socket);
      const client = socket.getPeerCertificate().subject?.CN ?? 'nobody';
      response.end(`${connections.indexOf(socket)} ${socket.servername || '-'} ${socket.getProtocol()} ${socket.alpnProtocol || '-'} ${String(client)}`);
    });
  }

  const stats = (...names: readonly string[]) => names.map((name) => scene.stat(name));

  it('requests go over one connection, one after the other', async () => {
    const port = await serve();
    await scene.start([hostConfig(0, port)], secured(`sni: server.example, common_tls_context: { validation_context: { ${TRUST} } }`));
    expect([await scene.get(), await scene.get()]).toEqual(Array(2).fill('0 server.example TLSv1.2 http/1.1 nobody'));
    expect(stats('ssl.handshake', 'ssl.connection_error', 'ssl.versions.TLSv1.2', 'upstream_cx_total')).toEqual([1, 0, 1, 1]);
  });

  it('what was agreed on is what was asked for', async () => {
    const port = await serve({ ALPNProtocols: ['http/1.1'], requestCert: true, ca: tlsFile('ca.pem') });
    const own = `tls_certificates: [{ certificate_chain: { filename: ${tlsPath('client.pem')} }, private_key: { filename: ${tlsPath('client.key.pem')} } }]`;
    await scene.start([hostConfig(0, port)], secured(`common_tls_context: { tls_params: { tls_maximum_protocol_version: TLSv1_3 }, alpn_protocols: [http/1.1], ${own} }`));
    expect(await scene.get()).toBe('0 - TLSv1.3 http/1.1 client.example');
  });

  it.each([
    ['a certificate of somebody else', 'stranger', TRUST, 'fail_verify_error'],
    ['one whose time is over', 'expired', TRUST, 'fail_verify_error'],
    ['one that was taken back', 'revoked', `${TRUST}, crl: { filename: ${tlsPath('crl.pem')} }`, 'fail_verify_error'],
    ['one of another name', 'server', `${TRUST}, match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: other.example } }]`, 'fail_verify_san'],
    ['one that is not the one', 'server', `${TRUST}, verify_certificate_hash: ["${'00'.repeat(32)}"]`, 'fail_verify_cert_hash'],
  ] as const)('no request goes to a host with %s', async (_name, certificate, validation, stat) => {
    const port = await serve(testCertificate(certificate));
    await scene.start([hostConfig(0, port)], secured(`common_tls_context: { validation_context: { ${validation} } }`));
    expect(await scene.get()).toBe('503');
    expect(stats(`ssl.${stat}`, 'upstream_cx_connect_fail', 'upstream_cx_active', 'upstream_rq_total')).toEqual([1, 1, 0, 0]);
  });

  it('a host that speaks no TLS is a failed connection', async () => {
    const port = await scene.serve((_request, response) => response.end('plain'));
    await scene.start([hostConfig(0, port)], secured(''));
    expect(await scene.get()).toBe('503');
    expect(stats('ssl.connection_error', 'upstream_cx_connect_fail', 'upstream_cx_active')).toEqual([1, 1, 0]);
  });

  it('material that the worker does not take is a failed connect, and reported', async () => {
    const { config, ...socket } = secured(`common_tls_context: { validation_context: { ${TRUST} } }`).transportSocket as ExtensionConfig;
    const { client, ...rest } = config as UpstreamTlsConfig;
    const broken: UpstreamTlsConfig = { ...rest, client: { ...client, trust: { ...(client.trust as TlsTrustConfig), trustedCa: 'nothing' } } };
    await scene.start([hostConfig(0, await serve())], { transportSocket: { ...socket, config: broken } });
    expect([await scene.get(), await scene.get()]).toEqual(['503', '503']);
    expect(stats('upstream_cx_connect_fail', 'upstream_cx_active', 'ssl.handshake')).toEqual([2, 0, 0]);
    expect(scene.errors().join()).toContain('no certificate to trust');
  });

  it('hosts have the socket of their match', async () => {
    const [plain, secure] = [await scene.serve((_request, response) => response.end('plain')), await serve()];
    const tls = secured('', ', transport_socket_matches: [{ name: raw, match: { raw: true }, transport_socket: { name: envoy.transport_sockets.raw_buffer } }]');
    await scene.start([hostConfig(0, plain, { socket: 'raw' }), hostConfig(1, secure)], tls);
    expect([await scene.get(), await scene.get()].sort()).toEqual(['0 - TLSv1.2 http/1.1 nobody', 'plain']);
  });

  it('requests say by which name they know their host', async () => {
    const port = await serve();
    const http = `, typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http_protocol_options: {} }, upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true } } }`;
    await scene.start([hostConfig(0, port)], secured(`sni: configured.example, max_session_keys: 0, common_tls_context: { validation_context: { ${TRUST} } }`, http));
    const get = (host: string) => new Promise<string>((resolve, reject) => {
      request(`http://${scene.address}/`, { headers: { host } }, (response) => {
        let body = '';
        response.setEncoding('latin1').on('data', (chunk: string) => (body += chunk)).on('end', () => resolve(response.statusCode === 200 ? body : `${response.statusCode}`));
      }).on('error', reject).end();
    });
    expect(await get('server.example')).toBe('0 server.example TLSv1.2 http/1.1 nobody');
    expect(await get('a.wild.example:80')).toBe('1 a.wild.example TLSv1.2 http/1.1 nobody');
    expect(await get('server.example:81')).toBe('0 server.example TLSv1.2 http/1.1 nobody');
    expect(await get('127.0.0.1')).toBe('2 configured.example TLSv1.2 http/1.1 nobody');
    expect(await get('other.example')).toBe('503');
    expect(stats('ssl.fail_verify_san')).toEqual([1]);
  });

  it('large bodies pass both ways, at the pace of the slower side', async () => {
    const size = 8 << 20;
    const port = await scene.serveSecurely(testCertificate('server'), (incoming, response) => {
      incoming.pipe(response);
    });
    await scene.start([hostConfig(0, port)], secured(''));
    const sent = Buffer.alloc(size, 'abcdefg');
    const received = await new Promise<Buffer>((resolve, reject) => {
      const outgoing = request(`http://${scene.address}/`, { method: 'POST' }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks))).on('error', reject);
      }).on('error', reject);
      outgoing.end(sent);
    });
    expect(received.equals(sent)).toBe(true);
  });

  it('sessions are used again', async () => {
    const port = await serve({ maxVersion: 'TLSv1.2' });
    await scene.start([hostConfig(0, port)], { ...secured(''), maxRequestsPerConnection: 1 });
    expect([await scene.get(), await scene.get()]).toEqual(['0 - TLSv1.2 http/1.1 nobody', '1 - TLSv1.2 http/1.1 nobody']);
    expect(stats('ssl.handshake', 'ssl.session_reused')).toEqual([2, 1]);
  });

  it('a host that takes no handshake on is given up in time', async () => {
    const silent = createServer();
    silent.removeAllListeners('connection');
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    scene.servers.push(silent);
    await scene.start([hostConfig(0, (silent.address() as AddressInfo).port)], { ...secured(''), connectTimeoutMs: 50 });
    expect(await scene.get()).toBe('503');
    expect(stats('upstream_cx_connect_timeout', 'upstream_cx_active', 'ssl.connection_error')).toEqual([1, 0, 0]);
  });
});
