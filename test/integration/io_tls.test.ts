import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CloseMode, ConnectFailure, IoEvent } from '../../core/io/io.ts';
import type { TlsClientConfig, TlsConnect, TlsFailure, TlsSession } from '../../core/io/tls.ts';
import { backendsUnderTest, IoDriver, settle, until } from '../support/io_driver.ts';
import { testCertificate, tlsFile } from '../support/tls/certificates.ts';
import { clientConfig, type TlsPeer, TlsPeers } from '../support/tls_peers.ts';

const { ECONNREFUSED, EINVAL, EPROTO } = constants.errno;
const TLS_FAILED = EPROTO | ConnectFailure.tls;

function sslText(error: string): string {
  return `TLS_error:|${error}:TLS_error_end`;
}

function verifyText(depth: number, words: string): string {
  return sslText(
    '268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:' +
      `verify cert failed: X509_verify_cert: certificate verification error at depth ${depth}: ${words}`,
  );
}

describe.each(backendsUnderTest())('%s TLS handshakes', (backend) => {
  let driver: IoDriver;
  let servers: TlsPeers;

  beforeEach(() => {
    driver = new IoDriver(backend);
    servers = new TlsPeers();
  });
  afterEach(() => {
    driver.stop();
    servers.close();
  });

  function connect(port: number, config: TlsClientConfig | number, tls: Partial<TlsConnect> = {}): number {
    const context = typeof config === 'number' ? config : driver.io.addTlsContext(config);
    const connection = driver.io.connect('127.0.0.1', port, { tls: { context, serverName: 'server.example', ...tls } });
    // The number may have been another's.
    for (let i = driver.seen.length - 1; i >= 0; i--) if (driver.seen[i].connection === connection) driver.seen.splice(i, 1);
    return connection;
  }

  async function connected(connection: number): Promise<number> {
    await until(() => driver.of(IoEvent.connect, connection).length > 0, 'the connect ended');
    return driver.of(IoEvent.connect, connection)[0].a;
  }

  /** Connects and must succeed. */
  async function session(port: number, config: TlsClientConfig | number, tls: Partial<TlsConnect> = {}): Promise<TlsSession> {
    const connection = connect(port, config, tls);
    expect({ errno: await connected(connection), failure: driver.io.tlsFailure(connection) }).toEqual({ errno: 0, failure: null });
    const result = driver.io.tlsSession(connection);
    if (result === null) throw new Error('connected without a session');
    return result;
  }

  /** Connects and must fail, without a byte of what we sent; nothing is told after the connect. */
  async function failure(port: number, config: TlsClientConfig): Promise<TlsFailure | null> {
    const connection = connect(port, config);
    driver.send(connection, 'not for strangers');
    expect(await connected(connection)).toBe(TLS_FAILED);
    const result = driver.io.tlsFailure(connection);
    expect(driver.io.tlsSession(connection)).toBeNull();
    await settle(5);
    expect(driver.seen.filter((event) => event.connection === connection)).toHaveLength(1);
    driver.close(connection, CloseMode.now);
    return result;
  }

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
    it('asks about the peer, which is talked to when it is accepted', async () => {
      const server = await servers.serve({ maxVersion: version });
      const asked: unknown[] = [];
      const verifyPeer = (certificate: Uint8Array | null, isVerified: boolean): string => {
        asked.push(new X509Certificate(certificate ?? '').subject, isVerified);
        return '';
      };
      await session(server.port, clientConfig(), { verifyPeer });
      await session(server.port, clientConfig({}, null), { verifyPeer });
      expect(asked).toEqual(['O=envoyts tests\nCN=server.example', true, 'O=envoyts tests\nCN=server.example', false]);
    });

    it('a peer that is refused hears nothing but that', async () => {
      const server = await servers.serve({ maxVersion: version });
      const connection = connect(server.port, clientConfig(), { verifyPeer: () => 'not that one' });
      driver.send(connection, 'not for strangers');
      expect(await connected(connection)).toBe(TLS_FAILED);
      expect(driver.io.tlsFailure(connection)).toEqual({ kind: 'refused', text: 'not that one' });
      driver.close(connection, CloseMode.now);
      if (backend === 'ring') {
        await until(() => server.failures.length > 0, 'the server was told');
        expect([server.failures, server.peers]).toEqual([['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN'], []]);
      }
      // The portable backend refuses when its own side is done; the server's may be done then or not.
      await settle(10);
      expect(server.peers.map((peer) => peer.text).join('')).toBe('');
    });

    it('a session is resumed to the same name alone where names matter', async () => {
      const server = await servers.serve({ maxVersion: version }, (peer) => peer.socket.write('with tickets before it'));
      const context = driver.io.addTlsContext(clientConfig());
      const asked: string[] = [];
      const through = async (serverName: string): Promise<boolean | undefined> => {
        const verifyPeer = (): string => {
          asked.push(serverName);
          return '';
        };
        const connection = connect(server.port, context, { serverName, verifyPeer });
        await until(() => driver.of(IoEvent.data, connection).length > 0, 'the tickets came');
        const resumed = driver.io.tlsSession(connection)?.isResumed;
        driver.close(connection, CloseMode.flush);
        return resumed;
      };
      expect([await through('server.example'), await through('server.example'), await through('a.wild.example')]).toEqual([false, true, false]);
      expect(asked).toEqual(['server.example', 'a.wild.example']);
    });

    it('is done when the connect is reported, and what was sent before arrives', async () => {
      const server = await servers.serve({ maxVersion: version }, (peer) => peer.socket.write('hello'));
      const connection = connect(server.port, clientConfig());
      driver.send(connection, 'early ', 'bird');
      expect(driver.io.queued[connection]).toBe(10);
      expect(await connected(connection)).toBe(0);
      const agreed = driver.io.tlsSession(connection);
      expect(agreed).toMatchObject({ version, alpn: '', isResumed: false, isVerified: true });
      expect(agreed?.cipher).toMatch(version === 'TLSv1.3' ? /^TLS_AES_/ : /^ECDHE-ECDSA-/);
      expect(agreed?.curve).not.toBe('');
      expect(agreed?.signatureAlgorithm).toBe(backend === 'ring' ? 'ecdsa_secp256r1_sha256' : '');
      expect(agreed?.sessionId).toMatch(version === 'TLSv1.3' ? /^$/ : /^[0-9a-f]{64}$/);
      expect(new X509Certificate(agreed?.peerCertificate ?? '').subject).toContain('CN=server.example');
      await until(() => server.peers[0]?.text === 'early bird', 'the queued bytes arrive');
      await until(() => driver.text(connection) === 'hello', 'the first bytes came');
      expect(server.peers[0].socket).toMatchObject({ servername: 'server.example' });
      expect(driver.io.queued[connection]).toBe(0);
      expect([driver.io.bytesRead[connection], driver.io.bytesWritten[connection]]).toEqual([5, 10]);
      expect(driver.io.remoteAddress(connection)).toBe(`127.0.0.1:${server.port}`);
    });

    it('shows a certificate that the server asks for', async () => {
      const server = await servers.serve({ maxVersion: version, requestCert: true, rejectUnauthorized: true, ca: tlsFile('ca.pem') });
      const certificates = (['client', 'rsa'] as const).map((name) => ({ chain: testCertificate(name).cert, privateKey: testCertificate(name).key }));
      await session(server.port, clientConfig({ certificates }));
      await until(() => server.peers.length === 1, 'the server is content');
      expect(server.peers[0].socket.getPeerCertificate().subject.CN).toBe('client.example');
    });

    it('resumes a session of the same context, whose certificate it still tells', async () => {
      const server = await servers.serve({ maxVersion: version }, (peer) => peer.socket.write('with tickets before it'));
      const context = driver.io.addTlsContext(clientConfig());
      const first = connect(server.port, context);
      await until(() => driver.of(IoEvent.data, first).length > 0, 'the tickets came');
      const before = driver.io.tlsSession(first);
      driver.close(first, CloseMode.flush);
      const again = await session(server.port, context);
      expect(again).toMatchObject({ isResumed: true, isVerified: true, version, cipher: before?.cipher });
      expect(again.peerCertificate).toEqual(before?.peerCertificate);
      expect(await session(server.port, clientConfig())).toMatchObject({ isResumed: false });
    });

    it('resumes none where none are kept', async () => {
      const server = await servers.serve({ maxVersion: version }, (peer) => peer.socket.write('with tickets before it'));
      const context = driver.io.addTlsContext(clientConfig({ maxSessionKeys: 0 }));
      for (let i = 0; i < 2; i++) {
        const connection = connect(server.port, context);
        await until(() => driver.of(IoEvent.data, connection).length > 0, 'the tickets came');
        expect(driver.io.tlsSession(connection)?.isResumed).toBe(false);
        driver.close(connection, CloseMode.flush);
      }
    });

    it('works when every byte comes alone', async () => {
      const server = await servers.serve({ maxVersion: version }, (peer) => peer.socket.on('data', (chunk: Buffer) => peer.socket.write(chunk)));
      const connection = connect(await servers.relay(server.port, { trickles: true }), clientConfig());
      driver.send(connection, 'drop by drop');
      await until(() => driver.text(connection) === 'drop by drop', 'the echo came');
    });

    it('fails where the server wants a certificate and we have none', async () => {
      const server = await servers.serve({ maxVersion: version, requestCert: true, rejectUnauthorized: true, ca: tlsFile('ca.pem') });
      const connection = connect(server.port, clientConfig());
      // With TLS 1.3 the server says so after our side of the handshake is done.
      const kind = version === 'TLSv1.3' ? IoEvent.error : IoEvent.connect;
      await until(() => driver.of(kind, connection).length > 0, 'it failed');
      expect(driver.of(kind, connection)[0].a).toBe(version === 'TLSv1.3' ? EPROTO : TLS_FAILED);
      const text = version === 'TLSv1.3' ? '268436572:SSL routines:OPENSSL_internal:TLSV1_ALERT_CERTIFICATE_REQUIRED' : '268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE';
      expect(driver.io.tlsFailure(connection)).toEqual({ kind: 'other', text: sslText(text) });
    });
  });

  it('shows a ticket of TLS 1.3 once', async () => {
    const server = await servers.serve({}, (peer) => peer.socket.write('with tickets before it'));
    const context = driver.io.addTlsContext(clientConfig());
    const first = connect(server.port, context);
    await until(() => driver.of(IoEvent.data, first).length > 0, 'the tickets came');
    // Both are begun before either can bring a new ticket.
    const both = [connect(server.port, context), connect(server.port, context)];
    for (const connection of both) expect(await connected(connection)).toBe(0);
    expect(both.map((connection) => driver.io.tlsSession(connection)?.isResumed)).toEqual([true, false]);
  });

  it('sends no server name when there is none', async () => {
    const server = await servers.serve();
    await session(server.port, clientConfig(), { serverName: '' });
    await until(() => server.peers.length === 1, 'accepted');
    expect(server.peers[0].socket).toMatchObject({ servername: false });
  });

  it('agrees on a protocol, of those of the context or of the connect', async () => {
    const server = await servers.serve({ ALPNProtocols: ['h2', 'http/1.1'] });
    const context = driver.io.addTlsContext(clientConfig({ alpnProtocols: ['http/1.1', 'http/1.0'] }));
    expect(await session(server.port, context)).toMatchObject({ alpn: 'http/1.1' });
    expect(await session(server.port, context, { alpnProtocols: ['h2'] })).toMatchObject({ alpn: 'h2' });
    const silent = await servers.serve();
    expect(await session(silent.port, context)).toMatchObject({ alpn: '' });
  });

  it('offers what it was told to', async () => {
    const server = await servers.serve({ ...testCertificate('rsa'), ciphers: 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256' });
    const config = clientConfig({ maxVersion: 'TLSv1.2', cipherSuites: 'ECDHE-RSA-AES128-GCM-SHA256', curves: 'P-256', signatureAlgorithms: 'rsa_pss_rsae_sha256' });
    expect(await session(server.port, config)).toMatchObject({ version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256', curve: 'P-256' });
  });

  describe('a chain', () => {
    const chainOf = (name: 'server' | 'stranger' | 'expired' | 'revoked' | 'deep') => testCertificate(name);
    const verified = { isVerified: true };

    it.each([
      ['of an unknown authority', chainOf('stranger'), {}, 0, 'unable to get local issuer certificate'],
      ['that is over', chainOf('expired'), {}, 0, 'certificate has expired'],
      ['that was revoked', chainOf('revoked'), { crl: tlsFile('crl.pem') }, 0, 'certificate revoked'],
      ['of whose issuer there is no CRL', chainOf('deep'), { crl: tlsFile('crl.pem') }, 0, 'unable to get certificate CRL'],
      ['that is too long', chainOf('deep'), { maxDepth: 0 }, 1, 'certificate chain too long'],
      ['with an unknown intermediate', chainOf('deep'), { trustedCa: tlsFile('other_ca.pem') }, 1, 'unable to get local issuer certificate'],
      [
        'with a root that is not trusted',
        { cert: testCertificate('server').cert + tlsFile('ca.pem'), key: testCertificate('server').key },
        { trustedCa: tlsFile('other_ca.pem') },
        1,
        'self signed certificate in certificate chain',
      ],
    ])('%s fails the connect, and the server gets nothing of ours', async (_what, certificate, trust, depth, words) => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const server = await servers.serve({ ...certificate, maxVersion: version });
        expect(await failure(server.port, clientConfig({}, trust))).toEqual({ kind: 'verify', text: verifyText(depth, words) });
        expect(server.peers.map((peer) => peer.text).join('')).toBe('');
      }
    });

    it.each([
      ['that is over where that is allowed', chainOf('expired'), { allowsExpired: true }, verified],
      ['of an unknown authority where that is accepted', chainOf('stranger'), { acceptsUntrusted: true }, { isVerified: false }],
      ['that is over and accepted', chainOf('expired'), { acceptsUntrusted: true }, { isVerified: false }],
      ['behind an intermediate', chainOf('deep'), { maxDepth: 1 }, verified],
      ['whose intermediate is trusted itself', chainOf('deep'), { trustedCa: tlsFile('intermediate.pem') }, verified],
      ['whose leaf is trusted itself', chainOf('server'), { trustedCa: tlsFile('server.pem') }, verified],
      ['that was not revoked', chainOf('server'), { crl: tlsFile('crl.pem') }, verified],
    ])('%s is taken', async (_what, certificate, trust, expected) => {
      const server = await servers.serve(certificate);
      const context = driver.io.addTlsContext(clientConfig({}, trust));
      expect(await session(server.port, context)).toMatchObject(expected);
      expect(await session(server.port, context)).toMatchObject(expected);
    });

    it('that is over is refused where it is allowed to be over, but not trusted', async () => {
      const server = await servers.serve(chainOf('expired'));
      expect(await failure(server.port, clientConfig({}, { allowsExpired: true, trustedCa: tlsFile('other_ca.pem') }))).toMatchObject({ kind: 'verify' });
    });

    it('is not looked at without trust', async () => {
      const server = await servers.serve(chainOf('stranger'));
      expect(await session(server.port, clientConfig({}, null))).toMatchObject({ isVerified: false, peerCertificate: expect.any(Uint8Array) });
    });

    // Node has no such setting: portable asks about the whole chain (core/io/README.md).
    it.runIf(backend === 'ring')('is taken where the CRL is asked about the leaf only', async () => {
      const ca = tlsFile('ca.pem') + tlsFile('intermediate.pem');
      const revoked = await servers.serve(chainOf('revoked'));
      const trust = { trustedCa: ca, crl: tlsFile('crl.pem'), checksLeafCrlOnly: true };
      expect(await failure(revoked.port, clientConfig({}, trust))).toEqual({ kind: 'verify', text: verifyText(0, 'certificate revoked') });
      const right = await servers.serve(chainOf('server'));
      expect(await session(right.port, clientConfig({}, trust))).toMatchObject(verified);
    });
  });

  describe('a server that speaks no TLS', () => {
    const alert = (description: number): Buffer => Buffer.from([21, 3, 3, 0, 2, 2, description]);

    it.each([
      ['speaks HTTP', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'other', '268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER'],
      ['closes', (socket: Socket) => socket.end(), 'io', ''],
      ['closes after half a record', (socket: Socket) => socket.end(Buffer.from([22, 3, 3, 0, 90, 2, 0])), 'io', ''],
      ['resets', (socket: Socket) => socket.resetAndDestroy(), 'io', '33554536:system library:OPENSSL_internal:Connection reset by peer'],
      ['knows no such name', (socket: Socket) => socket.write(alert(112)), 'other', '268436568:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNRECOGNIZED_NAME'],
      [
        'does not agree',
        (socket: Socket) => socket.write(alert(40)),
        'other',
        '268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO',
      ],
    ])('but %s fails the connect', async (_what, answer, kind, text) => {
      const port = await servers.raw((socket) => socket.once('data', () => answer(socket)));
      expect(await failure(port, clientConfig())).toEqual({ kind, text: text === '' ? '' : sslText(text) });
    });

    it('but resets at once fails the connect', async () => {
      const port = await servers.raw((socket) => socket.resetAndDestroy());
      const text = sslText('33554536:system library:OPENSSL_internal:Connection reset by peer');
      for (let i = 0; i < 5; i++) expect(await failure(port, clientConfig())).toEqual({ kind: 'io', text });
    });

    it('is reported as refused when it is not there', async () => {
      const { port } = await servers.serve();
      servers.close();
      const connection = connect(port, clientConfig());
      expect(await connected(connection)).toBe(ECONNREFUSED);
      expect(driver.io.tlsFailure(connection)).toBeNull();
    });

    it('never brings more than that connection down, whatever it says', async () => {
      let seed = 12345;
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        return Math.floor((seed / 2 ** 32) * below);
      };
      const noise = (): Buffer => {
        const bytes = Buffer.from(Array.from({ length: 1 + random(400) }, () => random(256)));
        // Often with a header that could be right.
        if (random(4) > 0) Buffer.from([20 + random(4), 3, random(5), 0, random(200)]).copy(bytes);
        return bytes;
      };
      const port = await servers.raw((socket) =>
        socket.once('data', () => {
          socket.write(noise());
          socket.end(noise());
        }),
      );
      const real = await servers.serve({}, (peer) => peer.socket.on('data', (chunk: Buffer) => peer.socket.write(chunk)));
      const disturbed = await servers.relay(real.port, {
        onClientBytes: (client, _server, bytes) => {
          if (bytes.length > 600) client.end(noise());
        },
      });
      const context = driver.io.addTlsContext(clientConfig());
      const connections = Array.from({ length: 80 }, (_, i) => connect(i % 2 === 0 ? port : disturbed, context));
      for (const connection of connections) driver.send(connection, 'x'.repeat(700));
      const isOver = (connection: number): boolean =>
        driver.seen.some((event) => event.connection === connection && (event.kind === IoEvent.eof || event.kind === IoEvent.error || (event.kind === IoEvent.connect && event.a !== 0)));
      await until(() => connections.every(isOver), 'all are over');
      const connection = connect(real.port, context);
      driver.send(connection, 'still here');
      await until(() => driver.text(connection) === 'still here', 'others work');
    });
  });

  it('has many at once, not all in one turn', async () => {
    const server = await servers.serve({}, (peer: TlsPeer) => peer.socket.on('data', (chunk: Buffer) => peer.socket.write(chunk)));
    const context = driver.io.addTlsContext(clientConfig({ maxSessionKeys: 0 }));
    const connections = Array.from({ length: 100 }, () => connect(server.port, context));
    for (const connection of connections) driver.send(connection, `<${connection}>`);
    await until(() => connections.every((connection) => driver.text(connection) === `<${connection}>`), 'all echoed');
    const perTurn = new Map<number, number>();
    for (const { turn } of driver.of(IoEvent.connect)) perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
    if (backend === 'ring') expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(16);
  });

  it('takes no wrong material, and says what is wrong', () => {
    const { cert, key } = testCertificate('client');
    const wrong: [TlsClientConfig, RegExp][] = [
      [clientConfig({ cipherSuites: 'NOTHING' }), /no cipher match/],
      [clientConfig({ curves: 'P-257' }), /groups|curve/],
      [clientConfig({ signatureAlgorithms: 'rot13' }), /./],
      [clientConfig({}, { trustedCa: 'no certificate' }), /no certificate to trust/],
      [clientConfig({}, { trustedCa: tlsFile('ca.pem').replaceAll('M', 'x') }), /asn1|wrong tag/],
      [clientConfig({}, { crl: tlsFile('crl.pem').replaceAll('M', 'x') }), /asn1|CRL/],
      [clientConfig({ certificates: [{ chain: cert, privateKey: testCertificate('server').key }] }), /mismatch/],
      [clientConfig({ certificates: [{ chain: cert, privateKey: 'no key' }] }), /unsupported|no start line/],
      [clientConfig({ certificates: [{ chain: 'no certificate', privateKey: key }] }), /no start line|PEM/],
    ];
    for (const [config, words] of wrong) expect(() => driver.io.addTlsContext(config)).toThrow(words);
  });

  it('goes on with a context that was removed, and begins none', async () => {
    const server = await servers.serve({}, (peer) => peer.socket.on('data', (chunk: Buffer) => peer.socket.write(chunk)));
    const context = driver.io.addTlsContext(clientConfig());
    const connection = connect(server.port, context);
    driver.io.removeTlsContext(context);
    driver.send(connection, 'orphan');
    await until(() => driver.text(connection) === 'orphan', 'the echo came');
    expect(() => driver.io.removeTlsContext(context)).toThrow('no such TLS context');
    const none = connect(server.port, context);
    if (none >= 0) expect(await connected(none)).toBe(EINVAL);
    else expect(none).toBe(-EINVAL);
  });

  it('knows nothing of TLS on a plain connection', async () => {
    const port = await servers.raw(() => {});
    const connection = driver.io.connect('127.0.0.1', port);
    expect(await connected(connection)).toBe(0);
    expect([driver.io.tlsSession(connection), driver.io.tlsFailure(connection), driver.io.tlsSession(-1)]).toEqual([null, null, null]);
  });
});
