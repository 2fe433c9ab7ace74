/**
 * A PKCS #12 store: one key and its certificates. Node reads such files only for its own sockets, so whether the store is right (its
 * checksum, its password) is left to it, and what is in the store is read here. Thread: main.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { DerReader, oidText } from '../../../core/base/der_reader.ts';

export interface Pkcs12Content {
  readonly key: KeyObject;
  /** Leaf first. */
  readonly certificates: readonly X509Certificate[];
}

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const KEY_BAG = '1.2.840.113549.1.12.10.1.1';
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2';
const CERTIFICATE_BAG = '1.2.840.113549.1.12.10.1.3';
const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const SHA1_AND_TRIPLE_DES = '1.2.840.113549.1.12.1.3';
const TRIPLE_DES = { name: 'des-ede3-cbc', keyBytes: 24 };
const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': TRIPLE_DES,
};
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1', '1.2.840.113549.2.8': 'sha224', '1.2.840.113549.2.9': 'sha256', '1.2.840.113549.2.10': 'sha384', '1.2.840.113549.2.11': 'sha512',
};

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
const OBJECT_ID = 0x06;
const EXPLICIT_0 = 0xa0;
/** [0] IMPLICIT OCTET STRING, in one piece or several. */
const SECRET = 0x80;
const SECRET_IN_PIECES = 0xa0;

/** Reads a store. @returns a text when it cannot: why, or '' when there is no more to say than that. */
export function readPkcs12(store: Uint8Array, password: string): Pkcs12Content | string {
  try {
    process.getBuiltinModule('node:tls').createSecureContext({ pfx: Buffer.from(store), passphrase: password });
    const bags = new Bags(password);
    bags.readStore(store);
    return bags.content();
  } catch (error) {
    return error instanceof UnknownEncryption ? error.message : '';
  }
}

class UnknownEncryption extends Error {}

/** What the bags of a store hold. Throws on what it cannot read. */
class Bags {
  private readonly password: string;
  private readonly keys: KeyObject[] = [];
  private readonly certificates: X509Certificate[] = [];

  constructor(password: string) {
    this.password = password;
  }

  content(): Pkcs12Content {
    const [key] = this.keys;
    const leaf = this.certificates.find((certificate) => certificate.checkPrivateKey(key));
    if (leaf === undefined) throw new Error('no certificate is that of the key');
    return { key, certificates: [leaf, ...this.certificates.filter((certificate) => certificate !== leaf)] };
  }

  readStore(store: Uint8Array): void {
    const file = new DerReader(store).enter(SEQUENCE);
    file.skip();
    const safe = file.enter(SEQUENCE);
    if (oidText(safe.content(OBJECT_ID)) !== DATA) throw new UnknownEncryption('it is signed with a key');
    const infos = new DerReader(safe.enter(EXPLICIT_0).content(OCTETS)).enter(SEQUENCE);
    while (!infos.isAtEnd) this.readInfo(infos.enter(SEQUENCE));
  }

  private readInfo(info: DerReader): void {
    const type = oidText(info.content(OBJECT_ID));
    const content = info.enter(EXPLICIT_0);
    if (type === DATA) this.readBags(content.content(OCTETS));
    else if (type === ENCRYPTED_DATA) {
      const encrypted = content.enter(SEQUENCE);
      encrypted.skip();
      const secret = encrypted.enter(SEQUENCE);
      secret.skip();
      this.readBags(decrypt(secret.enter(SEQUENCE), secretOf(secret), this.password));
    } else throw new UnknownEncryption('its content is neither plain nor encrypted with a password');
  }

  private readBags(content: Uint8Array): void {
    const { createPrivateKey, X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
    const bags = new DerReader(content).enter(SEQUENCE);
    while (!bags.isAtEnd) {
      const bag = bags.enter(SEQUENCE);
      const type = oidText(bag.content(OBJECT_ID));
      const value = bag.enter(EXPLICIT_0);
      if (type === KEY_BAG || type === SHROUDED_KEY_BAG) {
        this.keys.push(createPrivateKey({ key: Buffer.from(value.whole()), format: 'der', type: 'pkcs8', ...(type === KEY_BAG ? {} : { passphrase: this.password }) }));
      } else if (type === CERTIFICATE_BAG) {
        const certificate = value.enter(SEQUENCE);
        certificate.skip();
        this.certificates.push(new Certificate(Buffer.from(certificate.enter(EXPLICIT_0).content(OCTETS))));
      }
    }
  }
}

function secretOf(reader: DerReader): Uint8Array {
  if (reader.peekTag() !== SECRET_IN_PIECES) return reader.content(SECRET);
  const pieces: Uint8Array[] = [];
  for (const parts = reader.enter(SECRET_IN_PIECES); !parts.isAtEnd;) pieces.push(parts.content(OCTETS));
  return Buffer.concat(pieces);
}

/** Decrypts with the key that an algorithm makes of the password. */
function decrypt(algorithm: DerReader, secret: Uint8Array, password: string): Uint8Array {
  const { createDecipheriv } = process.getBuiltinModule('node:crypto');
  const name = oidText(algorithm.content(OBJECT_ID));
  const parameters = algorithm.enter(SEQUENCE);
  const { cipher, key, iv } = name === PBES2 ? derivePbes2(parameters, password) : deriveOld(name, parameters, password);
  const decipher = createDecipheriv(cipher, key, iv);
  return Buffer.concat([decipher.update(secret), decipher.final()]);
}

interface Derived {
  readonly cipher: string;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

function derivePbes2(parameters: DerReader, password: string): Derived {
  const derivation = parameters.enter(SEQUENCE);
  const encryption = parameters.enter(SEQUENCE);
  const cipher = CIPHERS[oidText(encryption.content(OBJECT_ID))];
  const isPbkdf2 = oidText(derivation.content(OBJECT_ID)) === PBKDF2;
  if (cipher === undefined || !isPbkdf2) throw new UnknownEncryption('it is encrypted in a way that is not supported');
  const options = derivation.enter(SEQUENCE);
  const salt = options.content(OCTETS);
  const rounds = numberOf(options.content(INTEGER));
  if (options.peekTag() === INTEGER) options.skip();
  const hash = options.isAtEnd ? 'sha1' : HASHES[oidText(options.enter(SEQUENCE).content(OBJECT_ID))];
  if (hash === undefined) throw new UnknownEncryption('its key is derived in a way that is not supported');
  const key = process.getBuiltinModule('node:crypto').pbkdf2Sync(password, salt, rounds, cipher.keyBytes, hash);
  return { cipher: cipher.name, key, iv: encryption.content(OCTETS) };
}

function deriveOld(name: string, parameters: DerReader, password: string): Derived {
  if (name !== SHA1_AND_TRIPLE_DES) throw new UnknownEncryption('it is encrypted in a way that is not supported');
  const salt = parameters.content(OCTETS);
  const rounds = numberOf(parameters.content(INTEGER));
  return { cipher: TRIPLE_DES.name, key: derivePkcs12(password, salt, rounds, 1, TRIPLE_DES.keyBytes), iv: derivePkcs12(password, salt, rounds, 2, 8) };
}

/** Of RFC 7292 appendix B.2, with SHA-1. */
function derivePkcs12(password: string, salt: Uint8Array, rounds: number, purpose: number, length: number): Uint8Array {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const text = Buffer.concat([Buffer.from(password, 'utf16le').swap16(), Buffer.alloc(2)]);
  const block = 64;
  const fill = (source: Uint8Array): Buffer => Buffer.alloc(block * Math.ceil(source.length / block), source);
  const input = Buffer.concat([fill(salt), fill(text)]);
  const derived: Buffer[] = [];
  for (let made = 0; made < length; made += 20) {
    let hash = createHash('sha1').update(Buffer.alloc(block, purpose)).update(input).digest();
    for (let i = 1; i < rounds; i++) hash = createHash('sha1').update(hash).digest();
    derived.push(hash);
    addToBlocks(input, hash, block);
  }
  return Buffer.concat(derived).subarray(0, length);
}

/** Adds a number, repeated to fill a block, and one to each block. */
function addToBlocks(input: Buffer, number: Uint8Array, block: number): void {
  for (let start = 0; start < input.length; start += block) {
    let carry = 1;
    for (let i = block - 1; i >= 0; i--) {
      carry += input[start + i] + number[i % number.length];
      input[start + i] = carry & 0xff;
      carry >>= 8;
    }
  }
}

function numberOf(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}
