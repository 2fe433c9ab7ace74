/** Mutations in the order in which they are written: each sees what the ones before it did. */
import type { LogContext } from '../../../../core/access_log/access_log.ts';
import type { FormatEnvironment } from '../../../../core/formatter/format_environment.ts';
import { compileHeaderValue } from '../../../../core/formatter/formatter.ts';
import { type HeaderMap, ENTRY_WORDS } from '../../../../core/headers/header_map.ts';
import { type HeaderAddConfig, HeaderMutator } from '../../../../core/headers/header_mutation.ts';
import { HeaderId, type HeaderNames } from '../../../../core/headers/header_names.ts';
import type { StringMatcherConfig } from '../../../../core/matcher/matcher_config.ts';
import { StringMatcher } from '../../../../core/matcher/string_matcher.ts';
import { QueryMutations, type QueryMutationConfig } from './query_mutations.ts';

/** One envoy.config.common.mutation_rules.v3.HeaderMutation. */
export type HeaderMutationConfig =
  | { readonly kind: 'append'; readonly add: HeaderAddConfig }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'remove_on_match'; readonly matcher: StringMatcherConfig };

/** envoy.extensions.filters.http.header_mutation.v3.Mutations. */
export interface MutationsConfig {
  readonly request: readonly HeaderMutationConfig[];
  readonly response: readonly HeaderMutationConfig[];
  readonly requestTrailers: readonly HeaderMutationConfig[];
  readonly responseTrailers: readonly HeaderMutationConfig[];
  readonly query: readonly QueryMutationConfig[];
}

interface Step {
  evaluate(headers: HeaderMap, context: LogContext): void;
}

/** Removes every header whose name matches. */
class RemoveOnMatch implements Step {
  private readonly matcher: StringMatcher;

  constructor(config: StringMatcherConfig) {
    this.matcher = new StringMatcher(config);
  }

  evaluate(headers: HeaderMap): void {
    for (let k = 0, end = headers.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
      const { bytes, entries } = headers;
      if (entries[k] < 0 || entries[k + 5] === HeaderId.authority) continue;
      // The name stands at the beginning of its line.
      if (this.matcher.matchesRange(bytes, entries[k], entries[k + 2])) headers.removeAt(k);
    }
  }
}

/** The mutations of one message, compiled. */
export class HeaderMutations {
  readonly isEmpty: boolean;
  private readonly steps: readonly Step[];

  constructor(configs: readonly HeaderMutationConfig[], names: HeaderNames, environment: FormatEnvironment) {
    this.steps = configs.map((config): Step => {
      if (config.kind === 'remove_on_match') return new RemoveOnMatch(config.matcher);
      const level = config.kind === 'append' ? { add: [config.add], remove: [] } : { add: [], remove: [config.name] };
      return new HeaderMutator<LogContext>([level], names, (format) => compileHeaderValue(format, environment));
    });
    this.isEmpty = configs.length === 0;
  }

  evaluate(headers: HeaderMap, context: LogContext): void {
    const steps = this.steps;
    for (let i = 0; i < steps.length; i++) steps[i].evaluate(headers, context);
  }
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
