import { type JsonValue, type Message, toBinary, toJson } from '@bufbuild/protobuf';
import { type ConfigTree, fieldValue, messagesIn } from './config_tree.ts';
import type { ProtoRegistry } from './proto_registry.ts';
import { TYPE_URL_PREFIX } from './type_urls.ts';

/**
 * A raw message of a tree as proto JSON with proto field names, as `/config_dump` shows it: Anys are expanded; one that came as a
 * TypedStruct is shown as the message inside. An Any of unknown type is shown empty.
 */
export function messageToJson(tree: ConfigTree, registry: ProtoRegistry, message: Message): JsonValue {
  packAnys(tree, message);
  const desc = registry.requireMessage(message.$typeName);
  return toJson(desc, message, { registry: registry.loaded, useProtoFieldName: true });
}

/** Writes the contents of all Anys below into their bytes: until then they exist as messages only. */
export function packAnys(tree: ConfigTree, message: Message): void {
  const meta = tree.meta(message);
  if (meta === undefined) return;
  const content = tree.anyContent(message);
  if (content !== undefined) {
    const any = message as unknown as { typeUrl: string; value: Uint8Array };
    const inner = content.message === undefined ? undefined : tree.meta(content.message);
    if (content.message === undefined || inner === undefined) {
      // protobuf-es cannot print a type that it does not know.
      any.typeUrl = '';
      return;
    }
    packAnys(tree, content.message);
    any.typeUrl = TYPE_URL_PREFIX + content.typeName;
    any.value = toBinary(inner.desc, content.message);
    return;
  }
  for (const field of meta.desc.fields) {
    if (!meta.fields.has(field.number) || field.message === undefined) continue;
    for (const { message: inner } of messagesIn(field, fieldValue(message, field))) packAnys(tree, inner);
  }
}
