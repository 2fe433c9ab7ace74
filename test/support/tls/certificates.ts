import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A certificate and its key, PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Where a file of this folder stands, for configurations that name it. */
export function tlsPath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export function tlsFile(name: string): string {
  return readFileSync(tlsPath(name), 'utf8');
}

/**
 * Those that make.sh made: `ca` (of all others but `stranger`, which is of `other_ca`), `server` (server.example, *.wild.example, 127.0.0.1,
 * spiffe://test.example/server), `client`, `rsa`, `expired`, `revoked` (by crl.pem), `deep` (deep.example, behind an intermediate).
 */
export function testCertificate(name: 'server' | 'client' | 'stranger' | 'expired' | 'revoked' | 'rsa' | 'deep'): TestCertificate {
  return { cert: tlsFile(`${name}.pem`), key: tlsFile(`${name}.key.pem`) };
}
