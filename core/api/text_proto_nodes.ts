import { type DescEnum, type DescField, type DescMessage, fromBinary, ScalarType, toJson } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import type { ConfigNode, MapEntry } from './config_node.ts';
import { unknownFieldHints } from './field_advice.ts';
import { parseJsonNodes } from './json_nodes.ts';
import { hasOwnJsonForm } from './message_converter.ts';
import type { ProtoRegistry } from './proto_registry.ts';
import { type SourceRange, SourceText } from './source_text.ts';
import { type TextField, type TextMessage, TextSyntaxError, type TextString, type TextValue } from './text_proto_syntax.ts';
import { typeNameOf } from './type_urls.ts';

/**
 * A text-format message as the nodes that its JSON form would have, so that everything after that (conversion, positions,
 * deprecations, validate.rules) is one code for all formats. As strict as protobuf's own parser: field names as in the proto,
 * no field twice, strings in quotes.
 * @throws TextSyntaxError at the first mistake.
 */
export function textProtoToNode(message: TextMessage, desc: DescMessage, registry: ProtoRegistry): ConfigNode {
  return new TextConverter(registry).message(message, desc);
}

class TextConverter {
  private readonly registry: ProtoRegistry;

  constructor(registry: ProtoRegistry) {
    this.registry = registry;
  }

  /** The JSON form of a message. */
  message(message: TextMessage, desc: DescMessage): ConfigNode {
    const { range } = message;
    const first = message.fields[0];
    switch (desc.typeName) {
      case 'google.protobuf.Any':
        return first === undefined ? { kind: 'map', entries: [], range } : first.isTypeUrl ? this.expandedAny(message, first) : this.packedAny(message, desc);
      case 'google.protobuf.Duration': {
        const { seconds, nanos } = this.secondsAndNanos(message, desc);
        return { kind: 'string', text: durationText(seconds, nanos), range };
      }
      case 'google.protobuf.Timestamp': {
        const { seconds, nanos } = this.secondsAndNanos(message, desc);
        const iso = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
        return { kind: 'string', text: `${iso}.${String(nanos).padStart(9, '0')}Z`, range };
      }
      case 'google.protobuf.Struct': {
        const fields = this.entries(message, desc).find((entry) => entry.key === 'fields');
        return fields?.value.kind === 'map' ? { ...fields.value, range } : { kind: 'map', entries: [], range };
      }
      case 'google.protobuf.ListValue': {
        const values = this.entries(message, desc).find((entry) => entry.key === 'values');
        return values === undefined ? { kind: 'list', items: [], range } : values.value;
      }
      case 'google.protobuf.Value': {
        const kind = this.entries(message, desc)[0];
        return kind === undefined || kind.key === 'null_value' ? { kind: 'null', range } : kind.value;
      }
      case 'google.protobuf.FieldMask':
        throw new TextSyntaxError(range, 'field masks are not supported in text protos');
      default:
        break;
    }
    const entries = this.entries(message, desc);
    if (!isWrapperDesc(desc)) return { kind: 'map', entries, range };
    return entries[0]?.value ?? this.zeroOf(desc, range);
  }

  private entries(message: TextMessage, desc: DescMessage): MapEntry[] {
    const lists = new Map<DescField, ConfigNode[]>();
    const entries = new Map<DescField, MapEntry>();
    for (const field of message.fields) {
      const known = field.isTypeUrl ? undefined : desc.fields.find((candidate) => candidate.name === field.name);
      if (known === undefined) {
        const hint = field.isTypeUrl ? '' : unknownFieldHints(desc, field.name)[0];
        throw new TextSyntaxError(field.nameRange, `message type "${desc.typeName}" has no field named "${field.name}"${hint === undefined || hint === '' ? '' : `: ${hint}`}`);
      }
      if (known.fieldKind === 'map') {
        this.addMapEntries(known, field, entries);
        continue;
      }
      if (known.fieldKind !== 'list') {
        if (entries.has(known)) throw new TextSyntaxError(field.nameRange, `non-repeated field "${field.name}" is specified multiple times`);
        if (field.value.kind === 'list') throw new TextSyntaxError(field.value.range, `field "${field.name}" is not repeated`);
        entries.set(known, { key: known.name, keyRange: field.nameRange, value: this.value(field.value, known) });
        continue;
      }
      let items = lists.get(known);
      if (items === undefined) {
        items = [];
        lists.set(known, items);
        entries.set(known, { key: known.name, keyRange: field.nameRange, value: { kind: 'list', items, range: field.value.range } });
      }
      const values = field.value.kind === 'list' ? field.value.items : [field.value];
      for (const value of values) items.push(this.value(value, known));
    }
    return [...entries.values()];
  }

  private addMapEntries(known: DescField & { fieldKind: 'map' }, field: TextField, into: Map<DescField, MapEntry>): void {
    let entry = into.get(known);
    if (entry === undefined) {
      entry = { key: known.name, keyRange: field.nameRange, value: { kind: 'map', entries: [], range: field.value.range } };
      into.set(known, entry);
    }
    if (entry.value.kind !== 'map') return;
    for (const item of field.value.kind === 'list' ? field.value.items : [field.value]) {
      if (item.kind !== 'message') throw new TextSyntaxError(item.range, `expected { key: ... value: ... } for the map "${known.name}"`);
      const key = item.fields.find((part) => part.name === 'key');
      const value = item.fields.find((part) => part.name === 'value');
      const extra = item.fields.find((part) => part !== key && part !== value);
      if (extra !== undefined) throw new TextSyntaxError(extra.nameRange, 'a map entry has one key and one value');
      const keyNode = key === undefined ? undefined : this.scalar(key.value, known.mapKey);
      const text = keyNode === undefined ? '' : keyNode.kind === 'bool' ? String(keyNode.value) : 'text' in keyNode ? keyNode.text : '';
      const node = value === undefined ? this.zeroValue(known, item.range) : this.value(value.value, known);
      const keyRange = key?.value.range ?? item.range;
      const earlier = entry.value.entries.findIndex((known) => known.key === text);
      if (earlier >= 0) entry.value.entries[earlier] = { key: text, keyRange, value: node };
      else entry.value.entries.push({ key: text, keyRange, value: node });
    }
  }

  private zeroValue(field: DescField & { fieldKind: 'map' }, range: SourceRange): ConfigNode {
    if (field.message !== undefined) return this.message({ kind: 'message', fields: [], range }, field.message);
    if (field.enum !== undefined) return { kind: 'number', text: '0', range };
    return zeroNode(field.scalar ?? ScalarType.STRING, range);
  }

  private zeroOf(desc: DescMessage, range: SourceRange): ConfigNode {
    return zeroNode(desc.fields[0].scalar ?? ScalarType.STRING, range);
  }

  private value(value: TextValue, field: DescField): ConfigNode {
    if (field.message !== undefined) {
      if (value.kind !== 'message') throw new TextSyntaxError(value.range, `expected '{' for the message field "${field.name}" (${field.message.typeName})`);
      return this.message(value, field.message);
    }
    if (field.enum !== undefined) return enumNode(value, field.enum);
    return this.scalar(value, field.scalar ?? ScalarType.STRING);
  }

  private scalar(value: TextValue, type: ScalarType): ConfigNode {
    const { range } = value;
    switch (type) {
      case ScalarType.STRING:
        return { kind: 'string', text: Buffer.from(stringOf(value).latin1, 'latin1').toString('utf8'), range };
      case ScalarType.BYTES:
        return { kind: 'string', text: Buffer.from(stringOf(value).latin1, 'latin1').toString('base64'), range };
      case ScalarType.BOOL: {
        const text = value.kind === 'word' || value.kind === 'number' ? value.text : '';
        if (['true', 'True', 't', '1'].includes(text)) return { kind: 'bool', value: true, range };
        if (['false', 'False', 'f', '0'].includes(text)) return { kind: 'bool', value: false, range };
        throw new TextSyntaxError(range, 'expected true or false');
      }
      case ScalarType.DOUBLE:
      case ScalarType.FLOAT:
        return floatNode(value);
      default: {
        const digits = value.kind === 'number' ? integerText(value.text) : undefined;
        if (digits === undefined) throw new TextSyntaxError(range, 'expected an integer');
        return { kind: 'number', text: digits, range };
      }
    }
  }

  private secondsAndNanos(message: TextMessage, desc: DescMessage): { seconds: bigint; nanos: number } {
    const entries = this.entries(message, desc);
    const number = (name: string): string => {
      const node = entries.find((entry) => entry.key === name)?.value;
      return node?.kind === 'number' ? node.text : '0';
    };
    const nanos = Number(number('nanos'));
    if (Math.abs(nanos) > 999_999_999) throw new TextSyntaxError(message.range, 'nanos out of range');
    return { seconds: BigInt(number('seconds')), nanos };
  }

  /** `[type.googleapis.com/x] { ... }` */
  private expandedAny(message: TextMessage, first: TextField): ConfigNode {
    if (message.fields.length > 1) throw new TextSyntaxError(message.fields[1].nameRange, 'an Any holds one message');
    const typeEntry: MapEntry = { key: '@type', keyRange: first.nameRange, value: { kind: 'string', text: first.name, range: first.nameRange } };
    const desc = this.registry.getMessage(typeNameOf(first.name));
    // Without its descriptor nothing inside can be read; protobuf's parser stops here as well.
    if (desc === undefined) throw new TextSyntaxError(first.nameRange, `could not find type "${first.name}" stored in google.protobuf.Any`);
    if (first.value.kind !== 'message') throw new TextSyntaxError(first.value.range, `expected '{' after [${first.name}]`);
    const content = this.message(first.value, desc);
    return { kind: 'map', entries: [typeEntry, ...contentEntries(content, desc, first.nameRange)], range: message.range };
  }

  /** `type_url: "..." value: "bytes"` */
  private packedAny(message: TextMessage, anyDesc: DescMessage): ConfigNode {
    for (const field of message.fields) if (anyDesc.fields.every((known) => known.name !== field.name)) this.entries(message, anyDesc);
    const part = (name: string): TextString | undefined => {
      const found = message.fields.find((field) => field.name === name);
      return found === undefined ? undefined : stringOf(found.value);
    };
    const url = part('type_url');
    const range = message.range;
    const typeUrl = url?.latin1 ?? '';
    const desc = this.registry.getMessage(typeNameOf(typeUrl));
    if (desc === undefined) throw new TextSyntaxError(url?.range ?? range, `could not find type "${typeUrl}" stored in google.protobuf.Any`);
    const value = part('value');
    let json: string;
    try {
      const bytes = Buffer.from(value?.latin1 ?? '', 'latin1');
      json = JSON.stringify(toJson(desc, fromBinary(desc, bytes), { registry: this.registry.loaded, useProtoFieldName: true }));
    } catch (error) {
      throw new TextSyntaxError(value?.range ?? range, `the bytes of ${typeUrl} do not decode: ${error instanceof Error ? error.message : String(error)}`);
    }
    const inner = parseJsonNodes(new SourceText(range.source.file, json), { add: () => {} });
    const content: ConfigNode = inner === undefined ? { kind: 'map', entries: [], range } : placed(inner, value?.range ?? range);
    const typeEntry: MapEntry = { key: '@type', keyRange: url?.range ?? range, value: { kind: 'string', text: typeUrl, range: url?.range ?? range } };
    return { kind: 'map', entries: [typeEntry, ...contentEntries(content, desc, range)], range };
  }
}

/** What stands beside "@type": the fields, or `value` for messages whose JSON is not the map of their fields. */
function contentEntries(content: ConfigNode, desc: DescMessage, at: SourceRange): MapEntry[] {
  return content.kind === 'map' && !hasOwnJsonForm(desc) ? content.entries : [{ key: 'value', keyRange: at, value: content }];
}

function stringOf(value: TextValue): TextString {
  if (value.kind !== 'string') throw new TextSyntaxError(value.range, 'expected a string in quotes');
  return value;
}

function enumNode(value: TextValue, desc: DescEnum): ConfigNode {
  if (value.kind === 'number') {
    const digits = integerText(value.text);
    if (digits !== undefined) return { kind: 'number', text: digits, range: value.range };
  }
  if (value.kind !== 'word' || !desc.values.some((known) => known.name === value.text)) {
    throw new TextSyntaxError(value.range, `unknown enumeration value for enum ${desc.typeName}: one of ${desc.values.map((known) => known.name).join(', ')}`);
  }
  return { kind: 'string', text: value.text, range: value.range };
}

function floatNode(value: TextValue): ConfigNode {
  const { range } = value;
  if (value.kind === 'number') {
    const digits = integerText(value.text);
    return { kind: 'number', text: digits ?? value.text.replace(/[fF]$/, ''), range };
  }
  const special = value.kind === 'word' ? SPECIAL.get(value.text.toLowerCase()) : undefined;
  if (special === undefined) throw new TextSyntaxError(range, 'expected a number');
  return { kind: 'string', text: special, range };
}

const SPECIAL = new Map([['inf', 'inf'], ['infinity', 'inf'], ['-inf', '-inf'], ['-infinity', '-inf'], ['nan', 'nan'], ['-nan', 'nan']]);

/** Decimal digits of an integer literal (decimal, octal with a leading 0, hexadecimal), or undefined. */
function integerText(text: string): string | undefined {
  const match = /^(-?)(?:(0[xX][0-9a-fA-F]+)|0([0-7]+)|(\d+))$/.exec(text);
  if (match === null || text.length > 40) return undefined;
  const value = BigInt(match[2] ?? (match[3] !== undefined ? `0o${match[3]}` : match[4]));
  return `${match[1]}${value}`;
}

function durationText(seconds: bigint, nanos: number): string {
  const isNegative = seconds < 0n || nanos < 0;
  const fraction = nanos === 0 ? '' : `.${String(Math.abs(nanos)).padStart(9, '0')}`;
  return `${isNegative ? '-' : ''}${seconds < 0n ? -seconds : seconds}${fraction}s`;
}

function zeroNode(type: ScalarType, range: SourceRange): ConfigNode {
  if (type === ScalarType.BOOL) return { kind: 'bool', value: false, range };
  if (type === ScalarType.STRING || type === ScalarType.BYTES) return { kind: 'string', text: '', range };
  return { kind: 'number', text: '0', range };
}

/** The node with one place for all of it: what was packed stands nowhere in the text. */
function placed(node: ConfigNode, range: SourceRange): ConfigNode {
  switch (node.kind) {
    case 'map':
      return { kind: 'map', entries: node.entries.map((entry) => ({ key: entry.key, keyRange: range, value: placed(entry.value, range) })), range };
    case 'list':
      return { kind: 'list', items: node.items.map((item) => placed(item, range)), range };
    default:
      return { ...node, range };
  }
}
