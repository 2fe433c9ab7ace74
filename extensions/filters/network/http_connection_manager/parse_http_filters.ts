import type { HttpFilter } from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { HttpFilterConfig } from '../../../../core/http/connection_manager/config.ts';
import { HTTP_FILTER_CATEGORY } from '../../../../core/http/filter.ts';
import type { AnyMessage, ParseContext } from '../../../../core/registry/parse_context.ts';

/** Filters that end a chain, and their canonical names. */
const TERMINAL_TYPES: ReadonlyMap<string, string> = new Map([['envoy.extensions.filters.http.router.v3.Router', 'envoy.filters.http.router']]);

/** A filter chain in decoder order, without optional filters that nobody knows; exactly its last filter must be one that ends a chain. */
export function parseHttpFilters(holder: object, messages: readonly HttpFilter[], context: ParseContext): HttpFilterConfig[] {
  const filters: HttpFilterConfig[] = [];
  let isComplete = true;
  for (const [index, message] of messages.entries()) {
    const filter = parseHttpFilter(message, context);
    if (filter === 'skipped') continue;
    if (filter === undefined) {
      isComplete = false;
      continue;
    }
    filters.push(filter);
    checkTerminal(message, filter, index === messages.length - 1, context);
  }
  if (messages.length === 0) context.error(holder, undefined, 'no HTTP filters: the last one must be the router, or nothing ever answers a request');
  return isComplete ? filters : [];
}

function parseHttpFilter(message: HttpFilter, context: ParseContext): HttpFilterConfig | 'skipped' | undefined {
  const config = message.configType;
  if (config.case === 'configDiscovery') {
    context.refuse(message, 'config_discovery', 'xDS (extension configuration discovery)');
    return undefined;
  }
  const any = config.case === 'typedConfig' ? (config.value as AnyMessage) : undefined;
  if (message.isOptional && (any === undefined || !context.isRegistered(HTTP_FILTER_CATEGORY, any))) {
    if (any !== undefined) context.consume(any);
    context.warn(message, any === undefined ? undefined : 'typed_config', `Didn't find a registered factory for the optional http filter ${message.name}`);
    return 'skipped';
  }
  const extension = context.parseExtension(HTTP_FILTER_CATEGORY, message.name, any, message, 'typed_config');
  return extension === undefined ? undefined : { name: message.name, extension, disabled: message.disabled };
}

function checkTerminal(message: HttpFilter, filter: HttpFilterConfig, isLast: boolean, context: ParseContext): void {
  const terminalName = TERMINAL_TYPES.get(filter.extension.typeName);
  if (terminalName !== undefined && !isLast) {
    context.error(message, 'name', `Error: terminal filter named ${filter.name} of type ${terminalName} must be the last filter in a http filter chain.`);
  } else if (terminalName === undefined && isLast) {
    context.error(message, 'name', `Error: non-terminal filter named ${filter.name} of type ${filter.extension.typeName} is the last filter in a http filter chain.`);
  } else if (terminalName !== undefined && filter.disabled) {
    context.error(message, 'disabled', `Error: the last (terminal) filter (${filter.name}) in the chain cannot be disabled by default.`);
  }
}
