import { describe, expect, it } from 'vitest';
import { FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { RETRY_HOST_PREDICATE_CATEGORY, type RetryHostPredicate } from '../../../core/route/retry_policy.ts';
import { Host } from '../../../core/upstream/host.ts';
import { hostConfig } from '../../../test/support/in_process_worker.ts';
import { register as registerOmitCanaryHosts } from './omit_canary_hosts/config.ts';
import { register as registerOmitHostMetadata } from './omit_host_metadata/config.ts';
import { register as registerPreviousHosts } from './previous_hosts/config.ts';

const registry = new FactoryRegistry();
for (const register of [registerOmitCanaryHosts, registerOmitHostMetadata, registerPreviousHosts]) register(registry);

function predicate(type: string, config: object = {}): RetryHostPredicate {
  const factory = registry.get(RETRY_HOST_PREDICATE_CATEGORY, `envoy.extensions.retry.host.${type}`);
  if (factory === undefined) throw new Error(`no ${type}`);
  return factory.createFactory(config, undefined) as RetryHostPredicate;
}

function host(overrides: Parameters<typeof hostConfig>[2] = {}): Host {
  return new Host(hostConfig(0, 80, overrides), new Int32Array(1), new Float64Array(8));
}

describe('retry host predicates', () => {
  it('omit_canary_hosts: another host than a canary', () => {
    const omits = predicate('omit_canary_hosts.v3.OmitCanaryHostsPredicate');
    expect([omits.rejects(host({ canary: true }), []), omits.rejects(host(), [])]).toEqual([true, false]);
  });

  it('previous_hosts: another host than those that were asked', () => {
    const [one, two] = [host(), host()];
    const omits = predicate('previous_hosts.v3.PreviousHostsPredicate');
    expect([omits.rejects(one, [one]), omits.rejects(two, [one]), omits.rejects(two, [one, two])]).toEqual([true, false, true]);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, boolean]>([
    ['carries the label', { stage: 'old' }, { 'envoy.lb': { stage: 'old', zone: 1 } }, true],
    ['carries another value', { stage: 'old' }, { 'envoy.lb': { stage: 'new' } }, false],
    ['carries it in another namespace', { stage: 'old' }, { other: { stage: 'old' } }, false],
    ['carries one of two labels', { stage: 'old', zone: 1 }, { 'envoy.lb': { stage: 'old' } }, false],
    ['carries both', { stage: 'old', zone: 1 }, { 'envoy.lb': { stage: 'old', zone: 1 } }, true],
    ['carries it in a list', { stage: 'old' }, { 'envoy.lb': { stage: ['new', 'old'] } }, true],
    ['has nothing, and any host will do', {}, {}, true],
  ])('omit_host_metadata: %s', (_, labels, metadata, isRejected) => {
    expect(predicate('omit_host_metadata.v3.OmitHostMetadataConfig', { labels }).rejects(host({ metadata }), [])).toBe(isRejected);
  });
});
