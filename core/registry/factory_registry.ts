import type { ParseContext } from './parse_context.ts';

/**
 * An optional part of the proxy, keyed by the type URL of its configuration message.
 * `parse` runs where configuration is read (main); `createFactory` once per thread and snapshot, on the thread that will use
 * the product. `Config` is plain frozen data that survives a structured clone.
 */
export interface ExtensionFactory<Config, Context, Product> {
  /** Category as in Envoy's extension metadata, e.g. `envoy.filters.http`. */
  readonly category: string;
  /** Canonical extension name, e.g. `envoy.filters.http.buffer`. */
  readonly name: string;
  /** Full message name without `type.googleapis.com/`. */
  readonly typeName: string;
  /** Turns the tracked message into plain data; reports through the context, never throws on user input. */
  parse(message: object, context: ParseContext): Config;
  /** Resolves stat names, compiles matchers, allocates pools: after it no look-up by name happens. */
  createFactory(config: Config, context: Context): Product;
}

/** A factory whose type parameters are its own business: what the registry stores. */
export type AnyExtensionFactory = ExtensionFactory<unknown, unknown, unknown>;

/** Factories by category and type name. One instance per thread, passed in; holds no global state. */
export class FactoryRegistry {
  private readonly byCategory = new Map<string, Map<string, AnyExtensionFactory>>();

  /** Adds a factory. Throws on a duplicate (our bug). */
  register<Config, Context, Product>(factory: ExtensionFactory<Config, Context, Product>): void {
    let category = this.byCategory.get(factory.category);
    if (category === undefined) {
      category = new Map();
      this.byCategory.set(factory.category, category);
    }
    if (category.has(factory.typeName)) {
      throw new Error(`extension ${factory.typeName} is registered twice in ${factory.category}`);
    }
    category.set(factory.typeName, factory as unknown as AnyExtensionFactory);
  }

  /** The factory for a type name in a category, or undefined. */
  get(category: string, typeName: string): AnyExtensionFactory | undefined {
    return this.byCategory.get(category)?.get(typeName);
  }

  /** The factory with a canonical name in a category (for configs that give only a name), or undefined. */
  getByName(category: string, name: string): AnyExtensionFactory | undefined {
    for (const factory of this.byCategory.get(category)?.values() ?? []) {
      if (factory.name === name) return factory;
    }
    return undefined;
  }

  /** All factories of a category in registration order. */
  list(category: string): AnyExtensionFactory[] {
    return [...(this.byCategory.get(category)?.values() ?? [])];
  }

  /** Categories in registration order. */
  categories(): string[] {
    return [...this.byCategory.keys()];
  }
}
