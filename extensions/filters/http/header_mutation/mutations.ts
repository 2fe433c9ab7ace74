import type { FormatEnvironment } from '../../../../core/formatter/format_environment.ts';
import type { HeaderNames } from '../../../../core/headers/header_names.ts';
import { type HeaderMutationConfig, HeaderMutations } from '../../../../core/route/header_mutation_list.ts';
import { QueryMutations, type QueryMutationConfig } from './query_mutations.ts';

/** envoy.extensions.filters.http.header_mutation.v3.Mutations. */
export interface MutationsConfig {
  readonly request: readonly HeaderMutationConfig[];
  readonly response: readonly HeaderMutationConfig[];
  readonly requestTrailers: readonly HeaderMutationConfig[];
  readonly responseTrailers: readonly HeaderMutationConfig[];
  readonly query: readonly QueryMutationConfig[];
}

/** One level's mutations (the filter's or a route's), compiled for this thread. */
export class Mutations {
  readonly request: HeaderMutations;
  readonly response: HeaderMutations;
  readonly requestTrailers: HeaderMutations;
  readonly responseTrailers: HeaderMutations;
  readonly query: QueryMutations;

  constructor(config: MutationsConfig, names: HeaderNames, environment: FormatEnvironment) {
    this.request = new HeaderMutations(config.request, names, environment);
    this.response = new HeaderMutations(config.response, names, environment);
    this.requestTrailers = new HeaderMutations(config.requestTrailers, names, environment);
    this.responseTrailers = new HeaderMutations(config.responseTrailers, names, environment);
    this.query = new QueryMutations(config.query, environment);
  }
}
