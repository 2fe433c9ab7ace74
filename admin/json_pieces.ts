import type { JsonObject, JsonValue } from '../server/instance.ts';

/**
 * JSON piece by piece as protobuf prints it: one space of indentation per level, `"key": value`, `{}` and `[]` when empty.
 * Lists may be iterables that make their items while they are printed.
 */
export function* jsonPieces(value: JsonValue | LazyJson, indent = ''): Generator<string, void, undefined> {
  if (value instanceof LazyList) {
    yield* listPieces(value.items(), indent);
  } else if (value instanceof LazyObject) {
    yield* objectPieces(value.entries(), indent);
  } else if (Array.isArray(value)) {
    yield* listPieces(value, indent);
  } else if (typeof value === 'object' && value !== null) {
    yield* objectPieces(Object.entries(value), indent);
  } else {
    yield quote(value);
  }
}

/** A list whose items are made while it is printed. */
export class LazyList {
  readonly items: () => Iterable<JsonValue | LazyJson>;
  constructor(items: () => Iterable<JsonValue | LazyJson>) {
    this.items = items;
  }
}

/** An object whose fields are made while it is printed. */
export class LazyObject {
  readonly entries: () => Iterable<readonly [string, JsonValue | LazyJson]>;
  constructor(entries: () => Iterable<readonly [string, JsonValue | LazyJson]>) {
    this.entries = entries;
  }
}

export type LazyJson = LazyList | LazyObject;

/** A whole document: the value and a line end. */
export function* jsonDocument(value: JsonValue | LazyJson): Generator<string, void, undefined> {
  yield* jsonPieces(value);
  yield '\n';
}

function* listPieces(items: Iterable<JsonValue | LazyJson>, indent: string): Generator<string, void, undefined> {
  const inner = `${indent} `;
  let first = true;
  for (const item of items) {
    yield first ? `[\n${inner}` : `,\n${inner}`;
    first = false;
    yield* jsonPieces(item, inner);
  }
  yield first ? '[]' : `\n${indent}]`;
}

function* objectPieces(
  entries: Iterable<readonly [string, JsonValue | LazyJson]>,
  indent: string,
): Generator<string, void, undefined> {
  const inner = `${indent} `;
  let first = true;
  for (const [key, value] of entries) {
    yield `${first ? '{' : ','}\n${inner}${quote(key)}: `;
    first = false;
    yield* jsonPieces(value, inner);
  }
  yield first ? '{}' : `\n${indent}}`;
}

/** As protobuf does, `<` and `>` are written so that no browser takes them for markup. */
function quote(value: string | number | boolean | null): string {
  const json = JSON.stringify(value);
  return typeof value === 'string' ? json.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e') : json;
}

/** An object without the fields whose value is undefined. */
export function withoutUndefined(fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) result[key] = value;
  return result;
}
