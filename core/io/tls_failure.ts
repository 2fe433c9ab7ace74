/**
 * Why TLS failed, in the words that Envoy's users know: BoringSSL's numbers and names for what OpenSSL tells. Both backends and the
 * health checks of the main thread speak through it.
 */
import type { TlsFailure } from './tls.ts';

/** What OpenSSL says of one failure. */
export interface TlsLibraryError {
  /** Number of the reason within the SSL library. */
  readonly reason: number;
  /** OpenSSL's words for it, `wrong version number`. */
  readonly name: string;
  /** The server's first answer to us was what failed. */
  readonly isOnClientHello: boolean;
}

/** The library's number in a BoringSSL error, already in place; the system's errors have another. */
const SSL_LIBRARY = 16 << 24;
const SYSTEM_LIBRARY = 2 << 24;
/** OpenSSL 3 puts its libraries elsewhere. */
const OPENSSL_SSL_LIBRARY = 20 << 23;
/** A reason from here on is an alert that the peer sent; numbers are the same in both libraries. */
const FIRST_ALERT = 1000;
const LAST_ALERT = 1255;
const HANDSHAKE_FAILURE_ALERT = 1040;
const CERTIFICATE_VERIFY_FAILED = 125;
const HANDSHAKE_FAILURE_ON_CLIENT_HELLO = 154;

const ALERTS: Readonly<Record<number, string>> = {
  1000: 'SSLV3_ALERT_CLOSE_NOTIFY',
  1010: 'SSLV3_ALERT_UNEXPECTED_MESSAGE',
  1020: 'SSLV3_ALERT_BAD_RECORD_MAC',
  1021: 'TLSV1_ALERT_DECRYPTION_FAILED',
  1022: 'TLSV1_ALERT_RECORD_OVERFLOW',
  1030: 'SSLV3_ALERT_DECOMPRESSION_FAILURE',
  1040: 'SSLV3_ALERT_HANDSHAKE_FAILURE',
  1041: 'SSLV3_ALERT_NO_CERTIFICATE',
  1042: 'SSLV3_ALERT_BAD_CERTIFICATE',
  1043: 'SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
  1044: 'SSLV3_ALERT_CERTIFICATE_REVOKED',
  1045: 'SSLV3_ALERT_CERTIFICATE_EXPIRED',
  1046: 'SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  1047: 'SSLV3_ALERT_ILLEGAL_PARAMETER',
  1048: 'TLSV1_ALERT_UNKNOWN_CA',
  1049: 'TLSV1_ALERT_ACCESS_DENIED',
  1050: 'TLSV1_ALERT_DECODE_ERROR',
  1051: 'TLSV1_ALERT_DECRYPT_ERROR',
  1060: 'TLSV1_ALERT_EXPORT_RESTRICTION',
  1070: 'TLSV1_ALERT_PROTOCOL_VERSION',
  1071: 'TLSV1_ALERT_INSUFFICIENT_SECURITY',
  1080: 'TLSV1_ALERT_INTERNAL_ERROR',
  1086: 'TLSV1_ALERT_INAPPROPRIATE_FALLBACK',
  1090: 'TLSV1_ALERT_USER_CANCELLED',
  1100: 'TLSV1_ALERT_NO_RENEGOTIATION',
  1110: 'TLSV1_ALERT_UNSUPPORTED_EXTENSION',
  1111: 'TLSV1_ALERT_CERTIFICATE_UNOBTAINABLE',
  1112: 'TLSV1_ALERT_UNRECOGNIZED_NAME',
  1113: 'TLSV1_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE',
  1114: 'TLSV1_ALERT_BAD_CERTIFICATE_HASH_VALUE',
  1115: 'TLSV1_ALERT_UNKNOWN_PSK_IDENTITY',
  1116: 'TLSV1_ALERT_CERTIFICATE_REQUIRED',
  1120: 'TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
};

/** OpenSSL's words (lower case) to BoringSSL's number and name. */
const REASONS: Readonly<Record<string, readonly [number, string]>> = {
  'bad change cipher spec': [103, 'BAD_CHANGE_CIPHER_SPEC'],
  'bad digest length': [106, 'BAD_DIGEST_LENGTH'],
  'bad ecpoint': [108, 'BAD_ECPOINT'],
  'bad extension': [149, 'ERROR_PARSING_EXTENSION'],
  'bad length': [111, 'BAD_LENGTH'],
  'bad packet': [137, 'DECODE_ERROR'],
  'bad packet length': [112, 'BAD_PACKET_LENGTH'],
  'bad record type': [225, 'UNEXPECTED_RECORD'],
  'bad signature': [114, 'BAD_SIGNATURE'],
  'ccs received early': [124, 'CCS_RECEIVED_EARLY'],
  'certificate verify failed': [CERTIFICATE_VERIFY_FAILED, 'CERTIFICATE_VERIFY_FAILED'],
  'cert length mismatch': [127, 'CERT_LENGTH_MISMATCH'],
  'data length too long': [136, 'DATA_LENGTH_TOO_LONG'],
  'decryption failed': [138, 'DECRYPTION_FAILED'],
  'decryption failed or bad record mac': [139, 'DECRYPTION_FAILED_OR_BAD_RECORD_MAC'],
  'digest check failed': [141, 'DIGEST_CHECK_FAILED'],
  'encrypted length too long': [146, 'ENCRYPTED_LENGTH_TOO_LONG'],
  'excessive message size': [150, 'EXCESSIVE_MESSAGE_SIZE'],
  'extra data in message': [151, 'EXTRA_DATA_IN_MESSAGE'],
  'http request': [156, 'HTTP_REQUEST'],
  'https proxy request': [155, 'HTTPS_PROXY_REQUEST'],
  'inappropriate fallback': [157, 'INAPPROPRIATE_FALLBACK'],
  'inconsistent extms': [144, 'EMS_STATE_INCONSISTENT'],
  'invalid session id': [286, 'SERVER_ECHOED_INVALID_SESSION_ID'],
  'length mismatch': [162, 'LENGTH_MISMATCH'],
  'no ciphers available': [175, 'NO_CIPHERS_AVAILABLE'],
  'no protocols available': [280, 'NO_SUPPORTED_VERSIONS_ENABLED'],
  'no renegotiation': [182, 'NO_RENEGOTIATION'],
  'no shared cipher': [184, 'NO_SHARED_CIPHER'],
  'no suitable key share': [258, 'MISSING_KEY_SHARE'],
  'packet length too long': [146, 'ENCRYPTED_LENGTH_TOO_LONG'],
  'peer did not return a certificate': [192, 'PEER_DID_NOT_RETURN_A_CERTIFICATE'],
  'record length mismatch': [199, 'RECORD_LENGTH_MISMATCH'],
  'too many warn alerts': [220, 'TOO_MANY_WARNING_ALERTS'],
  'unexpected message': [223, 'UNEXPECTED_MESSAGE'],
  'unexpected record': [225, 'UNEXPECTED_RECORD'],
  'unknown alert type': [227, 'UNKNOWN_ALERT_TYPE'],
  'unknown certificate type': [228, 'UNKNOWN_CERTIFICATE_TYPE'],
  'unknown cipher returned': [229, 'UNKNOWN_CIPHER_RETURNED'],
  'unknown key exchange type': [232, 'UNKNOWN_KEY_EXCHANGE_TYPE'],
  'unknown protocol': [233, 'UNKNOWN_PROTOCOL'],
  'unsafe legacy renegotiation disabled': [236, 'UNSAFE_LEGACY_RENEGOTIATION_DISABLED'],
  'unsolicited extension': [222, 'UNEXPECTED_EXTENSION'],
  'unsupported compression algorithm': [239, 'UNSUPPORTED_COMPRESSION_ALGORITHM'],
  'unsupported protocol': [240, 'UNSUPPORTED_PROTOCOL'],
  'wrong certificate type': [241, 'WRONG_CERTIFICATE_TYPE'],
  'wrong cipher returned': [242, 'WRONG_CIPHER_RETURNED'],
  'wrong curve': [243, 'WRONG_CURVE'],
  'wrong signature type': [245, 'WRONG_SIGNATURE_TYPE'],
  'wrong ssl version': [246, 'WRONG_SSL_VERSION'],
  'wrong version number': [247, 'WRONG_VERSION_NUMBER'],
};

/** What the C library says of the errors that end a connection. */
const SYSTEM_ERRORS: Readonly<Record<number, string>> = {
  32: 'Broken pipe',
  104: 'Connection reset by peer',
  110: 'Connection timed out',
  113: 'No route to host',
};

function framed(...errors: readonly string[]): string {
  return `TLS_error:|${errors.join('|')}:TLS_error_end`;
}

function sslError(reason: number, name: string): string {
  return `${SSL_LIBRARY + reason}:SSL routines:OPENSSL_internal:${name}`;
}

/** The peer's chain was not accepted: the library's words for it (OpenSSL's are made BoringSSL's), and how far from the leaf the trouble is. */
export function verifyFailure(depth: number, text: string): TlsFailure {
  const words = text.replace('self-signed', 'self signed').replace('unsuitable certificate purpose', 'unsupported certificate purpose');
  const why = `verify cert failed: X509_verify_cert: certificate verification error at depth ${depth}: ${words}`;
  return { kind: 'verify', text: framed(`${sslError(CERTIFICATE_VERIFY_FAILED, 'CERTIFICATE_VERIFY_FAILED')}:${why}`) };
}

/** OpenSSL gave up. */
export function libraryFailure(error: TlsLibraryError): TlsFailure {
  const { reason, isOnClientHello } = error;
  const name = error.name.toLowerCase();
  if (reason >= FIRST_ALERT && reason <= LAST_ALERT) {
    const alert = sslError(reason, ALERTS[reason] ?? 'unknown error');
    if (reason !== HANDSHAKE_FAILURE_ALERT || !isOnClientHello) return { kind: 'other', text: framed(alert) };
    return { kind: 'other', text: framed(alert, sslError(HANDSHAKE_FAILURE_ON_CLIENT_HELLO, 'HANDSHAKE_FAILURE_ON_CLIENT_HELLO')) };
  }
  const known = REASONS[name];
  if (known !== undefined) return { kind: 'other', text: framed(sslError(known[0], known[1])) };
  const own = name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  return { kind: 'other', text: framed(`${OPENSSL_SSL_LIBRARY + reason}:SSL routines:OPENSSL_internal:${own}`) };
}

/** The connection broke while TLS was at it; errno 0 = the peer closed it, of which Envoy says nothing. */
export function connectionFailure(errno: number): TlsFailure {
  if (errno === 0) return { kind: 'io', text: '' };
  return { kind: 'io', text: framed(`${SYSTEM_LIBRARY + errno}:system library:OPENSSL_internal:${SYSTEM_ERRORS[errno] ?? 'unknown error'}`) };
}
