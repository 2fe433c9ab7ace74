import { certificateExtension } from './certificate_extension.ts';
import { canonicalIp } from './cidr.ts';
import { DerError, DerReader, oidText } from './der_reader.ts';

/** One of a certificate's names (RFC 5280 §4.2.1.6). */
export interface SubjectAltName {
  readonly kind: 'dns' | 'uri' | 'email' | 'ip' | 'other';
  /** A character for each byte (Latin-1), so that no two values look the same. */
  readonly value: string;
  /** Of `other`: its type-id. */
  readonly oid: string;
}

const SEQUENCE = 0x30;
const OID = 0x06;
const OTHER = 0xa0;
const EMAIL = 0x81;
const DNS = 0x82;
const URI = 0x86;
const IP = 0x87;
/** 2.5.29.17 */
const SUBJECT_ALT_NAME = Buffer.from([0x55, 0x1d, 0x11]);

/**
 * The names of a certificate (DER) in its order; kinds that nobody asks for (X.400 and directory names, EDI parties, registered ids) are left out.
 * Of what is no certificate, or has something else among its names: none.
 */
export function subjectAltNames(certificate: Uint8Array): readonly SubjectAltName[] {
  try {
    const extension = certificateExtension(certificate, SUBJECT_ALT_NAME);
    return extension === undefined ? [] : readNames(new DerReader(extension).enter(SEQUENCE));
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}

function readNames(names: DerReader): SubjectAltName[] {
  const found: SubjectAltName[] = [];
  while (!names.isAtEnd) {
    switch (names.peekTag()) {
      case DNS: found.push({ kind: 'dns', value: latin1(names.content(DNS)), oid: '' }); break;
      case URI: found.push({ kind: 'uri', value: latin1(names.content(URI)), oid: '' }); break;
      case EMAIL: found.push({ kind: 'email', value: latin1(names.content(EMAIL)), oid: '' }); break;
      case IP: found.push({ kind: 'ip', value: ipText(names.content(IP)), oid: '' }); break;
      case OTHER: found.push(otherName(names.enter(OTHER))); break;
      case 0xa3: case 0xa4: case 0xa5: case 0x88: names.skip(); break;
      default: throw new DerError('no name');
    }
  }
  return found;
}

/** The value of an other name is [0] EXPLICIT of any type; it is shown as text. */
function otherName(name: DerReader): SubjectAltName {
  const oid = oidText(name.content(OID));
  return { kind: 'other', value: valueText(name.enter(0xa0)), oid };
}

function valueText(value: DerReader): string {
  const tag = value.peekTag();
  // What has parts is shown as it is written.
  if (tag === SEQUENCE || tag === 0x31) return latin1(value.whole());
  const content = value.content(tag);
  switch (tag) {
    case 0x01: return content[0] === 0 ? 'false' : 'true';
    case 0x02: case 0x0a: return integerText(content);
    // The number of unused bits comes first.
    case 0x03: return latin1(content.subarray(1));
    case 0x05: return '';
    case OID: return oidText(content);
    case 0x1c: return utf8OfUnits(content, 4);
    case 0x1e: return utf8OfUnits(content, 2);
    default: return latin1(content);
  }
}

/** Decimal, of two's complement. */
function integerText(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return String(BigInt.asIntN(bytes.length * 8, value));
}

/** Big-endian code points of two or four bytes as UTF-8; '' = they are none. */
function utf8OfUnits(bytes: Uint8Array, width: number): string {
  if (bytes.length % width !== 0) return '';
  let text = '';
  for (let i = 0; i < bytes.length; i += width) {
    let point = 0;
    for (let k = 0; k < width; k++) point = point * 256 + bytes[i + k];
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return '';
    text += String.fromCodePoint(point);
  }
  return latin1(Buffer.from(text));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Canonical text; '' = of no length that addresses have. */
function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '';
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] << 8) | bytes[i + 1]).toString(16));
  return canonicalIp(groups.join(':')) ?? '';
}
