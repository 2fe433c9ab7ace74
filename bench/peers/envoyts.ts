import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envoyBootstrap } from './envoy_bootstrap.ts';
import type { Peer, PeerCommand, PeerContext } from './peer.ts';

/** envoyts on the native ring or on the portable backend. */
export function envoytsPeer(name: 'envoyts' | 'envoyts-portable', root: string): Peer {
  const entry = join(root, 'bin', 'envoyts.js');
  return {
    name,
    absence: () => absence(name, root),
    version: () => `${versionOf(root)} on Node ${process.version}`,
    prepare: (context) => prepare(context, entry, name === 'envoyts-portable'),
    adminReadyPath: '/ready',
    warmUpSeconds: 4,
    hasAccessLog: true,
    isLogVariant: false,
    hasWorkers: true,
    isNode: true,
    isRouting: true,
    isRewriting: true,
    speaksTls: true,
  };
}

/** The launcher runs dist/, or the sources if these have changed since. Without the addon `envoyts` would silently be portable. */
function absence(name: 'envoyts' | 'envoyts-portable', root: string): string | undefined {
  const isThere = (...path: string[]): boolean => existsSync(join(root, ...path));
  if (!isThere('bin', 'envoyts.ts') && !isThere('dist', 'bin', 'envoyts.js')) return 'not built (npm run build)';
  const hasAddon = ADDON_FOLDERS.some((folder) => isThere('native', 'build', folder, 'envoyts_native.node'));
  return name === 'envoyts' && !hasAddon ? 'the native addon is not built (npm run build:native)' : undefined;
}

const ADDON_FOLDERS = ['Release', 'addon'];

function prepare(context: PeerContext, entry: string, isPortable: boolean): PeerCommand {
  const config = join(context.folder, 'bootstrap.yaml');
  writeFileSync(config, envoyBootstrap(context));
  return {
    argv: [process.execPath, entry, '--concurrency', `${context.workers}`, '-l', 'warn', '-c', config],
    ...(isPortable ? { env: { ENVOYTS_IO: 'portable' } } : {}),
  };
}

function versionOf(root: string): string {
  const parsed = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: string };
  return parsed.version ?? '';
}
