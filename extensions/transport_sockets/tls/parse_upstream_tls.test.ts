import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Secret } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.d.ts';
import type { UpstreamTlsContext } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.d.ts';
import { FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { collectSecrets } from '../../../server/config/static_secrets.ts';
import { parseYamlMessage } from '../../../test/support/parse_yaml.ts';
import { tlsFile, tlsPath } from '../../../test/support/tls/certificates.ts';
import { MaterialCache } from './material.ts';
import { parseUpstreamTls } from './parse_upstream_tls.ts';

type Fields = Readonly<Record<string, unknown>>;

function parse(fields: Fields, secrets: readonly Fields[] = []) {
  const parsed = parseYamlMessage(JSON.stringify(fields), 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext');
  parsed.config.files = { readFile: (path) => new Uint8Array(readFileSync(path)) };
  const context = parsed.config.context(new FactoryRegistry());
  const messages = secrets.map((secret) => parseYamlMessage(JSON.stringify(secret), 'envoy.extensions.transport_sockets.tls.v3.Secret').message as Secret);
  context.staticSecrets = collectSecrets(messages, context);
  const config = parseUpstreamTls(parsed.message as UpstreamTlsContext, new MaterialCache(), context);
  return { config, errors: parsed.errors(), warnings: parsed.warnings() };
}

function errorsOf(fields: Fields, secrets: readonly Fields[] = []): string[] {
  return parse(fields, secrets).errors;
}

const file = (name: string): Fields => ({ filename: tlsPath(name) });
const text = (inlineString: string): Fields => ({ inline_string: inlineString });
const common = (fields: Fields): Fields => ({ common_tls_context: fields });
const certificate = (fields: Fields): Fields => common({ tls_certificates: [fields] });
const params = (fields: Fields): Fields => common({ tls_params: fields });
const validation = (fields: Fields): Fields => common({ validation_context: fields });
const trusting = (fields: Fields): Fields => validation({ trusted_ca: file('ca.pem'), ...fields });
const name = (type: string, matcher: Fields, oid?: string): Fields => ({ san_type: type, matcher, ...(oid === undefined ? {} : { oid }) });

const CLIENT = { certificate_chain: file('client.pem'), private_key: file('client.key.pem') };
const BAD_BLOCK = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const SIGNATURE_ALGORITHMS = 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha512:rsa_pkcs1_sha1';
const ED25519_KEY = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFd0MAym0NELAFnn6D/FFOm5pZxTyfHE1KhXfVlMunmb\n-----END PRIVATE KEY-----\n';
const ED25519_CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIBMDCB46ADAgECAhRnZxpP/ZPrM9ql26y9RfM48ue7tDAFBgMrZXAwDTELMAkG\nA1UEAwwCZWQwIBcNMjYxMTIxMjM0ODExWhgPMjEyNjEwMjgyMzQ4MTFaMA0xCzAJ\nBgNVBAMMAmVkMCowBQYDK2VwAyEAQdHDJ2arA0QxAFooIpz/W/oK5MJkRdr/Dx2G\nKjm7dUOjUzBRMB0GA1UdDgQWBBSYwrWsudwT0jRCPSjECk9sm3TcVTAfBgNVHSME\nGDAWgBSYwrWsudwT0jRCPSjECk9sm3TcVTAPBgNVHRMBAf8EBTADAQH/MAUGAytl\ncANBAMZO4/BjA7lLUNiMubscfNry+TCHvYgLYzGaEicd1KH49Iy8p9FtLTPa7Jhz\nIHwQ4hQRm4xlKT+YMpV8N0grBAc=\n-----END CERTIFICATE-----\n';
const EXPIRES_MS = Date.parse('2126-10-28T23:07:35Z');

describe('an empty context', () => {
  it('has the defaults of clients', () => {
    const { config, errors } = parse({});
    expect(errors).toEqual([]);
    expect(config).toEqual({
      client: {
        minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2',
        cipherSuites: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
        curves: 'X25519:P-256', signatureAlgorithms: SIGNATURE_ALGORITHMS, certificates: [], trust: null, alpnProtocols: [], maxSessionKeys: 1, allowsRenegotiation: false,
      },
      serverName: '', usesHostname: false, enforcesKeyUsage: false,
      verification: { acceptsUntrusted: false, matchesServerName: false, names: [], certificateHashes: [], publicKeyHashes: [] },
      certificates: { authority: null, shown: null },
    });
  });

  it('survives a structured clone with everything set', () => {
    const { config } = parse({
      sni: 'a.example', auto_host_sni: true, allow_renegotiation: true, max_session_keys: 5, enforce_rsa_key_usage: true, auto_sni_san_validation: true,
      common_tls_context: {
        tls_certificates: [CLIENT], alpn_protocols: ['h2', 'http/1.1'],
        validation_context: { trusted_ca: file('ca.pem'), crl: file('crl.pem'), only_verify_leaf_cert_crl: true, allow_expired_certificate: true, trust_chain_verification: 'ACCEPT_UNTRUSTED' },
      },
    });
    expect(structuredClone(config)).toEqual(config);
    expect(config).toMatchObject({ serverName: 'a.example', usesHostname: true, enforcesKeyUsage: true, verification: { acceptsUntrusted: true, matchesServerName: true } });
    expect(config.client).toMatchObject({ allowsRenegotiation: true, maxSessionKeys: 5, alpnProtocols: ['h2', 'http/1.1'] });
    expect(config.client.trust).toMatchObject({ checksLeafCrlOnly: true, allowsExpired: true, acceptsUntrusted: true, maxDepth: -1 });
    expect(config.client.trust?.crl).toContain('BEGIN X509 CRL');
  });

  it.each([[{ sni: 'a\0b' }, 'SNI names containing NULL-byte are not allowed']])('%o', (fields, error) => {
    expect(errorsOf(fields)).toEqual([error]);
  });
});

describe('certificates that are shown', () => {
  const encrypted = { certificate_chain: file('server.pem'), private_key: file('server.encrypted.key.pem') };

  it.each<[string, Fields, string]>([
    ['no key', { certificate_chain: file('client.pem') }, 'Failed to load incomplete private key from path: '],
    ['no chain', { private_key: file('client.key.pem') }, 'Failed to load incomplete certificate from : certificate chain not set'],
    ['an empty chain', { ...CLIENT, certificate_chain: text('') }, 'Failed to load incomplete certificate from : certificate chain not set'],
    ['a missing file', { ...CLIENT, certificate_chain: { filename: '/nope' } }, 'Failed to load incomplete certificate from /nope: certificate chain not set (Invalid path: /nope)'],
    ['a missing variable', { ...CLIENT, private_key: { environment_variable: 'NOT_SET_ANYWHERE' } }, "Failed to load incomplete private key from path:  (Environment variable doesn't exist: NOT_SET_ANYWHERE)"],
    ['a key of another certificate', { ...CLIENT, private_key: file('server.key.pem') }, `Failed to load private key from ${tlsPath('server.key.pem')}, Cause: error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH`],
    ['a key of another kind', { ...CLIENT, private_key: file('rsa.key.pem') }, `Failed to load private key from ${tlsPath('rsa.key.pem')}, Cause: error:0b000073:X.509 certificate routines:OPENSSL_internal:KEY_TYPE_MISMATCH`],
    ['no PEM', { ...CLIENT, certificate_chain: text('hello') }, 'Failed to load certificate chain from <inline>'],
    ['a chain that goes wrong', { ...CLIENT, certificate_chain: text(tlsFile('client.pem') + BAD_BLOCK) }, 'Failed to load certificate chain from <inline>'],
    ['no PEM of a key', { ...CLIENT, private_key: text('hello') }, 'Failed to load private key from <inline>, Cause: error:0900006e:PEM routines:OPENSSL_internal:NO_START_LINE'],
    ['no password', encrypted, `Failed to load private key from ${tlsPath('server.encrypted.key.pem')}, Cause: error:09000068:PEM routines:OPENSSL_internal:BAD_PASSWORD_READ`],
    ['a wrong password', { ...encrypted, password: text('x') }, `Failed to load private key from ${tlsPath('server.encrypted.key.pem')}, Cause: error:1e000065:Cipher functions:OPENSSL_internal:BAD_DECRYPT`],
    ['a store with another password', { pkcs12: file('client.p12'), password: text('x') }, `Failed to load pkcs12 from ${tlsPath('client.p12')}`],
    ['no store', { pkcs12: text('hello') }, 'Failed to load pkcs12 from <inline>'],
    ['a store and a key', { pkcs12: file('client.p12'), private_key: file('client.key.pem') }, "Certificate configuration can't have both pkcs12 and private_key"],
    ['a store and a chain', { pkcs12: file('client.p12'), certificate_chain: file('client.pem') }, "Certificate configuration can't have both pkcs12 and certificate_chain"],
    ['a key provider', { certificate_chain: file('client.pem'), private_key_provider: { provider_name: 'foo' } }, 'Failed to load private key provider: foo'],
    ['an inline staple', { ...CLIENT, ocsp_staple: text('x') }, 'OCSP staple cannot be provided via inline_string'],
  ])('%s', (_what, fields, error) => {
    expect(errorsOf(certificate(fields))).toEqual([error]);
  });

  it('two are an error', () => {
    expect(errorsOf(common({ tls_certificates: [CLIENT, CLIENT] }))).toEqual(['Multiple TLS certificates are not supported for client contexts']);
  });

  it('one without anything is none', () => {
    const { config, errors } = parse(certificate({}));
    expect([errors, config.client.certificates, config.certificates.shown]).toEqual([[], [], null]);
  });

  it.each<[string, Fields, number]>([
    ['files', CLIENT, 1],
    ['texts, with a text around them', { certificate_chain: text(`before\n${tlsFile('client.pem')}after\n`), private_key: text(tlsFile('client.key.pem')) }, 1],
    ['bytes', { certificate_chain: { inline_bytes: Buffer.from(tlsFile('client.pem')).toString('base64') }, private_key: file('client.key.pem') }, 1],
    ['an encrypted key', { ...encrypted, password: text('secret') }, 1],
    ['a store', { pkcs12: file('client.p12'), password: text('secret') }, 1],
    ['a store of older programs', { pkcs12: file('client.3des.p12'), password: text('secret') }, 1],
    ['a chain', { certificate_chain: file('deep.pem'), private_key: file('deep.key.pem') }, 2],
    ['an RSA key', { certificate_chain: file('rsa.pem'), private_key: file('rsa.key.pem') }, 1],
    ['one that is over', { certificate_chain: file('expired.pem'), private_key: file('expired.key.pem') }, 1],
  ])('%s', (_what, fields, count) => {
    const { config, errors } = parse(certificate(fields));
    expect(errors).toEqual([]);
    const [own] = config.client.certificates;
    expect(own.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(count);
    expect(own.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  it('offer what they need to be used', () => {
    // Made for this test: a self-signed certificate of an Ed25519 key, for a hundred years.
    const ed25519 = { certificate_chain: text(ED25519_CERTIFICATE), private_key: text(ED25519_KEY) };
    expect(parse(certificate(ed25519)).config.client.signatureAlgorithms).toBe(`${SIGNATURE_ALGORITHMS}:ed25519`);
    expect(parse(certificate(CLIENT)).config.client.signatureAlgorithms).toBe(SIGNATURE_ALGORITHMS);
  });

  it('are read from the environment', () => {
    process.env['TEST_TLS_CHAIN'] = tlsFile('client.pem');
    try {
      const { config, errors } = parse(certificate({ ...CLIENT, certificate_chain: { environment_variable: 'TEST_TLS_CHAIN' } }));
      expect([errors, config.certificates.shown?.details?.path]).toEqual([[], '<inline>']);
    } finally {
      delete process.env['TEST_TLS_CHAIN'];
    }
  });

  it('say who they are', () => {
    const { config } = parse(certificate(CLIENT));
    expect(config.certificates.shown).toMatchObject({
      name: 'unnamed_cert_e3b0c442',
      details: { path: tlsPath('client.pem'), subjectAltNames: [{ kind: 'dns', value: 'client.example' }, { kind: 'uri', value: 'spiffe://test.example/client' }], expiresMs: EXPIRES_MS },
    });
    expect(parse(certificate({ pkcs12: file('client.p12'), password: text('secret') })).config.certificates.shown?.name).toBe('unnamed_cert_');
  });

  it('a key of an unknown curve is not the key of the certificate', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1', privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
    expect(errorsOf(certificate({ ...CLIENT, private_key: text(privateKey) }))[0]).toContain('KEY_VALUES_MISMATCH');
  });
});

describe('how peers are verified', () => {
  const exact = { exact: 'a' };
  const hash = 'ab'.repeat(32);

  it.each<[string, Fields, string]>([
    ['names without a CA', validation({ match_typed_subject_alt_names: [name('DNS', exact)] }), 'SAN-based verification of peer certificates without trusted CA is insecure and not allowed'],
    ['untyped names without a CA', validation({ match_subject_alt_names: [exact] }), 'SAN-based verification of peer certificates without trusted CA is insecure and not allowed'],
    ['expired ones without a CA', validation({ allow_expired_certificate: true }), 'Certificate validity period is always ignored without trusted CA'],
    ['a CRL without a CA', validation({ crl: file('crl.pem') }), `Failed to load CRL from ${tlsPath('crl.pem')} without trusted CA`],
    ['an inline CRL without a CA', validation({ crl: text(tlsFile('crl.pem')) }), 'Failed to load CRL from <inline> without trusted CA'],
    ['no PEM', validation({ trusted_ca: text('hello') }), 'Failed to load trusted CA certificates from <inline>'],
    ['a bad block', validation({ trusted_ca: text(BAD_BLOCK) }), 'Failed to load trusted CA certificates from <inline>'],
    ['a bad second block', validation({ trusted_ca: text(tlsFile('ca.pem') + BAD_BLOCK) }), 'Failed to load trusted CA certificates from <inline>'],
    ['a key', validation({ trusted_ca: file('ca.key.pem') }), `Failed to load trusted CA certificates from ${tlsPath('ca.key.pem')}`],
    ['a missing file', validation({ trusted_ca: { filename: '/nope' } }), 'Invalid path: /nope'],
    ['a missing variable', validation({ trusted_ca: { environment_variable: 'NOT_SET_ANYWHERE' } }), "Environment variable doesn't exist: NOT_SET_ANYWHERE"],
    ['nothing', validation({ trusted_ca: text('') }), 'DataSource cannot be empty'],
    ['a missing CRL', trusting({ crl: { filename: '/nope' } }), 'Invalid path: /nope'],
    ['a CRL that is none', trusting({ crl: text('hello') }), 'Failed to load CRL from <inline>'],
    ['a bad hash', validation({ verify_certificate_hash: ['z'.repeat(64)] }), `Invalid hex-encoded SHA-256 ${'z'.repeat(64)}`],
    ['a bad hash with colons', validation({ verify_certificate_hash: [Array(32).fill('zz').join(':')] }), `Invalid hex-encoded SHA-256 ${'z'.repeat(64)}`],
    ['a bad key hash', validation({ verify_certificate_spki: ['!'.repeat(44)] }), `Invalid base64-encoded SHA-256 ${'!'.repeat(44)}`],
    ['a key hash that is too long', validation({ verify_certificate_spki: ['A'.repeat(44)] }), `Invalid base64-encoded SHA-256 ${'A'.repeat(44)}`],
    ['an otherName without type', trusting({ match_typed_subject_alt_names: [name('OTHER_NAME', exact)] }), 'Failed to create string SAN matcher of type 5'],
    ['an otherName of an unknown type', trusting({ match_typed_subject_alt_names: [name('OTHER_NAME', exact, 'foo')] }), 'Failed to create string SAN matcher of type 5'],
    ['the name of SNI without context', { auto_sni_san_validation: true }, "'auto_sni_san_validation' was configured without a validation context"],
    ['the name of SNI without a CA', { auto_sni_san_validation: true, ...validation({}) }, "'auto_sni_san_validation' was configured without configuring a trusted CA"],
    ['a validator', trusting({ custom_validator_config: { name: 'envoy.tls.cert_validator.spiffe', typed_config: { '@type': 'type.googleapis.com/google.protobuf.Struct' } } }), 'feature not supported: the certificate validator envoy.tls.cert_validator.spiffe'],
  ])('%s', (_what, fields, error) => {
    expect(errorsOf(fields)).toEqual([error]);
  });

  it('takes all of a file, and says who the first is', () => {
    const { config } = parse(validation({ trusted_ca: text(tlsFile('ca.pem') + tlsFile('other_ca.pem')) }));
    expect(config.client.trust?.trustedCa.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(config.client.trust?.crl).toBe('');
    expect(config.certificates.authority).toMatchObject({ name: 'unnamed_ca_cert_e3b0c442', details: { path: '<inline>', subjectAltNames: [] } });
  });

  it('a context without a CA has a name and no certificate', () => {
    expect(parse(validation({})).config.certificates.authority).toEqual({ name: 'unnamed_ca_cert', details: null });
  });

  it('a CRL may stand with the CA', () => {
    expect(parse(validation({ trusted_ca: text(tlsFile('ca.pem') + tlsFile('crl.pem')) })).config.client.trust?.crl).toContain('BEGIN X509 CRL');
  });

  it('hashes are one text, however they are written', () => {
    const { config, errors } = parse(validation({
      verify_certificate_hash: [hash.toUpperCase(), Array(32).fill('aB').join(':')], verify_certificate_spki: [Buffer.alloc(32, 0xab).toString('base64')],
    }));
    expect(errors).toEqual([]);
    expect(config.verification).toMatchObject({ certificateHashes: [hash, hash], publicKeyHashes: [hash] });
    expect(config.client.trust).toBeNull();
  });

  it('names of all types', () => {
    const { config, errors } = parse(trusting({ match_typed_subject_alt_names: [
      name('DNS', { exact: 'a' }, '1.2.3'), name('URI', { prefix: 'b' }), name('EMAIL', { suffix: 'c', ignore_case: true }), name('IP_ADDRESS', { contains: 'd' }),
      name('OTHER_NAME', { safe_regex: { regex: 'e+' } }, 'msUPN'), name('OTHER_NAME', { exact: 'f' }, '1.2.03'),
    ] }));
    expect(errors).toEqual([]);
    expect(config.verification.names).toEqual([
      { kind: 'dns', oid: '', matcher: { kind: 'exact', value: 'a', ignoreCase: false } },
      { kind: 'uri', oid: '', matcher: { kind: 'prefix', value: 'b', ignoreCase: false } },
      { kind: 'email', oid: '', matcher: { kind: 'suffix', value: 'c', ignoreCase: true } },
      { kind: 'ip', oid: '', matcher: { kind: 'contains', value: 'd', ignoreCase: false } },
      { kind: 'other', oid: '1.3.6.1.4.1.311.20.2.3', matcher: { kind: 'regex', regex: 'e+' } },
      { kind: 'other', oid: '1.2.3', matcher: { kind: 'exact', value: 'f', ignoreCase: false } },
    ]);
  });

  it('an untyped name stands for four types, and for none beside typed ones', () => {
    const untyped = { match_subject_alt_names: [exact] };
    expect(parse(trusting(untyped)).config.verification.names.map(({ kind }) => kind)).toEqual(['dns', 'uri', 'email', 'ip']);
    const { config, warnings } = parse(trusting({ ...untyped, match_typed_subject_alt_names: [name('URI', exact)] }));
    expect(config.verification.names.map(({ kind }) => kind)).toEqual(['uri']);
    expect(warnings).toContain('Ignoring match_subject_alt_names as match_typed_subject_alt_names is also specified, and the former is deprecated.');
  });

  it.each<[Fields, string]>([
    [{ system_root_certs: {} }, "system_root_certs has no effect: name the file of the system's certificates in trusted_ca"],
    [{ ca_certificate_provider_instance: { instance_name: 'x' } }, 'ca_certificate_provider_instance has no effect: name certificates in trusted_ca'],
  ])('%o is no verification', (fields, warning) => {
    const { config, warnings } = parse(validation(fields));
    expect(config.client.trust).toBeNull();
    expect(warnings).toEqual([warning]);
  });

  it('what servers alone look at is reported', () => {
    const { warnings } = parse(trusting({ max_verify_depth: 3, require_signed_certificate_timestamp: true, watched_directory: { path: '/' } }));
    expect(warnings.map((warning) => /\((?:.*\.)?(\w+)\)/.exec(warning)?.[1]).toSorted()).toEqual(['max_verify_depth', 'require_signed_certificate_timestamp', 'watched_directory']);
  });
});

describe('static secrets', () => {
  const secrets = [
    { name: 'mine', tls_certificate: CLIENT }, { name: 'half', tls_certificate: { certificate_chain: file('client.pem') } },
    { name: 'authority', validation_context: { trusted_ca: file('ca.pem'), verify_certificate_hash: ['cd'.repeat(32)] } },
  ];
  const shown = (secret: string): Fields => common({ tls_certificate_sds_secret_configs: [{ name: secret }] });
  const trusted = (secret: string): Fields => common({ validation_context_sds_secret_config: { name: secret } });

  it('are found by name and kind', () => {
    expect(parse(shown('mine'), secrets)).toMatchObject({ errors: [], config: { certificates: { shown: { name: 'mine' } } } });
    expect(parse(trusted('authority'), secrets)).toMatchObject({ errors: [], config: { certificates: { authority: { name: 'authority', details: { path: tlsPath('ca.pem') } } } } });
    expect(errorsOf(shown('authority'), secrets)).toEqual(['Unknown static secret: authority']);
    expect(errorsOf(trusted('mine'), secrets)).toEqual(['Unknown static certificate validation context: mine']);
    expect(errorsOf(shown('half'), secrets)).toEqual(['Failed to load incomplete private key from path: ']);
    expect(errorsOf(shown('mine'), [...secrets, { name: 'mine', tls_certificate: CLIENT }])).toEqual(['Duplicate static TlsCertificate secret name mine']);
  });

  it('go over the default context they are combined with', () => {
    const { config, errors } = parse(common({ combined_validation_context: {
      default_validation_context: { trusted_ca: file('other_ca.pem'), verify_certificate_hash: ['ab'.repeat(32)], trust_chain_verification: 'ACCEPT_UNTRUSTED', match_typed_subject_alt_names: [name('DNS', { exact: 'a' })] },
      validation_context_sds_secret_config: { name: 'authority' },
    } }), secrets);
    expect(errors).toEqual([]);
    expect(config.certificates.authority?.details?.path).toBe(tlsPath('ca.pem'));
    expect(config.verification).toMatchObject({ acceptsUntrusted: true, certificateHashes: ['ab'.repeat(32), 'cd'.repeat(32)], names: [{ kind: 'dns' }] });
  });

  it('are not fetched', () => {
    const fetched = { name: 'mine', sds_config: { ads: {}, resource_api_version: 'V3' } };
    expect(errorsOf(common({ tls_certificate_sds_secret_configs: [fetched] }), secrets)).toEqual(['feature not supported: secrets that are fetched (SDS)']);
    expect(errorsOf(common({ validation_context_sds_secret_config: fetched }), secrets)).toEqual(['feature not supported: secrets that are fetched (SDS)']);
  });
});

describe('parameters', () => {
  it.each<[Fields, string]>([
    [{ cipher_suites: ['foo'] }, 'Failed to initialize cipher suites foo. The following ciphers were rejected when tried individually: foo'],
    [{ cipher_suites: ['[ECDHE-RSA-AES128-GCM-SHA256|foo]', 'AES128-SHA', 'bar'] }, 'Failed to initialize cipher suites [ECDHE-RSA-AES128-GCM-SHA256|foo]:AES128-SHA:bar. The following ciphers were rejected when tried individually: foo, bar'],
    [{ cipher_suites: ['TLS_AES_128_GCM_SHA256'] }, 'Failed to initialize cipher suites TLS_AES_128_GCM_SHA256. The following ciphers were rejected when tried individually: TLS_AES_128_GCM_SHA256'],
    [{ cipher_suites: ['[ECDHE-RSA-AES128-GCM-SHA256|AES128-SHA', 'AES256-SHA'] }, 'Failed to initialize cipher suites [ECDHE-RSA-AES128-GCM-SHA256|AES128-SHA:AES256-SHA. The following ciphers were rejected when tried individually: '],
    [{ cipher_suites: ['DES-CBC3-SHA'] }, 'feature not supported: the cipher suite DES-CBC3-SHA'],
    [{ ecdh_curves: ['P-256', 'foo'] }, 'Failed to initialize ECDH curves P-256:foo'],
    [{ ecdh_curves: ['X25519Kyber768Draft00'] }, 'feature not supported: the curve X25519Kyber768Draft00'],
    [{ signature_algorithms: ['foo'] }, 'Failed to initialize TLS signature algorithms foo'],
    [{ signature_algorithms: ['ed25519', 'ed25519'] }, 'Failed to initialize TLS signature algorithms ed25519:ed25519'],
    [{ compliance_policies: ['FIPS_202205'] }, 'feature not supported: compliance policies of TLS'],
  ])('%o', (fields, error) => {
    expect(errorsOf(params(fields))).toEqual([error]);
  });

  it('are handed on in words of OpenSSL', () => {
    const { config, errors } = parse(params({
      tls_minimum_protocol_version: 'TLSv1_0', tls_maximum_protocol_version: 'TLSv1_3', cipher_suites: ['[TLS_RSA_WITH_AES_128_CBC_SHA|AES256-SHA]'],
      ecdh_curves: ['P-256', 'X25519MLKEM768', 'P-256'], signature_algorithms: ['rsa_pss_rsae_sha256', 'ECDSA+SHA256'],
    }));
    expect(errors).toEqual([]);
    expect(config.client).toMatchObject({
      minVersion: 'TLSv1', maxVersion: 'TLSv1.3', cipherSuites: 'AES128-SHA:AES256-SHA:@SECLEVEL=0', curves: 'P-256:X25519MLKEM768', signatureAlgorithms: 'rsa_pss_rsae_sha256:ECDSA+SHA256',
    });
  });

  it('warns where no version is left', () => {
    const { warnings } = parse(params({ tls_minimum_protocol_version: 'TLSv1_3' }));
    expect(warnings).toEqual(['no version is left from TLSv1.3 to TLSv1.2 (the default of tls_maximum_protocol_version is TLSv1_2): every connection will fail']);
  });
});

describe('the rest of the common context', () => {
  it.each<[Fields, string]>([
    [{ alpn_protocols: ['a'.repeat(256)] }, 'Invalid ALPN protocol string'],
    [{ alpn_protocols: Array(300).fill('a'.repeat(250)) }, 'Invalid ALPN protocol string'],
    [{ key_log: { path: '/tmp/keys' } }, 'feature not supported: logging the keys of TLS connections'],
    [{ custom_handshaker: { name: 'foo', typed_config: { '@type': 'type.googleapis.com/google.protobuf.Struct' } } }, 'feature not supported: custom TLS handshakers'],
  ])('%o', (fields, error) => {
    expect(errorsOf(common(fields))).toEqual([error]);
  });

  it('splits protocols at commas', () => {
    expect(parse(common({ alpn_protocols: ['h2,http/1.1', 'x'] })).config.client.alpnProtocols).toEqual(['h2', 'http/1.1', 'x']);
    expect(parse(common({ alpn_protocols: [''] })).config.client.alpnProtocols).toEqual([]);
  });

  it('providers of certificates are no verification', () => {
    const { config, warnings } = parse(common({ validation_context_certificate_provider_instance: { instance_name: 'x' } }));
    expect(config.client.trust).toBeNull();
    expect(warnings).toContain('certificate providers have no effect: the peer is not verified');
  });
});
