import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envoyBootstrap } from './envoy_bootstrap.ts';
import type { Peer } from './peer.ts';
import { programVersion } from './program_version.ts';

/** The binary that ENVOY_BIN names, with the very bootstrap that envoyts gets. */
export function envoyPeer(): Peer {
  const program = process.env.ENVOY_BIN;
  return {
    name: 'envoy',
    absence: () => (program === undefined ? 'ENVOY_BIN is not set' : existsSync(program) ? undefined : 'ENVOY_BIN names no file'),
    version: () => (program === undefined ? '' : programVersion(program, '--version', /\/([\d.]+)[-/]/)),
    prepare: (context) => {
      const config = join(context.folder, 'bootstrap.yaml');
      writeFileSync(config, envoyBootstrap(context));
      const options = ['--concurrency', `${context.workers}`, '-l', 'warn', '--disable-hot-restart', '-c', config];
      return { argv: [program ?? 'envoy', ...options] };
    },
    adminReadyPath: '/ready',
    warmUpSeconds: 1,
    hasAccessLog: true,
    isLogVariant: false,
    hasWorkers: true,
    isNode: false,
    isRouting: true,
    isRewriting: true,
    speaksTls: true,
  };
}
