import type { PreviousPrioritiesConfig } from '../../../../core/api/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { RETRY_PRIORITY_CATEGORY, type RetryPriorityFactory } from '../../../../core/upstream/retry_priority.ts';
import { PreviousPriorities } from './previous_priorities.ts';

/** Sends a request again to priorities that it has not been sent to. */
const factory: ExtensionFactory<{ readonly updateFrequency: number }, unknown, RetryPriorityFactory> = {
  category: RETRY_PRIORITY_CATEGORY,
  name: 'envoy.retry_priorities.previous_priorities',
  typeName: 'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
  parse: (message) => Object.freeze({ updateFrequency: (message as PreviousPrioritiesConfig).updateFrequency }),
  createFactory: ({ updateFrequency }) => ({ create: () => new PreviousPriorities(updateFrequency) }),
};

/** Adds it to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
