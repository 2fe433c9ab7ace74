import type { FactoryRegistry } from '../core/registry/factory_registry.ts';

/** A registry without what --disable-extensions names (`category/name`), made in the empty `rest`; and what is to be said about each name. */
export function withoutDisabled(all: FactoryRegistry, rest: FactoryRegistry, names: readonly string[]): { registry: FactoryRegistry; sentences: string[] } {
  const sentences: string[] = [];
  const disabled = new Set<string>();
  for (const name of names) {
    const slash = name.indexOf('/');
    if (slash < 0) sentences.push(`failed to disable invalid extension name '${name}'`);
    else if (all.getByName(name.slice(0, slash), name.slice(slash + 1)) === undefined) sentences.push(`failed to disable unknown extension '${name}'`);
    else {
      disabled.add(name);
      sentences.push(`disabled extension '${name}'`);
    }
  }
  if (disabled.size === 0) return { registry: all, sentences };
  for (const category of all.categories()) {
    for (const factory of all.list(category)) if (!disabled.has(`${category}/${factory.name}`)) rest.register(factory);
  }
  return { registry: rest, sentences };
}
