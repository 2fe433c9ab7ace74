import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** A proxy written with a Node library, from bench/peers/servers/. One process, no access log. */
function nodePeer(name: string, script: string, packageName: string | undefined, root: string): Peer {
  const manifest = packageName === undefined ? undefined : join(root, 'node_modules', packageName, 'package.json');
  return {
    name,
    absence: () => (manifest === undefined || existsSync(manifest) ? undefined : `${packageName} is not installed`),
    version: () => `${manifest === undefined ? '' : `${versionIn(manifest)} `}on Node ${process.version}`,
    prepare: (context) => ({
      argv: [
        process.execPath,
        join(root, 'bench', 'peers', 'servers', script),
        `${context.port}`,
        `${context.originPorts[0]}`,
        `${context.originPorts[1]}`,
      ],
      env: { NODE_ENV: 'production' },
    }),
    adminReadyPath: undefined,
    warmUpSeconds: 4,
    hasAccessLog: false,
    isLogVariant: false,
    hasWorkers: false,
    isNode: true,
    isRouting: true,
    isRewriting: true,
    speaksTls: false,
  };
}

function versionIn(manifest: string): string {
  const parsed = JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string };
  return parsed.version ?? '';
}

/** The proxies a Node team would otherwise pick. */
export function nodePeers(root: string): Peer[] {
  return [
    nodePeer('node-http', 'node_http.ts', undefined, root),
    nodePeer('http-proxy-3', 'http_proxy_3.ts', 'http-proxy-3', root),
    nodePeer('@fastify/http-proxy', 'fastify_http_proxy.ts', '@fastify/http-proxy', root),
  ];
}
