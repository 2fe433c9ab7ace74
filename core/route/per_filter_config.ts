import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { PerFilterConfigs } from './route_config.ts';

/** The part of the compile context this needs. */
interface PerFilterCompiler {
  perFilter(filterName: string, extension: ExtensionConfig): unknown;
}

/** typed_per_filter_config of one level, over those of the less specific levels. Built once, shared by all streams. */
export class PerFilterProducts {
  private readonly parent: PerFilterProducts | null;
  private readonly products: Map<string, unknown>;
  private readonly disabled: Map<string, boolean>;

  constructor(configs: PerFilterConfigs, parent: PerFilterProducts | null, compiler: PerFilterCompiler) {
    this.parent = parent;
    this.products = new Map();
    this.disabled = new Map();
    for (const [name, config] of Object.entries(configs)) {
      this.disabled.set(name, config.disabled);
      if (config.extension !== null) this.products.set(name, compiler.perFilter(name, config.extension));
    }
  }

  /** Product of the most specific level that configures a filter, or undefined. */
  mostSpecific(filterName: string): unknown {
    for (let level: PerFilterProducts | null = this; level !== null; level = level.parent) {
      const product = level.products.get(filterName);
      if (product !== undefined) return product;
    }
    return undefined;
  }

  /** Products of all levels, least specific first. */
  all(filterName: string): unknown[] {
    const found = this.parent?.all(filterName) ?? [];
    const product = this.products.get(filterName);
    if (product !== undefined) found.push(product);
    return found;
  }

  /** What the most specific level that mentions a filter says, or undefined. */
  isDisabled(filterName: string): boolean | undefined {
    return this.disabled.get(filterName) ?? this.parent?.isDisabled(filterName);
  }
}

/** The level's products; the parent itself when the level adds nothing. */
export function compilePerFilter(configs: PerFilterConfigs, parent: PerFilterProducts | null, compiler: PerFilterCompiler): PerFilterProducts | null {
  return Object.keys(configs).length === 0 ? parent : new PerFilterProducts(configs, parent, compiler);
}
