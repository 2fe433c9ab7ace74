import { describe, expect, it } from 'vitest';
import { connectionFailure, libraryFailure, verifyFailure } from './tls_failure.ts';

describe('what TLS failed of', () => {
  const text = (reason: number, name: string, isOnClientHello = false): string => libraryFailure({ reason, name, isOnClientHello }).text;

  it('is told in the numbers and names of BoringSSL', () => {
    expect(text(267, 'wrong version number')).toBe('TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end');
    // The same in the words of another OpenSSL.
    expect(text(1040, 'sslv3 alert handshake failure')).toBe(text(1040, 'ssl/tls alert handshake failure'));
    expect(text(1040, 'sslv3 alert handshake failure')).toBe('TLS_error:|268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end');
  });

  it('says that an alert answered the first message only of the one that Envoy does', () => {
    expect(text(1040, '', true)).toBe(
      'TLS_error:|268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO:TLS_error_end',
    );
    expect(text(1070, '', true)).toBe(text(1070, '', false));
  });

  it('has an alert without a name', () => {
    expect(text(1109, 'tlsv13 alert missing extension')).toBe('TLS_error:|268436565:SSL routines:OPENSSL_internal:unknown error:TLS_error_end');
  });

  it('keeps the number and name of what BoringSSL does not have', () => {
    expect(text(394, 'dh key too small')).toBe('TLS_error:|167772554:SSL routines:OPENSSL_internal:DH_KEY_TOO_SMALL:TLS_error_end');
  });

  it('is a chain, with what and where', () => {
    expect(verifyFailure(2, 'self-signed certificate in certificate chain')).toEqual({
      kind: 'verify',
      text:
        'TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: ' +
        'X509_verify_cert: certificate verification error at depth 2: self signed certificate in certificate chain:TLS_error_end',
    });
  });

  it('is no error of TLS when the connection broke', () => {
    expect(connectionFailure(0)).toEqual({ kind: 'io', text: '' });
    expect(connectionFailure(104)).toEqual({ kind: 'io', text: 'TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end' });
  });
});
