import type { HeaderMutation as MutationMessage } from '../../../../core/api/gen/envoy/config/common/mutation_rules/v3/mutation_rules_pb.d.ts';
import type { KeyValueMutation } from '../../../../core/api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { HeaderMutation, HeaderMutationPerRoute, Mutations as MutationsMessage } from '../../../../core/api/gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.d.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import { checkTextFormat } from '../../../../core/formatter/parse_format.ts';
import { HTTP_FILTER_CATEGORY, type HttpFilterFactory } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_ROUTE_CATEGORY, type HttpFilterContext, UPSTREAM_HTTP_FILTER_CATEGORY } from '../../../../core/http/filter_context.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import { parseHeaderMutationList } from '../../../../core/route/parse_header_mutation_list.ts';
import { HeaderMutationFilter, HeaderMutationShared } from './header_mutation_filter.ts';
import { Mutations, type MutationsConfig } from './mutations.ts';
import type { QueryMutationConfig } from './query_mutations.ts';

const NAME = 'envoy.filters.http.header_mutation';
const NOTHING: MutationsConfig = deepFreeze({ request: [], response: [], requestTrailers: [], responseTrailers: [], query: [] });
const ACTIONS = ['append_if_exists_or_add', 'add_if_absent', 'overwrite_if_exists_or_add', 'overwrite_if_exists'] as const;

interface FilterConfig {
  readonly mutations: MutationsConfig;
  readonly mostSpecificWins: boolean;
}

/** envoy.filters.http.header_mutation (docs: configuration/http/http_filters/header_mutation_filter). */
const filterFactory: ExtensionFactory<FilterConfig, HttpFilterContext, HttpFilterFactory> = {
  category: HTTP_FILTER_CATEGORY,
  name: NAME,
  typeName: 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
  parse: (tracked, context) => {
    const message = tracked as HeaderMutation;
    return deepFreeze({ mutations: parseMutations(message.mutations, context), mostSpecificWins: message.mostSpecificHeaderMutationsWins });
  },
  createFactory: (config, context) => {
    const shared = new HeaderMutationShared(new Mutations(config.mutations, context.names, context.formatEnvironment), config.mostSpecificWins);
    // Formats of response headers may read the request.
    return { createFilter: () => new HeaderMutationFilter(shared), needsRequestHeaders: true };
  },
};

const routeFactory: ExtensionFactory<MutationsConfig, HttpFilterContext, Mutations> = {
  category: HTTP_FILTER_ROUTE_CATEGORY,
  name: NAME,
  typeName: 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute',
  parse: (message, context) => deepFreeze(parseMutations((message as HeaderMutationPerRoute).mutations, context)),
  createFactory: (config, context) => new Mutations(config, context.names, context.formatEnvironment),
};

/** Adds the filter, which may stand before the upstream as well, and its per-route configuration to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(filterFactory);
  registry.register({ ...filterFactory, category: UPSTREAM_HTTP_FILTER_CATEGORY });
  registry.register(routeFactory);
}

function parseMutations(message: MutationsMessage | undefined, context: ParseContext): MutationsConfig {
  if (message === undefined) return NOTHING;
  const list = (mutations: readonly MutationMessage[]) => parseHeaderMutationList(mutations, context);
  return {
    request: list(message.requestMutations),
    response: list(message.responseMutations),
    requestTrailers: list(message.requestTrailersMutations),
    responseTrailers: list(message.responseTrailersMutations),
    query: message.queryParameterMutations.map((mutation) => parseQueryMutation(mutation, context)).filter((mutation) => mutation !== undefined),
  };
}

function parseQueryMutation(message: KeyValueMutation, context: ParseContext): QueryMutationConfig | undefined {
  const { append, remove } = message;
  if (append === undefined) {
    if (remove === '') context.error(message, undefined, "one of 'append' or 'remove' must be specified");
    return { kind: 'remove', key: remove };
  }
  if (remove !== '') context.error(message, 'remove', "only one of 'append' and 'remove' can be specified");
  const record = append.record;
  if (record === undefined) {
    context.error(append, undefined, "a 'record' must be specified");
    return undefined;
  }
  const value: unknown = record.value;
  const text = queryText(value);
  if (text === undefined) {
    context.error(record, 'value', 'only a string is allowed here');
    return undefined;
  }
  checkTextFormat(text, record, 'value', context);
  return { kind: 'append', key: record.key, value: text, action: ACTIONS[append.action] ?? 'append_if_exists_or_add' };
}

/** The string in a google.protobuf.Value; '' when it is not set. */
function queryText(value: unknown): string | undefined {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  const kind = (value as { kind?: { case?: string; value?: unknown } }).kind;
  return kind?.case === 'stringValue' && typeof kind.value === 'string' ? kind.value : undefined;
}
