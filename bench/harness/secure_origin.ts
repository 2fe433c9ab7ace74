import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './http_check.ts';
import { findProgram, type ProcessGroup } from './processes.ts';

/** The origin behind TLS. */
export interface SecureOrigin {
  readonly ports: readonly [number, number];
  /** Of the authority that its certificate is from. */
  readonly caPath: string;
  /** A name of that certificate. */
  readonly serverName: string;
}

const SERVER_NAME = 'server.example';
const START_LIMIT_MS = 5000;

/**
 * HAProxy ends TLS 1.3 in front of the plain origin, on the core of the load: its CPU time is nobody's who is compared. Undefined
 * where it is not installed. Certificates are those of the tests.
 */
export async function startSecureOrigin(group: ProcessGroup, root: string, folder: string, plain: readonly [number, number], core: number): Promise<SecureOrigin | undefined> {
  const program = findProgram('haproxy');
  if (program === undefined) return undefined;
  const certificates = join(root, 'test', 'support', 'tls');
  const ports = [await freePort(), await freePort()] as const;
  const pem = join(folder, 'origin.pem');
  writeFileSync(pem, `${readFileSync(join(certificates, 'server.pem'), 'utf8')}${readFileSync(join(certificates, 'server.key.pem'), 'utf8')}`);
  const sides = ports.map((port, i) => `
frontend f${i}
  bind 127.0.0.1:${port} ssl crt ${pem} alpn http/1.1 backlog 4096
  default_backend b${i}
backend b${i}
  http-reuse always
  server s 127.0.0.1:${plain[i]}
`);
  const config = join(folder, 'secure_origin.cfg');
  writeFileSync(config, `global
  nbthread 1
  no strict-limits
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
${sides.join('')}`);
  const running = await group.start({ argv: [program, '-db', '-f', config], core });
  const began = Date.now();
  while (Date.now() - began < START_LIMIT_MS && running.ended === undefined) {
    if ((await Promise.all(ports.map(listens))).every(Boolean)) return { ports, caPath: join(certificates, 'ca.pem'), serverName: SERVER_NAME };
    await delay(10);
  }
  throw new Error(`the origin behind TLS did not start: ${running.ended ?? 'no answer'} ${running.complaint}`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}
