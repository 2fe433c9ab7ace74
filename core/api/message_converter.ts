import { create, type DescField, type DescMessage, fromJson, type JsonValue, type Message } from '@bufbuild/protobuf';
import { isWrapperDesc, ListValueSchema, StructSchema, ValueSchema } from '@bufbuild/protobuf/wkt';
import { type ConfigNode, describeNode, type ListNode, type MapEntry, type MapNode, nodeToValue } from './config_node.ts';
import type { ProblemSink } from './config_problem.ts';
import { type ConfigTree, defineEntry, fieldPath, newFieldMeta, setFieldValue } from './config_tree.ts';
import { checkDeprecated, unknownFieldHints } from './field_advice.ts';
import type { ProtoRegistry } from './proto_registry.ts';
import { convertEnum, convertScalar, Misfit, parseDuration, zeroScalar } from './scalar_converter.ts';
import type { SourceRange } from './source_text.ts';
import { isTypedStruct, typeNameOf } from './type_urls.ts';

/** How lenient a load is. */
export interface ConvertOptions {
  /** Unknown fields and enum values: an error, a warning, or nothing. */
  readonly unknownFields: 'error' | 'warn' | 'ignore';
  /** No warnings for deprecated fields. */
  readonly skipDeprecated: boolean;
}

const DEPTH_MAX = 100;
/** Aliases can blow a small file up; no real configuration comes near. */
const NODES_MAX = 4_000_000;

/**
 * Turns nodes into protobuf messages by their descriptors, as Envoy's relaxed JSON parser does (both spellings of field names,
 * single values for lists, enum names in any case, quoted numbers ...), and records for every field where it stood. All errors
 * are reported, none stops the conversion: what does not fit is left unset.
 */
export class MessageConverter {
  /** How many unknown fields were met (Envoy's server.static_unknown_fields). */
  unknownFieldCount = 0;
  private readonly tree: ConfigTree;
  private readonly registry: ProtoRegistry;
  private readonly problems: ProblemSink;
  private readonly options: ConvertOptions;
  private readonly fieldNames = new Map<DescMessage, Map<string, DescField>>();
  private depth = 0;
  private nodes = 0;

  constructor(tree: ConfigTree, registry: ProtoRegistry, problems: ProblemSink, options: ConvertOptions) {
    this.tree = tree;
    this.registry = registry;
    this.problems = problems;
    this.options = options;
  }

  /** The node as a message of type `desc`. `at` is what messages about the whole underline, `path` its field path. */
  convert(desc: DescMessage, node: ConfigNode, path: string, at: SourceRange): Message {
    if (++this.nodes > NODES_MAX) return this.tooLarge(desc, path, at);
    const message = create(desc);
    const meta = this.tree.addMessage(message, desc, path, at);
    if (this.depth >= DEPTH_MAX) {
      this.error('JSON content was too deeply nested', at, path, []);
      return message;
    }
    this.depth++;
    if (!this.convertWellKnown(desc, message, node, path)) {
      if (node.kind === 'map') this.fillFields(desc, message, node, path);
      else if (node.kind !== 'null') {
        this.misfit(new Misfit(`expected a map (message ${desc.typeName}), found ${describeNode(node)}`, []), node.range, path);
        meta.isDamaged = true;
      }
    }
    this.depth--;
    meta.range = at;
    return message;
  }

  private fillFields(desc: DescMessage, message: Message, node: MapNode, path: string): void {
    const names = this.namesOf(desc);
    const oneofs = new Map<string, string>();
    const seen = new Set<DescField>();
    for (const entry of node.entries) {
      const field = names.get(entry.key);
      if (field === undefined) {
        this.unknownField(desc, entry, path);
        if (this.options.unknownFields === 'error') this.markDamaged(message);
        continue;
      }
      if (entry.value.kind === 'null' && field.message?.typeName !== 'google.protobuf.Value') continue;
      const at = fieldPath(path, field.name);
      const earlier = field.oneof === undefined ? undefined : oneofs.get(field.oneof.name);
      if (earlier !== undefined && earlier !== field.name) {
        const text = this.parseError(at, `'${field.name}' has already been set (either directly or as part of a oneof)`);
        this.error(text, entry.keyRange, at, [`only one of ${field.oneof?.fields.map((f) => f.name).join(', ')} can be set; '${earlier}' is set too`]);
        continue;
      }
      if (field.oneof !== undefined) oneofs.set(field.oneof.name, field.name);
      if (seen.has(field)) this.warn(`field '${field.name}' is set in both spellings; the last one wins`, entry.keyRange, at);
      seen.add(field);
      this.setField(message, field, entry, at);
    }
  }

  private setField(message: Message, field: DescField, entry: MapEntry, path: string): void {
    const isBlock = entry.value.kind === 'map' || entry.value.kind === 'list';
    const fieldMeta = newFieldMeta(isBlock ? entry.keyRange : entry.value.range);
    const value = this.convertField(field, entry, path, fieldMeta);
    if (value === undefined) {
      this.markDamaged(message);
      return;
    }
    setFieldValue(message, field, value);
    this.tree.meta(message)?.fields.set(field.number, fieldMeta);
    if (!this.options.skipDeprecated) checkDeprecated(field, value, entry.keyRange, path, this.problems);
  }

  private convertField(field: DescField, entry: MapEntry, path: string, meta: ReturnType<typeof newFieldMeta>): unknown {
    switch (field.fieldKind) {
      case 'list':
        return this.convertList(field, entry.value, path, meta);
      case 'map':
        return this.convertMap(field, entry, path, meta);
      case 'message':
        return this.convertSingular(field, entry.value, path, entry.keyRange);
      case 'enum':
        return this.checked(convertEnum(field.enum, entry.value), entry.value, path);
      case 'scalar':
        return this.checked(convertScalar(field.scalar, entry.value), entry.value, path);
    }
  }

  private convertList(field: DescField & { fieldKind: 'list' }, node: ConfigNode, path: string, meta: ReturnType<typeof newFieldMeta>): unknown[] {
    const values: unknown[] = [];
    const keepsLists = field.listKind === 'message' && (field.message.typeName === 'google.protobuf.Value' || field.message.typeName === 'google.protobuf.ListValue');
    const items: ConfigNode[] = [];
    flatten(node.kind === 'list' ? node : { kind: 'list', items: [node], range: node.range }, keepsLists, items, 0);
    for (const item of items) {
      if (++this.nodes > NODES_MAX) break;
      const value = this.convertItem(field, item, `${path}[${values.length}]`);
      if (value === undefined) continue;
      values.push(value);
      meta.elements.push(item.range);
    }
    return values;
  }

  private convertItem(field: DescField & { fieldKind: 'list' | 'map' }, item: ConfigNode, path: string): unknown {
    if (field.message !== undefined) {
      if (field.message.typeName === 'google.protobuf.Struct') return this.structValue(item, path);
      return this.convert(field.message, item, path, item.range);
    }
    if (field.enum !== undefined) return item.kind === 'null' ? 0 : this.checked(convertEnum(field.enum, item), item, path);
    const scalar = field.scalar;
    if (scalar === undefined) return undefined;
    return item.kind === 'null' ? zeroScalar(scalar) : this.checked(convertScalar(scalar, item), item, path);
  }

  private convertMap(field: DescField & { fieldKind: 'map' }, entry: MapEntry, path: string, meta: ReturnType<typeof newFieldMeta>): unknown {
    const node = entry.value;
    if (node.kind !== 'map') {
      return this.checked(new Misfit(`expected a map, found ${describeNode(node)}`, []), node, path);
    }
    const values: { [key: string]: unknown } = {};
    const entries = new Map<string, SourceRange>();
    for (const item of node.entries) {
      const itemPath = `${path}["${item.key}"]`;
      const keyNode: ConfigNode = { kind: 'string', text: item.key, range: item.keyRange };
      const key = this.checked(convertScalar(field.mapKey, keyNode), keyNode, itemPath);
      if (key === undefined) continue;
      const value =
        field.message !== undefined && field.message.typeName !== 'google.protobuf.Struct'
          ? this.convert(field.message, item.value, itemPath, item.keyRange)
          : this.convertItem(field, item.value, itemPath);
      if (value === undefined) continue;
      defineEntry(values, String(key), value);
      entries.set(String(key), item.keyRange);
    }
    meta.entries = entries;
    return values;
  }

  private convertSingular(field: DescField & { fieldKind: 'message' }, node: ConfigNode, path: string, keyRange: SourceRange): unknown {
    const desc = field.message;
    if (isWrapperDesc(desc) && field.oneof === undefined) {
      // protobuf-es keeps singular wrappers as bare values. Both `x` and `{value: x}` are accepted.
      const inner = wrapped(node);
      if (inner === undefined) return zeroScalar(desc.fields[0].scalar ?? 9);
      const scalar = desc.fields[0].scalar;
      return scalar === undefined ? undefined : this.checked(convertScalar(scalar, inner), inner, path);
    }
    if (desc.typeName === 'google.protobuf.Struct' && field.parent.typeName !== 'google.protobuf.Value') return this.structValue(node, path);
    return this.convert(desc, node, path, node.kind === 'map' || node.kind === 'list' ? keyRange : node.range);
  }

  /** Messages with a JSON form of their own. False: an ordinary message. */
  private convertWellKnown(desc: DescMessage, message: Message, node: ConfigNode, path: string): boolean {
    const record = message as unknown as Record<string, unknown>;
    switch (desc.typeName) {
      case 'google.protobuf.Any':
        this.convertAny(message, node, path);
        return true;
      case 'google.protobuf.Duration':
        return this.convertDuration(record, node, path);
      case 'google.protobuf.Struct':
        Object.assign(record, { fields: fromJson(StructSchema, this.structValue(node, path) ?? {}).fields });
        return true;
      case 'google.protobuf.Value':
        Object.assign(record, { kind: fromJson(ValueSchema, this.plainValue(node, path) ?? null).kind });
        return true;
      case 'google.protobuf.ListValue': {
        const list = this.plainValue(node, path);
        Object.assign(record, { values: fromJson(ListValueSchema, Array.isArray(list) ? list : [list ?? null]).values });
        return true;
      }
      case 'google.protobuf.Timestamp':
      case 'google.protobuf.FieldMask':
        return this.convertStringForm(desc, record, node, path);
    }
    const scalar = isWrapperDesc(desc) && node.kind !== 'map' ? desc.fields[0].scalar : undefined;
    if (scalar === undefined) return false;
    if (node.kind !== 'null') record.value = this.checked(convertScalar(scalar, node), node, path) ?? zeroScalar(scalar);
    return true;
  }

  private convertDuration(record: Record<string, unknown>, node: ConfigNode, path: string): boolean {
    if (node.kind === 'map' || node.kind === 'null') return false;
    const duration = node.kind === 'string' ? parseDuration(node.text) : notADuration(node);
    if (duration instanceof Misfit) {
      this.misfit(duration, node.range, path);
      this.markDamaged(record);
    } else Object.assign(record, duration);
    return true;
  }

  private convertStringForm(desc: DescMessage, record: Record<string, unknown>, node: ConfigNode, path: string): boolean {
    if (node.kind === 'map' || node.kind === 'null') return false;
    try {
      const value = fromJson(desc, nodeToValue(node, 0) as JsonValue) as unknown as Record<string, unknown>;
      for (const field of desc.fields) record[field.localName] = value[field.localName];
    } catch {
      this.misfit(new Misfit(`expected a ${desc.name}, found ${describeNode(node)}`, []), node.range, path);
      this.markDamaged(record);
    }
    return true;
  }

  private convertAny(any: Message, node: ConfigNode, path: string): void {
    if (node.kind === 'null') return;
    if (node.kind !== 'map') {
      this.misfit(new Misfit(`expected a map with "@type", found ${describeNode(node)}`, []), node.range, path);
      return;
    }
    const typeEntry = node.entries.find((entry) => entry.key === '@type');
    if (typeEntry === undefined) {
      if (node.entries.length === 0) return;
      const text = this.parseError(path, 'missing @type in Any is only allowed for an empty object');
      this.error(text, this.tree.meta(any)?.range ?? node.range, path, ['"@type" names the message, such as type.googleapis.com/envoy.extensions.filters.http.router.v3.Router']);
      return;
    }
    if (typeEntry.value.kind !== 'string') {
      this.misfit(new Misfit(`expected a type URL, found ${describeNode(typeEntry.value)}`, []), typeEntry.value.range, fieldPath(path, '@type'));
      return;
    }
    const typeUrl = typeEntry.value.text;
    this.tree.meta(any)?.fields.set(1, { ...newFieldMeta(typeEntry.value.range), isRead: true });
    (any as unknown as { typeUrl: string }).typeUrl = typeUrl;
    const rest: MapNode = { kind: 'map', entries: node.entries.filter((entry) => entry !== typeEntry), range: node.range };
    if (isTypedStruct(typeNameOf(typeUrl))) {
      this.convertTypedStruct(any, typeNameOf(typeUrl), rest, path, typeEntry.value.range);
      return;
    }
    const message = this.convertAnyContent(typeUrl, rest, path, typeEntry.value.range);
    this.tree.setAnyContent(any, { typeName: message?.$typeName ?? typeNameOf(typeUrl), typeUrl, message, mustBeKnown: true, isOpened: false });
  }

  private convertAnyContent(typeUrl: string, rest: MapNode, path: string, at: SourceRange): Message | undefined {
    const desc = this.registry.getMessage(typeNameOf(typeUrl));
    // An unknown type is reported by whoever opens the Any: it knows what may stand there.
    if (desc === undefined) return undefined;
    if (!hasOwnJsonForm(desc)) return this.convert(desc, rest, path, at);
    const value = rest.entries.find((entry) => entry.key === 'value');
    for (const entry of rest.entries) if (entry !== value) this.unknownField(desc, entry, path);
    return this.convert(desc, value?.value ?? { kind: 'null', range: at }, fieldPath(path, 'value'), value?.keyRange ?? at);
  }

  /** The type inside is the one that counts. */
  private convertTypedStruct(any: object, typeName: string, rest: MapNode, path: string, at: SourceRange): void {
    const desc = this.registry.requireMessage(typeName);
    let innerUrl = '';
    let innerAt = at;
    let value: MapEntry | undefined;
    for (const entry of rest.entries) {
      if (this.namesOf(desc).get(entry.key)?.name === 'type_url' && entry.value.kind === 'string') {
        innerUrl = entry.value.text;
        innerAt = entry.value.range;
      } else if (entry.key === 'value') value = entry;
      else this.unknownField(desc, entry, path);
    }
    const innerName = typeNameOf(innerUrl);
    const inner = this.registry.getMessage(innerName);
    if (innerUrl === '') this.error(`${typeName} without type_url`, innerAt, fieldPath(path, 'type_url'), []);
    if (innerUrl !== '') this.tree.meta(any)?.fields.set(1, { ...newFieldMeta(innerAt), isRead: true });
    // As above: an unknown type is reported by whoever opens the Any.
    const message = inner === undefined ? undefined : this.convert(inner, value?.value ?? { kind: 'null', range: at }, fieldPath(path, 'value'), value?.keyRange ?? at);
    this.tree.setAnyContent(any as Message, { typeName: innerName, typeUrl: innerUrl, message, mustBeKnown: false, isOpened: innerUrl === '' });
  }

  private structValue(node: ConfigNode, path: string): { [key: string]: JsonValue } | undefined {
    if (node.kind === 'null') return {};
    if (node.kind !== 'map') {
      this.misfit(new Misfit(`expected a map, found ${describeNode(node)}`, []), node.range, path);
      return undefined;
    }
    return this.plainValue(node, path) as { [key: string]: JsonValue } | undefined;
  }

  private plainValue(node: ConfigNode, path: string): JsonValue | undefined {
    try {
      this.nodes += countNodes(node, NODES_MAX - this.nodes);
      if (this.nodes >= NODES_MAX) throw new RangeError('too many nodes');
      return nodeToValue(node, this.depth);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.error('JSON content was too deeply nested', node.range, path, []);
      return undefined;
    }
  }

  private namesOf(desc: DescMessage): Map<string, DescField> {
    let names = this.fieldNames.get(desc);
    if (names === undefined) {
      names = new Map();
      for (const field of desc.fields) names.set(field.name, field).set(field.jsonName, field);
      this.fieldNames.set(desc, names);
    }
    return names;
  }

  private markDamaged(message: object): void {
    const meta = this.tree.meta(message);
    if (meta !== undefined) meta.isDamaged = true;
  }

  private unknownField(desc: DescMessage, entry: MapEntry, path: string): void {
    this.unknownFieldCount++;
    if (this.options.unknownFields === 'ignore') return;
    const text = `Protobuf message (type ${desc.typeName} reason INVALID_ARGUMENT: no such field: '${entry.key}') has unknown fields`;
    const severity = this.options.unknownFields === 'warn' ? 'warning' : 'error';
    this.problems.add({ severity, text, range: entry.keyRange, path: fieldPath(path, entry.key), hints: unknownFieldHints(desc, entry.key) });
  }

  /** The value, or undefined after its misfit was reported. */
  private checked(value: unknown, node: ConfigNode, path: string): unknown {
    if (!(value instanceof Misfit)) return value;
    this.misfit(value, node.range, path);
    return undefined;
  }

  private misfit(misfit: Misfit, range: SourceRange, path: string): void {
    if (!misfit.isUnknownEnum) {
      this.error(this.parseError(path, misfit.text), range, path, misfit.hints);
      return;
    }
    this.unknownFieldCount++;
    if (this.options.unknownFields === 'ignore') return;
    const text = `Protobuf message (field ${path} reason INVALID_ARGUMENT: ${misfit.text}) has unknown fields`;
    this.problems.add({ severity: this.options.unknownFields === 'warn' ? 'warning' : 'error', text, range, path, hints: misfit.hints });
  }

  private parseError(path: string, what: string): string {
    return `Unable to parse JSON as proto (INVALID_ARGUMENT: ${path === '' ? '' : `${path}: `}${what})`;
  }

  private error(text: string, range: SourceRange, path: string, hints: readonly string[]): void {
    this.problems.add({ severity: 'error', text, range, path, hints });
  }

  private warn(text: string, range: SourceRange, path: string): void {
    this.problems.add({ severity: 'warning', text, range, path, hints: [] });
  }

  private tooLarge(desc: DescMessage, path: string, at: SourceRange): Message {
    if (this.nodes === NODES_MAX + 1) this.error(`the configuration has more than ${NODES_MAX} values (aliases counted each time)`, at, path, []);
    const message = create(desc);
    this.tree.addMessage(message, desc, path, at);
    return message;
  }
}

/** A list's items with nested lists dissolved, as Envoy's parser does. */
function flatten(list: ListNode, keepsLists: boolean, into: ConfigNode[], depth: number): void {
  for (const item of list.items) {
    if (into.length >= NODES_MAX) return;
    if (item.kind === 'list' && !keepsLists && depth < DEPTH_MAX) flatten(item, keepsLists, into, depth + 1);
    else into.push(item);
  }
}

/** What a wrapper's node holds; undefined for `{}`. */
function wrapped(node: ConfigNode): ConfigNode | undefined {
  if (node.kind !== 'map') return node;
  if (node.entries.length === 0) return undefined;
  const only = node.entries[0];
  return node.entries.length === 1 && only.key === 'value' ? (only.value.kind === 'null' ? undefined : only.value) : node;
}

function notADuration(node: ConfigNode): Misfit {
  const hints = node.kind === 'number' ? [`write "${node.text}s"`] : [];
  return new Misfit(`expected a duration such as "5s", found ${describeNode(node)}`, hints);
}

/** Types whose JSON is not the map of their fields: inside an Any their content stands under `value`. */
export function hasOwnJsonForm(desc: DescMessage): boolean {
  return isWrapperDesc(desc) || OWN_JSON_FORM.has(desc.typeName);
}

const OWN_JSON_FORM = new Set(
  ['Any', 'Duration', 'FieldMask', 'ListValue', 'Struct', 'Timestamp', 'Value'].map((name) => `google.protobuf.${name}`),
);

/** Number of nodes below (shared ones counted each time), at most `limit`. */
function countNodes(node: ConfigNode, limit: number): number {
  let count = 1;
  const children = node.kind === 'map' ? node.entries : node.kind === 'list' ? node.items : [];
  for (const child of children) {
    if (count >= limit) return count;
    count += countNodes('keyRange' in child ? child.value : child, limit - count);
  }
  return count;
}
