// Names of peers' certificates (DER). node test/fuzz/certificate_names/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { isIP } from 'node:net';
import { Certificate } from '../../../core/stream_info/certificate.ts';
import { subjectAltNames } from '../../../core/base/subject_alt_names.ts';
import { type FuzzResult, fuzz, fuzzArguments, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

/** Certificates whose names the library takes have the DNS names that it says; others have some or none (it looks into kinds that we skip). */
function check(input: Buffer): void {
  const names = subjectAltNames(input);
  for (const { kind, value, oid } of names) {
    if (kind === 'ip') assert.ok(value === '' || isIP(value) > 0);
    assert.equal(oid === '' || kind === 'other', true);
  }
  let text: string;
  try {
    const certificate = new Certificate(input);
    // The library reads the first certificate and leaves what follows.
    if (certificate.der.length !== input.length) return;
    text = new (process.getBuiltinModule('node:crypto').X509Certificate)(input).subjectAltName ?? '';
  } catch {
    return;
  }
  const plain = /^[\w*.-]+$/;
  const said = text.split(', ').filter((part) => part.startsWith('DNS:')).map((part) => part.slice(4));
  const read = names.filter(({ kind }) => kind === 'dns').map(({ value }) => value);
  if (read.every((name) => plain.test(name)) && text !== '' && !text.includes('"')) assert.deepEqual(read, said);
}

export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, check);
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
