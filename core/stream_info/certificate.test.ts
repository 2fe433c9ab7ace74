import { describe, expect, it } from 'vitest';
import { testCertificate } from '../../test/support/tls/certificates.ts';
import { Certificate } from './certificate.ts';
import { DerReader, oidText } from '../base/der_reader.ts';
import { subjectAltNames } from '../base/subject_alt_names.ts';

const server = new Certificate(testCertificate('server').cert);

/** One DER element. */
function der(tag: number, ...content: readonly (Uint8Array | readonly number[])[]): Buffer {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from(body.length < 128 ? [tag, body.length] : [tag, 0x82, body.length >> 8, body.length & 255]), body]);
}

/** A certificate of nothing but these names. */
function named(...names: readonly Uint8Array[]): Buffer {
  const extension = der(0x30, der(0x06, [0x55, 0x1d, 0x11]), der(0x01, [255]), der(0x04, der(0x30, ...names)));
  return der(0x30, der(0x30, der(0x02, [1]), der(0xa3, der(0x30, der(0x30, der(0x06, [0x55, 0x1d, 0x0f]), der(0x04, [0])), extension))));
}

describe('a certificate', () => {
  it('has names, in its order', () => {
    expect(server.subjectAltNames).toEqual([
      { kind: 'dns', value: 'server.example', oid: '' }, { kind: 'dns', value: '*.wild.example', oid: '' }, { kind: 'ip', value: '127.0.0.1', oid: '' },
      { kind: 'uri', value: 'spiffe://test.example/server', oid: '' }, { kind: 'email', value: 'server@example.com', oid: '' },
    ]);
    expect(server.namesOf('dns')).toEqual(['server.example', '*.wild.example']);
  });

  it('says who it is of, and for how long', () => {
    expect([server.subject, server.issuer]).toEqual(['CN=server.example,O=envoyts tests', 'CN=Test CA,O=envoyts tests']);
    expect(server.serialNumber).toMatch(/^[0-9a-f]+$/);
    const expired = new Certificate(testCertificate('expired').cert);
    expect([expired.validFromMs, expired.validToMs]).toEqual([Date.UTC(2000, 0, 1), Date.UTC(2001, 0, 1)]);
    expect(server.pem).toBe(testCertificate('server').cert);
  });

  it('must be one', () => {
    expect(() => new Certificate(Buffer.from('nothing'))).toThrow();
  });
});

describe('names of certificates', () => {
  it.each([
    ['commas and quotes are nothing but text', der(0x82, Buffer.from('a, DNS:b"')), { kind: 'dns', value: 'a, DNS:b"' }],
    ['zeros too', der(0x82, Buffer.from('good.example\0.bad.example')), { kind: 'dns', value: 'good.example\0.bad.example' }],
    ['IPv6', der(0x87, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), { kind: 'ip', value: '2001:db8::1' }],
    ['an address of another length', der(0x87, [1, 2, 3]), { kind: 'ip', value: '' }],
    ['other names', der(0xa0, der(0x06, [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03]), der(0xa0, der(0x0c, Buffer.from('u@é')))), { kind: 'other', value: Buffer.from('u@é').toString('latin1'), oid: '1.3.6.1.4.1.311.20.2.3' }],
  ])('%s', (_name, name, expected) => {
    expect(subjectAltNames(named(name))).toEqual([{ oid: '', ...expected }]);
  });

  it.each([
    ['numbers', der(0x02, [1, 0x2c]), '300'], ['numbers below zero', der(0x02, [255]), '-1'], ['enumerated', der(0x0a, [7]), '7'], ['true', der(0x01, [255]), 'true'],
    ['false', der(0x01, [0]), 'false'], ['nothing', der(0x05), ''], ['object identifiers', der(0x06, [0x2a, 0x86, 0x48, 1]), '1.2.840.1'], ['bits', der(0x03, [0], Buffer.from('bits')), 'bits'],
    ['octets', der(0x04, [0xe4]), 'ä'], ['two-byte characters', der(0x1e, [0, 97, 0, 0xe4]), Buffer.from('aä').toString('latin1')], ['half of one', der(0x1e, [97]), ''],
    ['four-byte characters', der(0x1c, [0, 1, 0xf6, 0]), Buffer.from('😀').toString('latin1')], ['no character', der(0x1c, [0, 0x20, 0, 0]), ''],
    ['times', der(0x17, Buffer.from('260101000000Z')), '260101000000Z'], ['what has parts', der(0x30, der(0x02, [1])), '0\x03\x02\x01\x01'],
  ])('other names of %s', (_name, value, expected) => {
    expect(subjectAltNames(named(der(0xa0, der(0x06, [0x2a, 3]), der(0xa0, value))))).toEqual([{ kind: 'other', value: expected, oid: '1.2.3' }]);
  });

  it('are none when they are there twice', () => {
    const extension = der(0x30, der(0x06, [0x55, 0x1d, 0x11]), der(0x04, der(0x30, der(0x82, Buffer.from('a.example')))));
    const certificate = (...extensions: readonly Uint8Array[]): Buffer => der(0x30, der(0x30, der(0x02, [1]), der(0xa3, der(0x30, ...extensions))));
    expect([subjectAltNames(certificate(extension)).length, subjectAltNames(certificate(extension, extension)).length]).toEqual([1, 0]);
  });

  it('leaves out kinds that nobody asks for', () => {
    expect(subjectAltNames(named(der(0xa4, [1]), der(0x88, [42]), der(0x82, Buffer.from('a'))))).toEqual([{ kind: 'dns', value: 'a', oid: '' }]);
  });

  it('are none in what is no certificate, wherever it is cut', () => {
    const whole = named(der(0x82, Buffer.from('a.example')));
    for (let length = 0; length < whole.length; length++) expect(subjectAltNames(whole.subarray(0, length))).toEqual([]);
    expect(subjectAltNames(whole)).toHaveLength(1);
  });

  it('elements stay within theirs', () => {
    expect(() => new DerReader(Buffer.from([0x30, 0x84, 255, 255, 255, 255])).enter(0x30)).toThrow('bounds');
    expect(() => new DerReader(Buffer.from([0x30, 0x80])).enter(0x30)).toThrow('bad length');
    expect(() => new DerReader(Buffer.from([0x1f, 0])).skip()).toThrow('unexpected');
    expect(oidText(Buffer.from([0x88, 0x37, 0x03]))).toBe('2.999.3');
  });
});
