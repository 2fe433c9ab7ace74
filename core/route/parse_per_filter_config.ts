/** typed_per_filter_config to plain data. Thread: main, config time. */
import type { FilterConfig } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import type { AnyMessage, ParseContext } from '../registry/parse_context.ts';
import type { PerFilterConfig, PerFilterConfigs } from './route_config.ts';

/** Category of per-route configurations of HTTP filters. */
const PER_ROUTE_CATEGORY = 'envoy.filters.http.per_route';
const FILTER_CONFIG = 'envoy.config.route.v3.FilterConfig';
const NONE: PerFilterConfigs = Object.freeze({});

/** A `typed_per_filter_config` map. FilterConfig wrappers are opened; entries with errors are left out. */
export function parsePerFilterConfigs(holder: object, configs: Readonly<Record<string, AnyMessage>>, context: ParseContext): PerFilterConfigs {
  const entries: [string, PerFilterConfig][] = [];
  for (const [name, any] of Object.entries(configs)) {
    const parsed = parseOne(holder, name, any, context);
    if (parsed !== undefined) entries.push([name, parsed]);
  }
  return entries.length === 0 ? NONE : Object.fromEntries(entries);
}

function parseOne(holder: object, name: string, any: AnyMessage, context: ParseContext): PerFilterConfig | undefined {
  const field = `typed_per_filter_config["${name}"]`;
  if (!any.typeUrl.endsWith(`/${FILTER_CONFIG}`)) {
    const extension = context.parseExtension(PER_ROUTE_CATEGORY, name, any, holder, field);
    return extension === undefined ? undefined : { disabled: false, extension };
  }
  const wrapper = context.unpackAny(any)?.message as FilterConfig | undefined;
  if (wrapper === undefined) return undefined;
  // Disabling needs no configuration; one that is there as well has no effect.
  if (wrapper.disabled) return { disabled: true, extension: null };
  const inner = wrapper.config;
  if (inner === undefined) {
    context.error(holder, field, `Empty route/virtual host per filter configuration for ${name} filter`);
    return undefined;
  }
  if (wrapper.isOptional && !context.isRegistered(PER_ROUTE_CATEGORY, inner as AnyMessage)) {
    context.consume(inner);
    context.warn(wrapper, 'config', `Didn't find a registered implementation for the optional http filter ${name}, ignore it`);
    return undefined;
  }
  const extension = context.parseExtension(PER_ROUTE_CATEGORY, name, inner as AnyMessage, wrapper, 'config');
  return extension === undefined ? undefined : { disabled: false, extension };
}
