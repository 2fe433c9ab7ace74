import type { Peer } from './peer.ts';

/** The C program that only makes the system calls; binary undefined when it could not be compiled. */
export function floorPeer(binary: string | undefined): Peer {
  return {
    name: 'floor',
    absence: () => (binary === undefined ? 'no C compiler, or not Linux' : undefined),
    version: () => 'bench/harness/floor.c',
    prepare: (context) => ({
      argv: [binary ?? 'floor', `${context.port}`, `${context.originPorts[0]}`, `${context.originPorts[1]}`],
    }),
    adminReadyPath: undefined,
    warmUpSeconds: 1,
    hasAccessLog: false,
    isLogVariant: false,
    hasWorkers: false,
    isNode: false,
    isRouting: false,
    isRewriting: false,
    speaksTls: false,
  };
}
