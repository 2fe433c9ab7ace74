/**
 * A snapshot as it crosses to workers: serialised once, in parts, into memory that every worker reads. Posting the objects themselves
 * would serialise all of them anew for each worker, in one block of main's time.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { ClusterSnapshot } from '../../core/snapshot/snapshot.ts';

/** Serialised between two turns: about 10 us each. */
export const CLUSTERS_PER_PART = 250;

/** A value, serialised. */
export type Packed = SharedArrayBuffer;

export interface PackedConfig {
  /** In order. */
  readonly listeners: readonly Packed[];
  /** Lists of clusters, one after the other. */
  readonly clusters: readonly Packed[];
}

/** Lets the loop turn after every listener and every CLUSTERS_PER_PART clusters. Both must be plain data. */
export async function packConfig(listeners: readonly ListenerConfig[], clusters: readonly ClusterSnapshot[]): Promise<PackedConfig> {
  const packed: { listeners: Packed[]; clusters: Packed[] } = { listeners: [], clusters: [] };
  for (const listener of listeners) {
    if (packed.listeners.length > 0) await nextTurn();
    packed.listeners.push(pack(listener));
  }
  for (let from = 0; from < clusters.length; from += CLUSTERS_PER_PART) {
    await nextTurn();
    packed.clusters.push(pack(clusters.slice(from, from + CLUSTERS_PER_PART)));
  }
  return packed;
}

export function unpackListeners(packed: PackedConfig): ListenerConfig[] {
  return packed.listeners.map((part) => unpack(part) as ListenerConfig);
}

export function unpackClusters(packed: PackedConfig): ClusterSnapshot[] {
  return packed.clusters.flatMap((part) => unpack(part) as ClusterSnapshot[]);
}

function pack(value: unknown): Packed {
  const bytes = serialize(value);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}

function unpack(packed: Packed): unknown {
  // A copy: byte arrays in the value become views of it, and shared ones are not taken everywhere.
  return deserialize(Buffer.from(new Uint8Array(packed)));
}
