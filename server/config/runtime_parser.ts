/** layered_runtime to flat values. Thread: main. */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { LayeredRuntime, RuntimeLayer } from '../../core/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import type { FractionalPercent, RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';

const DENOMINATORS: Readonly<Record<string, FractionalPercent['denominator']>> = { HUNDRED: 100, TEN_THOUSAND: 10000, MILLION: 1000000 };

/** One layer as the user gave it. */
export interface RuntimeLayerConfig {
  readonly name: string;
  readonly values: RuntimeValues;
  /** Takes changes from the admin interface. */
  readonly isAdmin: boolean;
}

/** All layers in order. Without any, Envoy's single empty admin layer is implied. */
export function parseRuntime(message: LayeredRuntime | undefined, context: ParseContext): RuntimeLayerConfig[] {
  if (message === undefined) return [];
  const layers: RuntimeLayerConfig[] = [];
  const names = new Set<string>();
  let adminLayers = 0;
  for (const layer of message.layers) {
    if (names.has(layer.name)) context.error(layer, 'name', `Duplicate layer name: ${layer.name}`);
    names.add(layer.name);
    if (layer.layerSpecifier.case === 'adminLayer' && ++adminLayers > 1) {
      context.error(layer, 'admin_layer', 'Too many admin layers specified in LayeredRuntime, at most one may be specified');
    }
    layers.push({ name: layer.name, values: parseLayer(layer, context), isAdmin: layer.layerSpecifier.case === 'adminLayer' });
  }
  return layers;
}

/** The values of all layers, later ones over earlier ones. */
export function mergeLayers(layers: readonly RuntimeLayerConfig[]): RuntimeValues {
  return Object.assign({}, ...layers.map((layer) => layer.values)) as RuntimeValues;
}

function parseLayer(layer: RuntimeLayer, context: ParseContext): RuntimeValues {
  const specifier = layer.layerSpecifier;
  switch (specifier.case) {
    case 'staticLayer': {
      const values: Record<string, RuntimeValues[string]> = {};
      flatten(layer, '', specifier.value, values, context);
      return values;
    }
    case 'diskLayer':
      context.refuse(layer, 'disk_layer', 'runtime layers on disk');
      return {};
    case 'rtdsLayer':
      context.refuse(layer, 'rtds_layer', 'xDS (runtime discovery)');
      return {};
    case 'adminLayer':
      // Empty until the admin interface changes it.
      context.consume(layer, 'admin_layer');
      return {};
    default:
      return {};
  }
}

/** Nested keys become dotted ones; `{numerator, denominator}` is a value. */
function flatten(layer: RuntimeLayer, prefix: string, struct: JsonObject, values: Record<string, RuntimeValues[string]>, context: ParseContext): void {
  for (const [name, value] of Object.entries(struct)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') values[key] = value;
    else if (value === null || Array.isArray(value)) context.error(layer, 'static_layer', `Invalid runtime entry value for ${key}`);
    else if ('numerator' in value || 'denominator' in value) values[key] = fraction(value);
    else flatten(layer, key, value, values, context);
  }
}

function fraction(value: { readonly [key: string]: JsonValue }): FractionalPercent {
  const denominator = value['denominator'];
  return {
    numerator: Number(value['numerator'] ?? 0),
    denominator: typeof denominator === 'number' ? ([100, 10000, 1000000] as const)[denominator] ?? 100 : DENOMINATORS[String(denominator ?? 'HUNDRED')] ?? 100,
  };
}
