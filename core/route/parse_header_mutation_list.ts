/** envoy.config.common.mutation_rules.v3.HeaderMutation to plain data. Thread: main, config time. */
import type { HeaderMutation } from '../api/gen/envoy/config/common/mutation_rules/v3/mutation_rules_pb.d.ts';
import { isModifiableHeader } from '../headers/header_mutation.ts';
import { parseStringMatcher } from '../matcher/parse_matcher.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import type { HeaderMutationConfig } from './header_mutation_list.ts';
import { parseHeaderAdd } from './parse_header_mutations.ts';

/** Mutations in their order; those that cannot be used are reported and left out. */
export function parseHeaderMutationList(messages: readonly HeaderMutation[], context: ParseContext): HeaderMutationConfig[] {
  return messages.map((message) => parseHeaderMutation(message, context)).filter((mutation) => mutation !== undefined);
}

/** One of them. */
export function parseHeaderMutation(message: HeaderMutation, context: ParseContext): HeaderMutationConfig | undefined {
  const action = message.action;
  switch (action.case) {
    case 'append': {
      const add = parseHeaderAdd(action.value, context);
      return add === undefined ? undefined : { kind: 'append', add };
    }
    case 'remove': {
      const name = action.value.toLowerCase();
      if (name === '') return undefined;
      if (isModifiableHeader(name)) return { kind: 'remove', name };
      context.warn(message, 'remove', `${name} stays: without it no request could be forwarded`);
      return undefined;
    }
    case 'removeOnMatch': {
      const matcher = action.value.keyMatcher;
      return matcher === undefined ? undefined : { kind: 'remove_on_match', matcher: parseStringMatcher(matcher, context) };
    }
    default:
      return undefined;
  }
}
