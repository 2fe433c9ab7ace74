// Random certificates of peers. node test/fuzz/peer_certificates/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { X509Certificate } from 'node:crypto';
import { type PeerCertificate, readCertificate } from '../../../extensions/transport_sockets/tls/peer_certificate.ts';
import { hasOneOf } from '../../../extensions/transport_sockets/tls/san_matcher.ts';
import { fuzz, fuzzArguments, type FuzzResult, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));
const NAMES = ['server.example', 'a.wild.example', 'client.example', 'x.example'];

/** Never throws, says the same wherever the bytes stand, and finds no host name that OpenSSL does not find. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input) => {
    const bytes = new Uint8Array(input);
    const certificate = readCertificate(bytes);
    const around = new Uint8Array(bytes.length + 8).fill(0x30);
    around.set(bytes, 4);
    assert.deepEqual(plain(readCertificate(around.subarray(4, 4 + bytes.length))), plain(certificate));
    const dns = certificate.subjectAltNames.filter(({ kind }) => kind === 'dns');
    const found = NAMES.filter((name) => hasOneOf(dns, [name]));
    const openssl = found.length === 0 ? undefined : read(bytes);
    if (openssl !== undefined) for (const name of found) assert.notEqual(openssl.checkHost(name, { subject: 'never' }), undefined, name);
  });
}

function plain({ publicKey, ...rest }: PeerCertificate): object {
  return { ...rest, publicKey: publicKey === null ? null : [...publicKey] };
}

/** undefined = OpenSSL takes it for none: no handshake would show it. */
function read(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
