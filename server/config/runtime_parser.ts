/** layered_runtime to flat values. Thread: main. */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { LayeredRuntime, RuntimeLayer, RuntimeLayer_DiskLayer } from '../../core/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import type { FractionalPercent, RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import { type DiskLayerConfig, diskLayerPath, readDiskLayer, type TextValue, whyNotWatchable } from '../runtime/disk_layer.ts';

const DENOMINATORS: Readonly<Record<string, FractionalPercent['denominator']>> = { HUNDRED: 100, TEN_THOUSAND: 10000, MILLION: 1000000 };

/** One layer as the user gave it. */
export interface RuntimeLayerConfig {
  readonly name: string;
  readonly values: RuntimeValues;
  /** Takes changes from the admin interface. */
  readonly isAdmin: boolean;
  /** Where the values came from and may come from anew; absent: from the bootstrap. */
  readonly disk?: DiskLayerConfig;
}

/** All layers in order. Without any, Envoy's single empty admin layer is implied. `serviceCluster`: node.cluster of the bootstrap. */
export function parseRuntime(message: LayeredRuntime | undefined, serviceCluster: string, context: ParseContext): RuntimeLayerConfig[] {
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
    if (layer.layerSpecifier.case === 'diskLayer') {
      layers.push({ name: layer.name, isAdmin: false, ...parseDiskLayer(layer, layer.layerSpecifier.value, serviceCluster, context) });
      continue;
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

/** A root that cannot be watched is an error. What is wrong with its files is no error of the configuration: the layer counts for nothing until it is mended. */
function parseDiskLayer(layer: RuntimeLayer, message: RuntimeLayer_DiskLayer, serviceCluster: string, context: ParseContext): Pick<RuntimeLayerConfig, 'values' | 'disk'> {
  const disk = { root: message.symlinkRoot, subdirectory: message.subdirectory, appendsServiceCluster: message.appendServiceCluster };
  if (context.readFile === undefined) return { disk, values: {} };
  const obstacle = whyNotWatchable(disk);
  if (obstacle !== undefined) context.error(layer, 'disk_layer', obstacle);
  try {
    const values = readDiskLayer(diskLayerPath(disk, serviceCluster)) ?? new Map<string, TextValue>();
    return { disk, values: Object.fromEntries(Array.from(values, ([key, { value }]) => [key, value])) };
  } catch (error) {
    context.warn(layer, 'disk_layer', `this layer counts for nothing: ${error instanceof Error ? error.message : String(error)}`);
    return { disk, values: {} };
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
