import { describe, expect, it } from 'vitest';
import { createSharedSlabs, DrainScope, ServerFact } from '../shared_memory/layout.ts';
import { SharedServerFacts } from './server_facts.ts';

function setUp(facts: Partial<Record<keyof typeof ServerFact, number>>, nowSec = 1000) {
  const slabs = createSharedSlabs(1);
  const words = new Int32Array(slabs.serverFacts);
  words[ServerFact.drainTimeSec] = 100;
  for (const [name, value] of Object.entries(facts)) words[ServerFact[name as keyof typeof ServerFact]] = value;
  return new SharedServerFacts(slabs, 0, () => -1, () => nowSec * 1000);
}

describe('closing connections while draining', () => {
  it('does not happen without a drain', () => {
    expect(setUp({}).shouldDrainClose(true, true, 0)).toBe(false);
  });

  it('happens while health checks fail, where the listener honours that', () => {
    expect(setUp({ healthCheckFailed: 1 }).shouldDrainClose(true, false, 0)).toBe(true);
    expect(setUp({ healthCheckFailed: 1 }).shouldDrainClose(false, false, 0)).toBe(false);
  });

  it('becomes more likely as the drain time passes', () => {
    const begin = setUp({ draining: DrainScope.all, drainStartSec: 1000 });
    const later = setUp({ draining: DrainScope.all, drainStartSec: 970 });
    const over = setUp({ draining: DrainScope.all, drainStartSec: 900 });
    const share = (facts: SharedServerFacts) => Array.from({ length: 100 }, (_, random) => facts.shouldDrainClose(false, false, random)).filter(Boolean).length;
    expect([share(begin), share(later), share(over)]).toEqual([0, 30, 100]);
  });

  it('is certain with the immediate strategy', () => {
    expect(setUp({ draining: DrainScope.all, drainStartSec: 1000, drainImmediate: 1 }).shouldDrainClose(false, false, 50)).toBe(true);
  });

  it('spares other listeners when only inbound ones drain', () => {
    const facts = setUp({ draining: DrainScope.inboundOnly, drainImmediate: 1 });
    expect([facts.shouldDrainClose(false, true, 0), facts.shouldDrainClose(false, false, 0)]).toEqual([true, false]);
  });

  it('does not divide by a drain time of 0', () => {
    expect(setUp({ draining: DrainScope.all, drainTimeSec: 0, drainStartSec: 1000 }).shouldDrainClose(false, false, 7)).toBe(true);
  });
});
