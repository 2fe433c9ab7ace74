/** Header mutations in the order in which they are written: each sees what the ones before it did. */
import type { LogContext } from '../access_log/access_log.ts';
import type { FormatEnvironment } from '../formatter/format_environment.ts';
import { compileHeaderValue } from '../formatter/formatter.ts';
import { ENTRY_WORDS, type HeaderMap } from '../headers/header_map.ts';
import { type HeaderAddConfig, HeaderMutator } from '../headers/header_mutation.ts';
import { HeaderId, type HeaderNames } from '../headers/header_names.ts';
import type { StringMatcherConfig } from '../matcher/matcher_config.ts';
import { StringMatcher } from '../matcher/string_matcher.ts';

/** One envoy.config.common.mutation_rules.v3.HeaderMutation. */
export type HeaderMutationConfig =
  | { readonly kind: 'append'; readonly add: HeaderAddConfig }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'remove_on_match'; readonly matcher: StringMatcherConfig };

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
