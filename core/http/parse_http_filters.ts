import type { HttpFilter } from '../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { HttpFilterConfig } from '../registry/http_filter_config.ts';
import type { AnyMessage, ParseContext } from '../registry/parse_context.ts';
import { HTTP_FILTER_CATEGORY } from './filter.ts';
import { UPSTREAM_HTTP_FILTER_CATEGORY } from './filter_context.ts';

/** A kind of chain: where its filters come from, what ends it, and how Envoy's errors call it. */
export interface HttpChainKind {
  readonly category: string;
  /** The filter that ends the chain, and its canonical name. */
  readonly terminalType: string;
  readonly terminalName: string;
  readonly chainName: string;
  /** What Envoy says, rather than its usual words, when the last filter is another one; null = its usual words. */
  readonly wrongEnd: string | null;
  /** What an empty chain means; null = it is allowed. */
  readonly whenEmpty: string | null;
  readonly hint: string;
}

const CODEC = { category: UPSTREAM_HTTP_FILTER_CATEGORY, terminalType: 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec', terminalName: 'envoy.filters.http.upstream_codec', whenEmpty: null };

/** The filters of a connection manager, or of one of its upgrades. */
export const CONNECTION_MANAGER_CHAIN: HttpChainKind = {
  category: HTTP_FILTER_CATEGORY, terminalType: 'envoy.extensions.filters.http.router.v3.Router', terminalName: 'envoy.filters.http.router',
  chainName: 'http', wrongEnd: null, whenEmpty: 'no HTTP filters: the last one must be the router, or nothing ever answers a request', hint: '',
};
/** `upstream_http_filters` of a router. */
export const ROUTER_UPSTREAM_CHAIN: HttpChainKind = {
  ...CODEC, chainName: 'router upstream http', wrongEnd: null, hint: ' When upstream_http_filters are specified, they must explicitly end with an UpstreamCodec filter.',
};
/** `http_filters` of a cluster's HttpProtocolOptions. */
export const CLUSTER_UPSTREAM_CHAIN: HttpChainKind = {
  ...CODEC, chainName: 'upstream http', hint: '',
  wrongEnd: "The codec filter is the only valid terminal upstream HTTP filter, use 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'",
};

/**
 * A filter chain in decoder order, without optional filters that nobody knows; exactly its last filter must be one that ends a
 * chain. Errors are reported at `holder` and its filters. Thread: main.
 */
export function parseHttpFilters(holder: object, messages: readonly HttpFilter[], kind: HttpChainKind, context: ParseContext): HttpFilterConfig[] {
  const known = messages.filter((message) => !isSkipped(message, kind, context));
  const filters: HttpFilterConfig[] = [];
  for (const [index, message] of known.entries()) {
    const filter = parseHttpFilter(message, kind, context);
    if (filter === undefined) continue;
    filters.push(filter);
    checkTerminal(message, filter, kind, index === known.length - 1, context);
  }
  if (known.length === 0 && kind.whenEmpty !== null) context.error(holder, undefined, kind.whenEmpty);
  return filters.length === known.length ? filters : [];
}

/** The filters before the codec; null = no chain was given. */
export function parseUpstreamFilters(holder: object, messages: readonly HttpFilter[], kind: HttpChainKind, context: ParseContext): HttpFilterConfig[] | null {
  return messages.length === 0 ? null : parseHttpFilters(holder, messages, kind, context).slice(0, -1);
}

/** Whether nobody knows the filter and the chain goes without it. */
function isSkipped(message: HttpFilter, { category }: HttpChainKind, context: ParseContext): boolean {
  const any = typedConfigOf(message);
  if (!message.isOptional || message.configType.case === 'configDiscovery' || (any !== undefined && context.isRegistered(category, any))) return false;
  if (any !== undefined) context.consume(any);
  context.warn(message, any === undefined ? undefined : 'typed_config', `Didn't find a registered factory for the optional http filter ${message.name}`);
  return true;
}

function typedConfigOf({ configType }: HttpFilter): AnyMessage | undefined {
  return configType.case === 'typedConfig' ? (configType.value as AnyMessage) : undefined;
}

function parseHttpFilter(message: HttpFilter, { category }: HttpChainKind, context: ParseContext): HttpFilterConfig | undefined {
  if (message.configType.case === 'configDiscovery') {
    context.refuse(message, 'config_discovery', 'xDS (extension configuration discovery)');
    return undefined;
  }
  const any = typedConfigOf(message);
  const extension = context.parseExtension(category, message.name, any, message, 'typed_config');
  return extension === undefined ? undefined : { name: message.name, extension, disabled: message.disabled };
}

function checkTerminal(message: HttpFilter, filter: HttpFilterConfig, kind: HttpChainKind, isLast: boolean, context: ParseContext): void {
  const { chainName, terminalName, wrongEnd, hint } = kind;
  const isTerminal = filter.extension.typeName === kind.terminalType;
  if (isTerminal && !isLast) {
    context.error(message, 'name', wrongEnd ?? `Error: terminal filter named ${filter.name} of type ${terminalName} must be the last filter in a ${chainName} filter chain.`);
  } else if (!isTerminal && isLast) {
    const any = typedConfigOf(message);
    const type = any === undefined ? undefined : context.registeredName(kind.category, any);
    context.error(message, 'name', wrongEnd ?? `Error: non-terminal filter named ${filter.name} of type ${type} is the last filter in a ${chainName} filter chain.${hint}`);
  } else if (isTerminal && filter.disabled) {
    context.error(message, 'disabled', `Error: the last (terminal) filter (${filter.name}) in the chain cannot be disabled by default.`);
  }
}
