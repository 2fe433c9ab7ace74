import { envoyPeer } from './envoy.ts';
import { envoytsPeer } from './envoyts.ts';
import { floorPeer } from './floor.ts';
import { haproxyPeer } from './haproxy.ts';
import { nginxPeer } from './nginx.ts';
import { nodePeers } from './node_peers.ts';
import type { Peer } from './peer.ts';

/** Every proxy the benchmark knows, in the order of the report. */
export function allPeers(root: string, floorBinary: string | undefined): Peer[] {
  return [
    envoytsPeer('envoyts', root),
    envoytsPeer('envoyts-portable', root),
    floorPeer(floorBinary),
    haproxyPeer(),
    nginxPeer('nginx'),
    nginxPeer('nginx-buffered'),
    envoyPeer(),
    ...nodePeers(root),
  ];
}
