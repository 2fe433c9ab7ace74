import { describe, expect, it } from 'vitest';
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { ClusterSnapshot } from '../../core/snapshot/snapshot.ts';
import { CLUSTERS_PER_PART, packConfig, unpackClusters, unpackListeners } from './packed_snapshot.ts';

// What is in them does not matter here.
const cluster = (id: number) => ({ id, config: { name: `c${id}`, metadata: {}, dropOverload: null }, hosts: { cluster: `c${id}`, hosts: [] } }) as unknown as ClusterSnapshot;
const listener = (name: string) => ({ name, body: new Uint8Array([1, 2, 3]), none: undefined, big: 2n ** 60n }) as unknown as ListenerConfig;

describe('a packed configuration', () => {
  it('is what it was on the other side', async () => {
    const clusters = Array.from({ length: 2 * CLUSTERS_PER_PART + 1 }, (_, id) => cluster(id));
    const packed = await packConfig([listener('a'), listener('b')], clusters);
    // As postMessage takes it.
    const arrived = structuredClone(packed);
    expect(unpackClusters(arrived)).toStrictEqual(clusters);
    const listeners = unpackListeners(arrived);
    expect(listeners.map((each) => each.name)).toEqual(['a', 'b']);
    expect({ ...listeners[0] }).toMatchObject({ body: new Uint8Array([1, 2, 3]), none: undefined, big: 2n ** 60n });
  });

  it('lets the loop turn after each part, and no part is large', async () => {
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const parts = 10;
    const packed = await packConfig([], Array.from({ length: parts * CLUSTERS_PER_PART }, (_, id) => cluster(id)));
    isDone = true;
    expect(packed.clusters).toHaveLength(parts);
    expect(turns).toBeGreaterThanOrEqual(parts - 1);
  });

  it('lies in memory that threads share', async () => {
    const { listeners, clusters } = await packConfig([listener('a')], [cluster(1)]);
    for (const part of [...listeners, ...clusters]) expect(part).toBeInstanceOf(SharedArrayBuffer);
  });
});
