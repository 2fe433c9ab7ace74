import { expect, it } from 'vitest';
import { FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory, type LoadBalancingContext } from '../../../core/upstream/load_balancer.ts';
import { CLIENT_SIDE_TYPE, WRR_LOCALITY_TYPE } from '../../../core/upstream/load_reports/load_weights_config.ts';
import type { ExtensionConfig } from '../../../core/registry/parse_context.ts';
import { register as registerClientSide } from '../client_side_weighted_round_robin/config.ts';
import { register as registerWrrLocality } from './config.ts';

it('picks a locality by its weight, then a host by round robin with the slow start of the policy within', () => {
  const registry = new FactoryRegistry();
  registerClientSide(registry);
  registerWrrLocality(registry);
  const asked: unknown[] = [];
  registry.register({
    category: LOAD_BALANCING_CATEGORY, name: 'rr', typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin', parse: (message: object) => message,
    createFactory: (config: unknown) => {
      asked.push(config);
      return {};
    },
  });
  const context: LoadBalancingContext = { policy: ({ typeName, config }: ExtensionConfig) => registry.get(LOAD_BALANCING_CATEGORY, typeName)?.createFactory(config, context) as LoadBalancerFactory };
  const slowStart = { windowMs: 3000, aggression: { defaultValue: 1, runtimeKey: '' }, minWeight: 0.1 };
  const picking = { name: 'cs', typeName: CLIENT_SIDE_TYPE, config: { loads: {}, slowStart } };
  const made = (typeName: string, config: object) => context.policy({ name: 'p', typeName, config });
  expect(made(WRR_LOCALITY_TYPE, { picking }).locality).toMatchObject({ isWeighted: true, failsOnPanic: false });
  expect(made(CLIENT_SIDE_TYPE, picking.config).locality).toBeUndefined();
  expect(asked).toEqual([{ slowStart }, { slowStart }]);
});
