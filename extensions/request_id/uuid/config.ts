import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { REQUEST_ID_CATEGORY } from '../../../core/http/connection_manager/request_id.ts';

/** What it is configured with: nothing that matters without tracing (its fields are about that, and reported as without effect). */
type UuidConfig = Readonly<Record<string, never>>;

/** envoy.request_id.uuid: x-request-id is a random UUID. The only kind there is, done by the connection manager. */
const factory: ExtensionFactory<UuidConfig, unknown, UuidConfig> = {
  category: REQUEST_ID_CATEGORY,
  name: 'envoy.request_id.uuid',
  typeName: 'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
  parse: () => ({}),
  createFactory: (config) => config,
};

/** Adds the extension to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
