/** Stands in for the extensions of the data path where a test is about the process around it. */
import { FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';

/** Accepts any HTTP connection manager without looking into it. */
export function fakeExtensions(): FactoryRegistry {
  const registry = new FactoryRegistry();
  const fake = (category: string, name: string, typeName: string): void =>
    registry.register({
      category, name, typeName,
      parse: (message: object, context: ParseContext) => {
        context.consume(message);
        return {};
      },
      createFactory: () => ({}),
    });
  fake(
    'envoy.filters.network', 'envoy.filters.network.http_connection_manager',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  );
  fake('envoy.load_balancing_policies', 'envoy.load_balancing_policies.round_robin', 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin');
  return registry;
}
