/** Runtime layers on the main side: what each says, what counts, and changes through the admin layer. Thread: main. */
import type { RuntimeValue, RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { RuntimeLayerConfig } from '../config/runtime_parser.ts';
import type { RuntimeControl } from '../instance.ts';
import { parseAdminValue } from './admin_value.ts';
import { yamlProblem } from './yaml_problem.ts';
import { createRuntimeStats, type RuntimeStats } from '../stats/server_stats.ts';

export class RuntimeManager implements RuntimeControl {
  readonly layers: readonly string[];
  readonly hasAdminLayer: boolean;
  private readonly configured: readonly RuntimeLayerConfig[];
  private readonly adminValues = new Map<string, { readonly text: string; readonly value: RuntimeValue }>();
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
    const byLayer = this.configured.map((layer) => this.textsOf(layer));
    const keys = [...new Set(byLayer.flatMap((texts) => [...texts.keys()]))].sort();
    return keys.map((key) => {
      const layerValues = byLayer.map((texts) => texts.get(key) ?? '');
      return { key, layerValues, finalValue: byLayer.findLast((texts) => texts.has(key))?.get(key) ?? '' };
    });
  }

  modify(values: ReadonlyMap<string, string>): string | undefined {
    if (!this.hasAdminLayer) return 'No admin layer specified';
    for (const text of values.values()) {
      const problem = yamlProblem(text);
      // Then nothing changes. (Envoy has taken over what it came to before, and lost the value of the key that is wrong.)
      if (problem !== undefined) return problem;
    }
    for (const [key, text] of values) {
      if (text === '') this.adminValues.delete(key);
      else this.adminValues.set(key, { text, value: parseAdminValue(text) });
    }
    this.countLoad();
    this.onChanged(this.values());
    return undefined;
  }

  private valuesOf(layer: RuntimeLayerConfig): RuntimeValues {
    if (!layer.isAdmin) return layer.values;
    return Object.fromEntries([...this.adminValues].map(([key, { value }]) => [key, value]));
  }

  /** As they were written, where that is known. */
  private textsOf(layer: RuntimeLayerConfig): Map<string, string> {
    if (layer.isAdmin) return new Map([...this.adminValues].map(([key, { text }]) => [key, text]));
    return new Map(Object.entries(layer.values).map(([key, value]) => [key, valueText(value)]));
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
