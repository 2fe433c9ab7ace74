import { describe, expect, it } from 'vitest';
import { packAlpn, ringTlsFailure, ringTlsSession } from './ring_tls.ts';

describe('TLS between the contract and the addon', () => {
  it('packs protocols with their lengths', () => {
    expect([...packAlpn(['h2', 'x'])]).toEqual([2, 0x68, 0x32, 1, 0x78]);
    expect(packAlpn([])).toHaveLength(0);
    expect(() => packAlpn([''])).toThrow('1 to 255 bytes');
    expect(() => packAlpn(['x'.repeat(256)])).toThrow('1 to 255 bytes');
  });

  it.each([
    [408, 672, 'ecdsa_secp256r1_sha256'],
    [408, 674, 'ecdsa_secp521r1_sha512'],
    [912, 673, 'rsa_pss_rsae_sha384'],
    [6, 672, 'rsa_pkcs1_sha256'],
    [1087, 0, 'ed25519'],
    [0, 0, ''],
    [408, 999, ''],
  ])('names the signature of key %d and digest %d %s', (key, digest, name) => {
    const session = ringTlsSession(['TLSv1.2', 'X', 'prime256v1', key, digest, Uint8Array.of(1, 255), '', false, null, true]);
    expect(session).toMatchObject({ signatureAlgorithm: name, curve: 'P-256', sessionId: '01ff' });
  });

  it('has no session id with TLS 1.3, tickets or not', () => {
    expect(ringTlsSession(['TLSv1.3', 'X', 'x25519', 0, 0, Uint8Array.of(1), 'h2', true, null, true])).toMatchObject({ sessionId: '', curve: 'X25519', alpn: 'h2' });
  });

  it('tells a chain that was not accepted from the rest', () => {
    expect(ringTlsFailure([134, 'certificate verify failed', 'certificate has expired', 0, 71, false, false], '')).toMatchObject({ kind: 'verify' });
    expect(ringTlsFailure([134, 'certificate verify failed', '', 0, 71, false, true], 'not that one')).toEqual({ kind: 'refused', text: 'not that one' });
    expect(ringTlsFailure([267, 'wrong version number', '', 0, 71, false, false], '')).toMatchObject({ kind: 'other' });
    expect(ringTlsFailure([0, '', '', 0, 0, false, false], '')).toEqual({ kind: 'io', text: '' });
  });
});
