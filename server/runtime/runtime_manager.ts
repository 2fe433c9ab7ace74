/** Runtime layers on the main side: what each says, what counts, and changes through the admin layer and of files. Thread: main. */
import { existsSync, type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { RuntimeLayerConfig } from '../config/runtime_parser.ts';
import type { RuntimeControl } from '../instance.ts';
import { createRuntimeStats, type RuntimeStats } from '../stats/server_stats.ts';
import { parseAdminValue } from './admin_value.ts';
import { diskLayerPath, readDiskLayer, type TextValue } from './disk_layer.ts';
import { yamlProblem } from './yaml_problem.ts';

interface Layer {
  readonly config: RuntimeLayerConfig;
  /** undefined: it is on disk and not there, or cannot be read. */
  values: ReadonlyMap<string, TextValue> | undefined;
}

export class RuntimeManager implements RuntimeControl {
  readonly hasAdminLayer: boolean;
  private readonly all: readonly Layer[];
  private readonly adminValues = new Map<string, TextValue>();
  private readonly serviceCluster: string;
  private readonly stats: RuntimeStats;
  private readonly onChanged: (values: RuntimeValues) => void;
  private readonly watchers: FSWatcher[] = [];

  /** `onChanged` is told the values of all layers together after every change. `serviceCluster`: node.cluster. */
  constructor(layers: readonly RuntimeLayerConfig[], stats: StatsScope, serviceCluster: string, onChanged: (values: RuntimeValues) => void) {
    this.all = layers.map((config) => ({ config, values: config.isAdmin ? this.adminValues : configured(config.values) }));
    this.serviceCluster = serviceCluster;
    this.hasAdminLayer = layers.some((layer) => layer.isAdmin);
    this.stats = createRuntimeStats(stats);
    this.onChanged = onChanged;
    this.stats.deprecated_feature_seen_since_process_start.set(0);
    this.load();
  }

  /** Without those on disk that are not there. */
  get layers(): readonly string[] {
    return this.present().map(({ config }) => config.name);
  }

  /** All layers together, later ones over earlier ones. */
  values(): RuntimeValues {
    return Object.fromEntries(this.present().flatMap(({ values }) => Array.from(values, ([key, { value }]) => [key, value])));
  }

  entries(): readonly { readonly key: string; readonly layerValues: readonly string[]; readonly finalValue: string }[] {
    const layers = this.present();
    const keys = [...new Set(layers.flatMap(({ values }) => [...values.keys()]))].sort();
    return keys.map((key) => ({
      key, layerValues: layers.map(({ values }) => values.get(key)?.text ?? ''), finalValue: layers.findLast(({ values }) => values.has(key))?.values.get(key)?.text ?? '',
    }));
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
    this.reload();
    return undefined;
  }

  /** Reads layers on disk anew when another version is moved over their root. Throws where the root's folder went away. */
  watch(): void {
    for (const { config } of this.all) {
      if (config.disk === undefined) continue;
      const { root } = config.disk;
      const watcher = watch(dirname(root), (_event, name) => {
        if (name === basename(root) && existsSync(root)) this.reload();
      });
      this.watchers.push(watcher);
    }
  }

  close(): void {
    for (const watcher of this.watchers.splice(0)) watcher.close();
  }

  private reload(): void {
    this.load();
    this.onChanged(this.values());
  }

  private load(): void {
    let onDisk = 0;
    let failed = 0;
    for (const layer of this.all) {
      const { disk } = layer.config;
      if (disk === undefined) continue;
      try {
        layer.values = readDiskLayer(diskLayerPath(disk, this.serviceCluster));
        if (layer.values !== undefined) onDisk++;
      } catch {
        // Its place and the reason were told when the configuration was read; Envoy counts and says no more.
        layer.values = undefined;
        failed++;
      }
    }
    const { stats } = this;
    (failed === 0 ? stats.load_success : stats.load_error).inc();
    (onDisk > 1 ? stats.override_dir_exists : stats.override_dir_not_exists).inc();
    stats.num_layers.set(this.present().length);
    stats.num_keys.set(Object.keys(this.values()).length);
    stats.admin_overrides_active.set(this.adminValues.size > 0 ? 1 : 0);
  }

  private present(): readonly { readonly config: RuntimeLayerConfig; readonly values: ReadonlyMap<string, TextValue> }[] {
    return this.all.flatMap(({ config, values }) => (values === undefined ? [] : [{ config, values }]));
  }
}

/** Of the bootstrap; shown as they were written, where that is known. */
function configured(values: RuntimeValues): Map<string, TextValue> {
  return new Map(Object.entries(values).map(([key, value]) => [key, { value, text: typeof value === 'object' ? JSON.stringify(value) : `${value}` }]));
}
