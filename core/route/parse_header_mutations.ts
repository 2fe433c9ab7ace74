/** request_headers_to_add and its relatives to plain data. Thread: main, config time. */
import type { HeaderValueOption } from '../api/gen/envoy/config/core/v3/base_pb.d.ts';
import { HeaderValueOption_HeaderAppendAction } from '../api/gen/envoy/config/core/v3/base_enums.ts';
import { checkTextFormat } from '../formatter/parse_format.ts';
import { isModifiableHeader, type HeaderAddConfig, type HeaderMutationsConfig, NO_HEADER_MUTATIONS } from '../headers/header_mutation.ts';
import type { ParseContext } from '../registry/parse_context.ts';

const ACTIONS = ['append_if_exists_or_add', 'add_if_absent', 'overwrite_if_exists_or_add', 'overwrite_if_exists'] as const;

/** The mutations of a message's `<direction>_headers_to_add` and `_to_remove`. */
export function parseHeaderMutations(
  holder: object, direction: 'request' | 'response', toAdd: readonly HeaderValueOption[], toRemove: readonly string[], context: ParseContext,
): HeaderMutationsConfig {
  if (toAdd.length === 0 && toRemove.length === 0) return NO_HEADER_MUTATIONS;
  const add = toAdd.map((option) => parseHeaderAdd(option, context)).filter((entry) => entry !== undefined);
  for (const [index, name] of toRemove.entries()) {
    if (!isModifiableHeader(name)) context.error(holder, `${direction}_headers_to_remove[${index}]`, ':-prefixed or host headers may not be removed');
  }
  return { add, remove: toRemove.map((name) => name.toLowerCase()) };
}

/** One HeaderValueOption. Reports and returns undefined when it cannot be used. */
export function parseHeaderAdd(option: HeaderValueOption, context: ParseContext): HeaderAddConfig | undefined {
  const header = option.header;
  if (header === undefined) return undefined;
  const name = header.key;
  if (!isModifiableHeader(name)) {
    context.error(header, 'key', ':-prefixed or host headers may not be modified');
    return undefined;
  }
  // raw_value is left unread: it counts nowhere here, as in Envoy.
  const value = header.value;
  checkTextFormat(value, header, 'value', context);
  return { name: name.toLowerCase(), value, action: parseAction(option, context), keepEmptyValue: option.keepEmptyValue };
}

function parseAction(option: HeaderValueOption, context: ParseContext): HeaderAddConfig['action'] {
  const append = option.append;
  const action = option.appendAction;
  if (append === undefined) return ACTIONS[action] ?? 'append_if_exists_or_add';
  if (action !== HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD) {
    context.error(option, 'append', "Both append and append_action are set and it's not allowed");
  }
  return append ? 'append_if_exists_or_add' : 'overwrite_if_exists_or_add';
}
