import type { LeastRequest } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { type LeastRequestConfig, parseLeastRequest } from '../../../core/upstream/least_request_config.ts';
import { parseLocality } from '../../../core/upstream/locality_config.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../../../core/upstream/load_balancer.ts';
import { LeastRequestLoadBalancer } from './least_request.ts';

const FULL_SCAN = 1;

const factory: ExtensionFactory<LeastRequestConfig, unknown, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.least_request',
  typeName: 'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest',
  parse: (tracked) => {
    const message = tracked as LeastRequest;
    return parseLeastRequest(message, message.enableFullScan === true || message.selectionMethod === FULL_SCAN, parseLocality(message.localityLbConfig));
  },
  createFactory: (config) => ({
    create: (random, { environment, journal }) => new LeastRequestLoadBalancer(config, random, environment, journal),
    locality: config.locality,
    readsJournal: config.isFullScan,
  }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
