import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { testCertificate } from '../../../test/support/tls/certificates.ts';
import { der, derCertificate, oid } from '../../../test/support/tls/der_certificate.ts';
import { KeyUsage, readCertificate } from './peer_certificate.ts';

describe('a certificate', () => {
  it('of OpenSSL', () => {
    const { raw, publicKey } = new X509Certificate(testCertificate('server').cert);
    const { hasRsaKey, keyUsage, publicKey: key, subjectAltNames } = readCertificate(new Uint8Array(raw));
    expect([hasRsaKey, keyUsage]).toEqual([false, KeyUsage.digitalSignature | KeyUsage.keyEncipherment]);
    expect(Buffer.from(key ?? []).equals(publicKey.export({ type: 'spki', format: 'der' }))).toBe(true);
    expect(subjectAltNames).toHaveLength(5);
    expect(readCertificate(new Uint8Array(new X509Certificate(testCertificate('rsa').cert).raw)).hasRsaKey).toBe(true);
  });

  it('without names, usage and version', () => {
    expect(readCertificate(derCertificate({ hasVersion: false }))).toMatchObject({ subjectAltNames: [], keyUsage: -1, hasRsaKey: false });
  });

  it('with a usage that is empty may do nothing', () => {
    const empty = der(0x30, oid('2.5.29.15'), der(0x04, der(0x03, '\0')));
    expect(readCertificate(derCertificate({ extensions: [empty] })).keyUsage).toBe(0);
  });

  it('cut short anywhere has no names', () => {
    const whole = derCertificate({ names: [der(0x82, 'a.example')], keyUsage: 0x80 });
    for (let length = 0; length < whole.length; length++) expect(readCertificate(whole.subarray(0, length))).toEqual({ subjectAltNames: [], keyUsage: -1, hasRsaKey: false, publicKey: null });
  });
});
