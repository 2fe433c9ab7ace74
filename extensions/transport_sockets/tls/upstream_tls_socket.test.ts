import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { TlsSession } from '../../../core/io/tls.ts';
import type { TransportSocketOptions } from '../../../core/network/transport_socket.ts';
import { createLocalStats } from '../../../test/support/local_stats.ts';
import { testCertificate, tlsFile } from '../../../test/support/tls/certificates.ts';
import { der, derCertificate } from '../../../test/support/tls/der_certificate.ts';
import { NO_VALIDATION } from './parse_validation.ts';
import type { SanMatcherConfig } from './san_matcher.ts';
import type { UpstreamTlsConfig, VerificationConfig } from './tls_config.ts';
import { UpstreamTlsSocket } from './upstream_tls_socket.ts';

const HOST = { hostname: 'host.example' };
const VERIFY_FAILED = 'TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED';
const SERVER = new X509Certificate(testCertificate('server').cert);
const SERVER_HASH = SERVER.fingerprint256.replaceAll(':', '').toLowerCase();
const NO_MATCH = 'ab'.repeat(32);

interface Wanted extends Partial<VerificationConfig> {
  readonly trusts?: boolean;
  readonly enforcesKeyUsage?: boolean;
  readonly serverName?: string;
  readonly usesHostname?: boolean;
}

function makeSocket({ trusts = false, enforcesKeyUsage = false, serverName = '', usesHostname = false, ...verification }: Wanted) {
  const acceptsUntrusted = verification.acceptsUntrusted ?? false;
  const config: UpstreamTlsConfig = {
    client: {
      minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: '', curves: '', signatureAlgorithms: '', certificates: [], alpnProtocols: [], maxSessionKeys: 1, allowsRenegotiation: false,
      trust: trusts ? { trustedCa: tlsFile('ca.pem'), crl: '', checksLeafCrlOnly: false, allowsExpired: false, acceptsUntrusted, maxDepth: -1 } : null,
    },
    serverName, usesHostname, enforcesKeyUsage, verification: { ...NO_VALIDATION.verification, ...verification }, certificates: { authority: null, shown: null },
  };
  const stats = createLocalStats();
  const socket = new UpstreamTlsSocket(config, { scope: stats.scope.scope('cluster').scope('c') });
  const counted = () => Object.fromEntries(stats.names().map((name) => [name.replace('cluster.c.ssl.', ''), stats.value(name)] as const).filter(([, value]) => value !== 0));
  return { socket, stats, counted };
}

function session(fields: Partial<TlsSession> = {}): TlsSession {
  return {
    version: 'TLSv1.2', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256', curve: 'X25519', signatureAlgorithm: 'ecdsa_secp256r1_sha256', sessionId: '', alpn: '', isResumed: false,
    peerCertificate: new Uint8Array(SERVER.raw), isVerified: true, ...fields,
  };
}

function dns(value: string): SanMatcherConfig {
  return { kind: 'dns', oid: '', matcher: { kind: 'exact', value, ignoreCase: false } };
}

/** As an I/O backend does: the peer of a session that is not resumed is verified first. */
function meet(socket: UpstreamTlsSocket, made: TlsSession, options: TransportSocketOptions | null = null): string {
  const refusal = made.isResumed ? '' : socket.verifier(HOST, options)?.(made.peerCertificate, made.isVerified) ?? '';
  return refusal !== '' ? refusal : socket.onHandshake(made, HOST, options);
}

/** What becomes of a handshake, and what it counts. */
function outcome(wanted: Wanted, fields: Partial<TlsSession> = {}, options: TransportSocketOptions | null = null): [string, Record<string, number | undefined>] {
  const { socket, counted } = makeSocket(wanted);
  return [meet(socket, session(fields), options), counted()];
}

const HANDSHAKE = {
  handshake: 1, 'ciphers.ECDHE-ECDSA-AES128-GCM-SHA256': 1, 'versions.TLSv1.2': 1, 'curves.X25519': 1, 'sigalgs.ecdsa_secp256r1_sha256': 1,
};

describe('stats', () => {
  it('are there from the start', () => {
    expect(makeSocket({}).stats.names()).toEqual([
      ...['downstream_context_secrets_not_ready', 'ssl_context_update_by_sds', 'upstream_context_secrets_not_ready'].map((name) => `cluster.c.client_ssl_socket_factory.${name}`),
      ...[
        'connection_error', 'fail_verify_cert_hash', 'fail_verify_error', 'fail_verify_no_cert', 'fail_verify_san', 'handshake', 'no_certificate', 'ocsp_staple_failed',
        'ocsp_staple_omitted', 'ocsp_staple_requests', 'ocsp_staple_responses', 'session_reused', 'was_key_usage_invalid',
      ].map((name) => `cluster.c.ssl.${name}`),
    ]);
  });

  it('say what handshakes agreed on', () => {
    const { socket, counted } = makeSocket({});
    socket.onHandshake(session(), HOST, null);
    socket.onHandshake(session({ isResumed: true, signatureAlgorithm: '' }), HOST, null);
    socket.onHandshake(session({ peerCertificate: null, version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', curve: '' }), HOST, null);
    expect(counted()).toEqual({
      handshake: 3, session_reused: 1, no_certificate: 1, 'ciphers.ECDHE-ECDSA-AES128-GCM-SHA256': 2, 'ciphers.TLS_AES_128_GCM_SHA256': 1,
      'versions.TLSv1.2': 2, 'versions.TLSv1.3': 1, 'curves.X25519': 2, 'sigalgs.ecdsa_secp256r1_sha256': 3,
    });
  });

  it('know no signature algorithm before TLS 1.2', () => {
    const { socket, counted } = makeSocket({});
    socket.onHandshake(session({ version: 'TLSv1.1', signatureAlgorithm: 'ecdsa_sha1' }), HOST, null);
    expect(Object.keys(counted()).filter((name) => name.startsWith('sigalgs'))).toEqual([]);
  });

  it('count failures by kind', () => {
    const { socket, counted } = makeSocket({});
    socket.onHandshakeFailed({ kind: 'verify', text: 'x' });
    socket.onHandshakeFailed({ kind: 'other', text: 'x' });
    socket.onHandshakeFailed({ kind: 'other', text: 'x' });
    socket.onHandshakeFailed({ kind: 'io', text: '' });
    expect(counted()).toEqual({ fail_verify_error: 1, connection_error: 2 });
  });
});

describe('the name that is sent', () => {
  const asked = { serverName: 'asked.example', subjectAltNames: [] };

  it.each<[Wanted, TransportSocketOptions | null, string]>([
    [{}, null, ''],
    [{ serverName: 'a.example' }, null, 'a.example'],
    [{ serverName: 'a.example', usesHostname: true }, null, 'host.example'],
    [{ serverName: 'a.example', usesHostname: true }, asked, 'asked.example'],
    [{ serverName: 'a.example' }, { serverName: '', subjectAltNames: [] }, 'a.example'],
  ])('%o and %o: %s', (wanted, options, expected) => {
    expect(makeSocket(wanted).socket.serverName(HOST, options)).toBe(expected);
  });

  it('of a host without name is the configured one', () => {
    expect(makeSocket({ serverName: 'a.example', usesHostname: true }).socket.serverName({ hostname: '' }, null)).toBe('a.example');
  });
});

describe('a peer', () => {
  const byName = (subjectAltNames: string[], serverName = ''): TransportSocketOptions => ({ serverName, subjectAltNames });
  const nameFailed = `${VERIFY_FAILED}:verify cert failed: SAN matcher:TLS_error_end`;
  const listFailed = `${VERIFY_FAILED}:verify cert failed: verify SAN list:TLS_error_end`;
  const hashFailed = `${VERIFY_FAILED}:verify cert failed: cert hash and spki:TLS_error_end`;
  const { raw: keyBytes } = { raw: SERVER.publicKey.export({ type: 'spki', format: 'der' }) };
  const keyHash = process.getBuiltinModule('node:crypto').createHash('sha256').update(keyBytes).digest('hex');

  it.each<[string, Wanted, TransportSocketOptions | null]>([
    ['anybody', {}, null],
    ['a chain', { trusts: true }, null],
    ['a name', { trusts: true, names: [dns('nope'), dns('foo.wild.example')] }, null],
    ['a hash', { certificateHashes: [NO_MATCH, SERVER_HASH] }, null],
    ['the hash of the key', { publicKeyHashes: [keyHash] }, null],
    ['one of both hashes', { certificateHashes: [SERVER_HASH], publicKeyHashes: [NO_MATCH] }, null],
    ['the name that was sent', { trusts: true, matchesServerName: true, serverName: 'SERVER.example' }, null],
    ['that instead of matchers', { trusts: true, matchesServerName: true, serverName: 'server.example', names: [dns('nope')] }, null],
    ['a name of the request', { trusts: true }, byName(['nope', 'spiffe://test.example/server'])],
    ['that besides hashes', { certificateHashes: [SERVER_HASH] }, byName(['server.example'])],
    ['anybody, whatever they ask', { acceptsUntrusted: true }, byName(['nope'])],
  ])('is taken: %s', (_what, wanted, options) => {
    const [failure, counted] = outcome(wanted, {}, options);
    expect([failure, counted['handshake']]).toEqual(['', 1]);
  });

  it.each<[string, Wanted, TransportSocketOptions | null, string, string]>([
    ['a name', { trusts: true, names: [dns('nope')] }, null, nameFailed, 'fail_verify_san'],
    ['the name that was sent', { trusts: true, matchesServerName: true, serverName: 'nope.example' }, null, nameFailed, 'fail_verify_san'],
    ['that of the request', { trusts: true, matchesServerName: true, serverName: 'server.example' }, byName([], 'nope.example'), nameFailed, 'fail_verify_san'],
    ['no name was sent', { trusts: true, matchesServerName: true, names: [dns('nope')] }, null, nameFailed, 'fail_verify_san'],
    ['a name of the request', { trusts: true }, byName(['nope.example']), listFailed, 'fail_verify_san'],
    ['matchers besides', { trusts: true, names: [dns('nope')] }, byName(['server.example']), nameFailed, 'fail_verify_san'],
    ['a hash', { certificateHashes: [NO_MATCH] }, null, hashFailed, 'fail_verify_cert_hash'],
    ['a hash besides a chain', { trusts: true, publicKeyHashes: [NO_MATCH] }, null, hashFailed, 'fail_verify_cert_hash'],
    ['the hash of the other thing', { publicKeyHashes: [SERVER_HASH] }, null, hashFailed, 'fail_verify_cert_hash'],
  ])('is not: %s', (_what, wanted, options, failure, counter) => {
    expect(outcome(wanted, {}, options)).toEqual([failure, { [counter]: 1 }]);
  });

  it('is not when a request asks for a name and nothing is verified', () => {
    expect(outcome({}, {}, byName(['server.example']))).toEqual([`${VERIFY_FAILED}:TLS_error_end`, {}]);
  });

  it('is taken where untrusted ones are, and what is wrong is counted', () => {
    expect(outcome({ trusts: true, acceptsUntrusted: true, names: [dns('nope')] }, { isVerified: false })).toEqual(['', { ...HANDSHAKE, fail_verify_error: 1 }]);
    expect(outcome({ trusts: true, acceptsUntrusted: true, names: [dns('nope')] })).toEqual(['', { ...HANDSHAKE, fail_verify_san: 1 }]);
    expect(outcome({ acceptsUntrusted: true, certificateHashes: [NO_MATCH] })).toEqual(['', { ...HANDSHAKE, fail_verify_cert_hash: 1 }]);
  });

  it('is not without a verified chain or without a certificate', () => {
    expect(outcome({ trusts: true }, { isVerified: false })).toEqual([`${VERIFY_FAILED}:TLS_error_end`, { fail_verify_error: 1 }]);
    expect(outcome({ trusts: true }, { peerCertificate: null })).toEqual([`${VERIFY_FAILED}:verify cert failed: empty cert chain:TLS_error_end`, { fail_verify_no_cert: 1 }]);
  });

  it('is verified again when a session is resumed', () => {
    expect(outcome({ trusts: true, names: [dns('nope')] }, { isResumed: true })).toEqual([nameFailed, { fail_verify_san: 1 }]);
  });

  it('without names has none that matches', () => {
    expect(outcome({ trusts: true, names: [{ kind: 'dns', oid: '', matcher: { kind: 'prefix', value: '', ignoreCase: false } }] }, { peerCertificate: derCertificate({}) })[0]).toBe(nameFailed);
  });

  it('is told by its own certificate, not by that of the one before', () => {
    const { socket } = makeSocket({ trusts: true, names: [dns('a.example')] });
    const bytes = derCertificate({ names: [der(0x82, 'a.example')] });
    const before = meet(socket, session({ peerCertificate: bytes }));
    bytes.set(derCertificate({ names: [der(0x82, 'b.example')] }));
    expect([before, meet(socket, session({ peerCertificate: bytes }))]).toEqual(['', nameFailed]);
  });
});

describe('the usage of a key', () => {
  const failed = 'TLS_error:|268435758:SSL routines:OPENSSL_internal:KEY_USAGE_BIT_INCORRECT:TLS_error_end';
  const RSA_KEY_EXCHANGE = { cipher: 'AES128-GCM-SHA256' };
  const TLS13 = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' };

  it.each<[string, { keyUsage?: number; isRsa?: boolean }, Partial<TlsSession>, 'fits' | 'counted' | 'fails']>([
    ['not restricted', { isRsa: true }, {}, 'fits'],
    ['signs', { isRsa: true, keyUsage: 0x80 }, {}, 'fits'],
    ['encrypts, but signed', { isRsa: true, keyUsage: 0x20 }, {}, 'counted'],
    ['encrypts', { isRsa: true, keyUsage: 0x20 }, RSA_KEY_EXCHANGE, 'fits'],
    ['signs, but encrypted', { isRsa: true, keyUsage: 0x80 }, RSA_KEY_EXCHANGE, 'counted'],
    ['encrypts, but signed in TLS 1.3', { isRsa: true, keyUsage: 0x20 }, TLS13, 'fails'],
    ['signs in TLS 1.3', { isRsa: true, keyUsage: 0x80 }, TLS13, 'fits'],
    ['agrees only', { keyUsage: 0x08 }, {}, 'fails'],
    ['agrees only in TLS 1.3', { keyUsage: 0x08 }, TLS13, 'fails'],
    ['was looked at before', { isRsa: true, keyUsage: 0x20 }, { ...TLS13, isResumed: true }, 'fits'],
  ])('%s', (_what, key, fields, expected) => {
    const enforced = outcome({ enforcesKeyUsage: true }, { ...fields, peerCertificate: derCertificate(key) });
    const [failure, counted] = outcome({}, { ...fields, peerCertificate: derCertificate(key) });
    expect(counted['was_key_usage_invalid'] ?? 0).toBe(expected === 'counted' ? 1 : 0);
    expect(failure).toBe(expected === 'fails' ? failed : '');
    expect(enforced[0]).toBe(expected === 'fits' ? '' : failed);
    if (expected === 'fails') expect(counted).toEqual({ connection_error: 1 });
  });
});
