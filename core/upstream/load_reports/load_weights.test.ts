import { describe, expect, it } from 'vitest';
import { hostConfig } from '../../../test/support/in_process_worker.ts';
import { HOST_LOAD_WORDS, HostLoad } from '../../shared_memory/layout.ts';
import { Host } from '../host.ts';
import type { LoadWeightsConfig } from '../cluster_config.ts';
import { LoadWeights, median } from './load_weights.ts';

const CONFIG: LoadWeightsConfig = { metrics: [], errorPenalty: 0, blackoutMs: 10_000, expirationMs: 180_000, updateMs: 1000 };
const START = 1_000_000;

/** Hosts of several workers, who share what they hear; time stands still. */
class Scene {
  now = START;
  private readonly words: Float64Array[];
  private readonly workers: LoadWeights[];
  private readonly hosts: Host[][];

  constructor({ hosts = 3, workers = 1, ...config }: { hosts?: number; workers?: number } & Partial<LoadWeightsConfig> = {}) {
    this.words = Array.from({ length: workers }, () => new Float64Array(hosts * HOST_LOAD_WORDS));
    this.workers = this.words.map((own) => new LoadWeights({ ...CONFIG, ...config }, own, this.words, () => this.now));
    this.hosts = this.words.map(() => Array.from({ length: hosts }, (_, id) => new Host({ ...hostConfig(id, 80), weight: 7 }, new Int32Array(hosts), new Float64Array(hosts * 8))));
  }

  /** After so many milliseconds. */
  note(afterMs: number, host: number, weight: number, worker = 0): void {
    this.now += afterMs;
    this.workers[worker].note(host, weight);
  }

  apply(afterMs: number, worker = 0): { weights: number[]; isChanged: boolean } {
    this.now += afterMs;
    const isChanged = this.workers[worker].apply(this.hosts[worker]);
    return { weights: this.hosts[worker].map((host) => host.weight), isChanged };
  }

  applied(worker: number): number[] {
    return this.hosts[worker].map((_, id) => this.words[worker][id * HOST_LOAD_WORDS + HostLoad.applied]);
  }
}

describe('weights by load', () => {
  it('are 1 while nobody has reported, whatever is configured', () => {
    const scene = new Scene();
    expect(scene.apply(0)).toEqual({ weights: [1, 1, 1], isChanged: true });
    expect(scene.apply(1000)).toEqual({ weights: [1, 1, 1], isChanged: false });
    expect(scene.applied(0)).toEqual([1, 1, 1]);
  });

  it('count when a host has reported for the blackout period, to the millisecond', () => {
    const scene = new Scene();
    scene.note(0, 0, 40);
    scene.note(5000, 0, 50);
    expect(scene.apply(4999).weights).toEqual([1, 1, 1]);
    expect(scene.apply(1)).toEqual({ weights: [50, 50, 50], isChanged: true });
  });

  it('are the median of the others for hosts without a report that counts', () => {
    const scene = new Scene({ hosts: 4, blackoutMs: 0 });
    scene.note(0, 0, 10);
    expect(scene.apply(0).weights).toEqual([10, 10, 10, 10]);
    scene.note(0, 1, 21);
    expect(scene.apply(0).weights).toEqual([10, 21, 15, 15]);
    scene.note(0, 2, 100);
    expect(scene.apply(0).weights).toEqual([10, 21, 100, 21]);
    scene.note(0, 3, 5);
    expect(scene.apply(0).weights).toEqual([10, 21, 100, 5]);
  });

  it('are at least 1', () => {
    const scene = new Scene({ hosts: 2, blackoutMs: 0 });
    scene.note(0, 0, 0);
    expect(scene.apply(0).weights).toEqual([1, 1]);
  });

  it('end when a host has not reported for the expiration period; then the blackout begins anew', () => {
    const scene = new Scene();
    scene.note(0, 0, 40);
    scene.note(10_000, 1, 20);
    scene.note(10_000, 0, 40);
    expect(scene.apply(180_000).weights).toEqual([40, 40, 40]);
    expect(scene.apply(1).weights).toEqual([1, 1, 1]);
    scene.note(0, 0, 30);
    expect(scene.apply(9999).weights).toEqual([1, 1, 1]);
    expect(scene.apply(1).weights).toEqual([30, 30, 30]);
  });

  it('do not begin anew after a silence within the blackout, as in Envoy', () => {
    const scene = new Scene({ hosts: 1, blackoutMs: 60_000, expirationMs: 5000 });
    scene.note(0, 0, 40);
    scene.note(30_000, 0, 40);
    scene.note(29_000, 0, 40);
    expect(scene.apply(999).weights).toEqual([1]);
    expect(scene.apply(1).weights).toEqual([40]);
  });

  it('are the same on all workers: the newest report of any of them counts, and the first one begins the blackout', () => {
    const scene = new Scene({ hosts: 2, workers: 3 });
    scene.note(0, 0, 40, 1);
    scene.note(9000, 0, 50, 2);
    scene.note(500, 1, 7, 0);
    expect([0, 1, 2].map((worker) => scene.apply(0, worker).weights)).toEqual([[1, 1], [1, 1], [1, 1]]);
    scene.note(500, 0, 60, 0);
    expect([0, 1, 2].map((worker) => scene.apply(0, worker).weights)).toEqual([[60, 60], [60, 60], [60, 60]]);
    scene.note(1, 0, 30, 1);
    expect([0, 1, 2].map((worker) => scene.apply(0, worker).weights[0])).toEqual([30, 30, 30]);
  });
});

it.each<[number[], number]>([[[], 1], [[5], 5], [[1, 2], 1], [[9, 1, 5], 5], [[4, 1, 9, 5], 4], [[4_294_967_295, 4_294_967_295], 4_294_967_295]])('the median of %j is %d', (weights, expected) => {
  expect(median(weights)).toBe(expected);
});
