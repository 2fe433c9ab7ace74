import { describe, expect, it } from 'vitest';
import { DrainScope, SERVER_FACT_WORDS, ServerFact } from '../../core/shared_memory/layout.ts';
import { SimulatedScheduler } from '../../test/support/simulated_scheduler.ts';
import { DrainManager } from './drain_manager.ts';

function setUp() {
  const facts = new Int32Array(SERVER_FACT_WORDS);
  const scheduler = new SimulatedScheduler();
  return { facts, scheduler, drain: new DrainManager(facts, scheduler, { drainTimeSec: 10, strategy: 'immediate' }) };
}

describe('the drain manager', () => {
  it('tells workers how a drain goes before there is one', () => {
    const { facts } = setUp();
    expect([facts[ServerFact.drainTimeSec], facts[ServerFact.drainImmediate], facts[ServerFact.draining]]).toEqual([10, 1, DrainScope.none]);
  });

  it('fails and passes health checks', () => {
    const { facts, drain } = setUp();
    drain.failHealthCheck(true);
    expect([drain.isHealthCheckFailed, facts[ServerFact.healthCheckFailed]]).toEqual([true, 1]);
    drain.failHealthCheck(false);
    expect(drain.isHealthCheckFailed).toBe(false);
  });

  it('drains once, and says when the drain time is over', () => {
    const { facts, scheduler, drain } = setUp();
    let drained = 0;
    drain.startDrainSequence(true, () => drained++);
    drain.startDrainSequence(false, () => drained++);
    expect([facts[ServerFact.draining], facts[ServerFact.drainStartSec]]).toEqual([DrainScope.inboundOnly, 1_700_000_000]);
    scheduler.advance(9999);
    expect(drained).toBe(0);
    scheduler.advance(1);
    expect(drained).toBe(1);
  });

  it('forgets a drain when the process ends', () => {
    const { scheduler, drain } = setUp();
    drain.startDrainSequence(false, () => {
      throw new Error('too late');
    });
    drain.close();
    scheduler.advance(60_000);
  });
});
