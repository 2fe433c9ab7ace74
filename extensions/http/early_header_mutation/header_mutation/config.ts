import type { HeaderMutation } from '../../../../core/api/gen/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.d.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import { EARLY_HEADER_MUTATION_CATEGORY, type EarlyHeaderMutation, type EarlyHeaderMutationContext } from '../../../../core/http/early_header_mutation.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { type HeaderMutationConfig, HeaderMutations } from '../../../../core/route/header_mutation_list.ts';
import { parseHeaderMutationList } from '../../../../core/route/parse_header_mutation_list.ts';

/** envoy.http.early_header_mutation.header_mutation: mutations before the connection manager has looked at the request. */
const factory: ExtensionFactory<readonly HeaderMutationConfig[], EarlyHeaderMutationContext, EarlyHeaderMutation> = {
  category: EARLY_HEADER_MUTATION_CATEGORY,
  name: 'envoy.http.early_header_mutation.header_mutation',
  typeName: 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
  parse: (message, context) => deepFreeze(parseHeaderMutationList((message as HeaderMutation).mutations, context)),
  createFactory: (config, context) => new HeaderMutations(config, context.names, context.formatEnvironment),
};

/** Adds the extension to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
