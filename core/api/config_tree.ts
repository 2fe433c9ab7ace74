import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import type { SourceRange } from './source_text.ts';

/** Where a set field came from, and whether anybody looked at it. */
export interface FieldMeta {
  /** What a message about this field underlines: a scalar's value, otherwise the key. Undefined for binary input. */
  range: SourceRange | undefined;
  /** For lists: each element. Empty where positions are not known. */
  elements: (SourceRange | undefined)[];
  /** For maps: each entry by key. */
  entries: Map<string, SourceRange> | undefined;
  /** True once a reader asked for the value (or a context method dealt with it). */
  isRead: boolean;
  /** True when the whole subtree is taken as consumed. */
  isConsumed: boolean;
}

/** What is known about one message besides its values. */
export interface MessageMeta {
  readonly desc: DescMessage;
  /** Field path in proto names, '' for the root. */
  readonly path: string;
  /** Undefined for binary input and for messages that stand for `null`. */
  range: SourceRange | undefined;
  /** Fields that the input set, by field number. */
  readonly fields: Map<number, FieldMeta>;
  /** True once any field of it was asked for. */
  isRead: boolean;
  /** True when something in it could not be read: what then seems to be missing is no finding of its own. */
  isDamaged: boolean;
}

/** An Any, opened. */
export interface AnyContent {
  /** Without prefix; for a TypedStruct the type inside. */
  readonly typeName: string;
  /** As the user wrote it. */
  readonly typeUrl: string;
  /** Undefined when the type is not known. */
  readonly message: Message | undefined;
  /** True where the type is written as a plain `@type`: Envoy refuses the whole input when no such type exists, whoever may not want
   *  it. The type inside a TypedStruct, or of a binary Any, may be one that nobody knows. */
  readonly mustBeKnown: boolean;
  /** True once somebody opened it (or was told that it cannot be opened). */
  isOpened: boolean;
}

/**
 * Everything that is remembered about the messages of one load beside their protobuf values. Keys are raw messages, never
 * tracked views. One tree per load; holds nothing global.
 */
export class ConfigTree {
  private readonly metas = new WeakMap<object, MessageMeta>();
  private readonly contents = new WeakMap<object, AnyContent>();

  /** Registers a message; called once for each. */
  addMessage(message: Message, desc: DescMessage, path: string, range: SourceRange | undefined): MessageMeta {
    const meta: MessageMeta = { desc, path, range, fields: new Map(), isRead: false, isDamaged: false };
    this.metas.set(message, meta);
    return meta;
  }

  /** Undefined for what is not a message of this tree. */
  meta(message: object): MessageMeta | undefined {
    return this.metas.get(message);
  }

  setAnyContent(any: Message, content: AnyContent): void {
    this.contents.set(any, content);
  }

  /** Undefined for an empty Any. */
  anyContent(any: object): AnyContent | undefined {
    return this.contents.get(any);
  }
}

/** A FieldMeta for a field just read from `range`. */
export function newFieldMeta(range: SourceRange | undefined): FieldMeta {
  return { range, elements: [], entries: undefined, isRead: false, isConsumed: false };
}

/** Path of a field below a message's path. */
export function fieldPath(base: string, name: string): string {
  return base === '' ? name : `${base}.${name}`;
}

/** The value of a field in protobuf-es' representation; undefined when a oneof holds something else. */
export function fieldValue(message: object, field: DescField): unknown {
  const record = message as Record<string, unknown>;
  if (field.oneof === undefined) return record[field.localName];
  const adt = record[field.oneof.localName] as { case: string | undefined; value?: unknown };
  return adt.case === field.localName ? adt.value : undefined;
}

/** Sets a field in protobuf-es' representation. */
export function setFieldValue(message: object, field: DescField, value: unknown): void {
  const record = message as Record<string, unknown>;
  if (field.oneof === undefined) record[field.localName] = value;
  else record[field.oneof.localName] = { case: field.localName, value };
}

/** True for the zero value of a field without presence: the same as not set, by protobuf's rules. */
export function isImplicitDefault(field: DescField, value: unknown): boolean {
  if (field.fieldKind === 'list') return (value as unknown[]).length === 0;
  if (field.fieldKind === 'map') return Object.keys(value as object).length === 0;
  if (value === undefined) return true;
  if (field.oneof !== undefined || field.fieldKind === 'message') return false;
  // 2 is IMPLICIT; optional scalars have presence.
  if (field.presence !== 2) return false;
  if (value instanceof Uint8Array) return value.length === 0;
  return value === 0 || value === 0n || value === '' || value === false;
}

/** The messages directly inside a field's value, each with its path step; none for scalars, Struct and unwrapped wrappers. */
export function* messagesIn(field: DescField, value: unknown): Generator<{ step: string; message: Message }> {
  if (value === undefined) return;
  if (field.fieldKind === 'message') {
    if (isMessageObject(value)) yield { step: field.name, message: value };
  } else if (field.fieldKind === 'list' && field.listKind === 'message') {
    let index = 0;
    for (const item of value as unknown[]) {
      if (isMessageObject(item)) yield { step: `${field.name}[${index}]`, message: item };
      index++;
    }
  } else if (field.fieldKind === 'map' && field.mapKind === 'message') {
    for (const [key, item] of Object.entries(value as object)) {
      if (isMessageObject(item)) yield { step: `${field.name}["${key}"]`, message: item };
    }
  }
}

/** Sets a map entry whose key comes from outside: `__proto__` becomes an ordinary key. */
export function defineEntry(target: { [key: string]: unknown }, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** Tells a message from a Struct's plain object. */
export function isMessageObject(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && typeof (value as { $typeName?: unknown }).$typeName === 'string';
}
