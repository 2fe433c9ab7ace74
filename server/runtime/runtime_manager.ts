/** Runtime layers on the main side: what each says, what counts, and changes through the admin layer. Thread: main. */
import type { RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { RuntimeLayerConfig } from '../config/runtime_parser.ts';
import type { RuntimeControl } from '../instance.ts';
import { createRuntimeStats, type RuntimeStats } from '../stats/server_stats.ts';

type RuntimeValue = RuntimeValues[string];

export class RuntimeManager implements RuntimeControl {
  readonly layers: readonly string[];
  readonly hasAdminLayer: boolean;
  private readonly configured: readonly RuntimeLayerConfig[];
  private readonly adminValues = new Map<string, RuntimeValue>();
  private readonly stats: RuntimeStats;
  private readonly onChanged: (values: RuntimeValues) => void;

  /** `onChanged` is told the values of all layers together after every change. */
  constructor(layers: readonly RuntimeLayerConfig[], stats: StatsScope, onChanged: (values: RuntimeValues) => void) {
    this.configured = layers;
    this.layers = layers.map((layer) => layer.name);
    this.hasAdminLayer = layers.some((layer) => layer.isAdmin);
    this.stats = createRuntimeStats(stats);
    this.onChanged = onChanged;
    this.stats.override_dir_not_exists.inc();
    this.stats.num_layers.set(layers.length);
    this.stats.deprecated_feature_seen_since_process_start.set(0);
    this.countLoad();
  }

  /** All layers together, later ones over earlier ones. */
  values(): RuntimeValues {
    return Object.assign({}, ...this.configured.map((layer) => this.valuesOf(layer))) as RuntimeValues;
  }

  entries(): readonly { readonly key: string; readonly layerValues: readonly string[]; readonly finalValue: string }[] {
    const byLayer = this.configured.map((layer) => this.valuesOf(layer));
    const keys = [...new Set(byLayer.flatMap((values) => Object.keys(values)))].sort();
    const final = this.values();
    return keys.map((key) => ({
      key,
      layerValues: byLayer.map((values) => (Object.hasOwn(values, key) ? valueText(values[key]) : '')),
      finalValue: valueText(final[key]),
    }));
  }

  modify(values: ReadonlyMap<string, string>): string | undefined {
    if (!this.hasAdminLayer) return 'No admin layer specified';
    for (const [key, value] of values) {
      if (value === '') this.adminValues.delete(key);
      else this.adminValues.set(key, parseValue(value));
    }
    this.countLoad();
    this.onChanged(this.values());
    return undefined;
  }

  private valuesOf(layer: RuntimeLayerConfig): RuntimeValues {
    return layer.isAdmin ? { ...layer.values, ...Object.fromEntries(this.adminValues) } : layer.values;
  }

  private countLoad(): void {
    this.stats.load_success.inc();
    this.stats.num_keys.set(Object.keys(this.values()).length);
    this.stats.admin_overrides_active.set(this.adminValues.size > 0 ? 1 : 0);
  }
}

function valueText(value: RuntimeValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : `${value}`;
}

/** Numbers and booleans are recognised, everything else is text. */
function parseValue(text: string): RuntimeValue {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
