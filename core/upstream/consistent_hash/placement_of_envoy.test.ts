import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { XxHash64 } from '../../base/xxhash64.ts';
import { weightShares } from './entries.ts';
import { buildAtOnce, type HashTableKind } from './hash_table.ts';
import { maglevTables } from './maglev_table.ts';
import { ringTables } from './ring.ts';

/** Recorded from Envoy 1.37.0, see `about` in it. */
const RECORDED = JSON.parse(readFileSync(new URL('../../../test/oracle/placement.json', import.meta.url), 'utf8')) as { weights: number[]; places: Record<string, string> };
const COMMON = { usesHostname: false, balanceFactor: 0, isLocalityWeighted: false };
const RING = { isMurmur: false, minimumRingSize: 1024, maximumRingSize: 8_388_608, ...COMMON };
const KEYS = RECORDED.weights.map((_, i) => `127.0.0.1:${18_990 + i}`);

describe('1,000 keys go where Envoy sent them', () => {
  it.each<[string, HashTableKind, boolean]>([
    ['ring', ringTables(RING), false],
    ['ring_weighted', ringTables(RING), true],
    ['ring_murmur', ringTables({ ...RING, isMurmur: true }), false],
    ['ring_20000', ringTables({ ...RING, minimumRingSize: 20_000 }), true],
    ['maglev', maglevTables({ ...COMMON, tableSize: 65_537 }), false],
    ['maglev_weighted', maglevTables({ ...COMMON, tableSize: 65_537 }), true],
    ['maglev_251', maglevTables({ ...COMMON, tableSize: 251 }), false],
    ['maglev_100003', maglevTables({ ...COMMON, tableSize: 100_003 }), true],
  ])('%s, made by a worker or by main', (name, kind, isWeighted) => {
    const shares = weightShares(RECORDED.weights.map((weight) => (isWeighted ? weight : 1)));
    const own = buildAtOnce(kind.begin(KEYS, shares, false));
    const shared = kind.open(buildAtOnce(kind.begin(KEYS, shares, true)).memory);
    const hash = new XxHash64();
    for (const table of [own, shared]) {
      let places = '';
      for (let i = 0; i < 1000; i++) {
        hash.hashText(`key-${i}`);
        places += table.find(hash.high, hash.low);
      }
      expect(places).toBe(RECORDED.places[name]);
    }
  });
});
