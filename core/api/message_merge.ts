import type { DescField, Message } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { type ConfigTree, defineEntry, type FieldMeta, fieldValue, isImplicitDefault, isMessageObject, setFieldValue } from './config_tree.ts';

/**
 * protobuf's MergeFrom over messages of one tree, keeping positions: set scalars of `source` override, messages merge, lists
 * append, map entries override by key. `source` must not be used afterwards.
 */
export function mergeMessage(tree: ConfigTree, target: Message, source: Message): void {
  const meta = tree.meta(source);
  const into = tree.meta(target);
  if (meta === undefined || into === undefined) throw new Error('mergeMessage: message is not of this tree');
  const content = tree.anyContent(source);
  if (content !== undefined) {
    // Envoy merges an Any as type URL and bytes: what the later one sets replaces.
    (target as unknown as { typeUrl: string }).typeUrl = content.typeUrl;
    tree.setAnyContent(target, content);
  }
  for (const field of meta.desc.fields) {
    const value = fieldValue(source, field);
    if (isImplicitDefault(field, value)) continue;
    const sourceMeta = meta.fields.get(field.number);
    const targetMeta = into.fields.get(field.number);
    const kept = mergeField(tree, target, field, value, targetMeta, sourceMeta);
    if (!kept && sourceMeta !== undefined) into.fields.set(field.number, sourceMeta);
  }
}

/** Returns true when the target's field meta stays (its own value was extended). */
function mergeField(tree: ConfigTree, target: Message, field: DescField, value: unknown, targetMeta: FieldMeta | undefined, sourceMeta: FieldMeta | undefined): boolean {
  const existing = fieldValue(target, field);
  if (field.fieldKind === 'list' && (existing as unknown[]).length > 0) {
    (existing as unknown[]).push(...(value as unknown[]));
    targetMeta?.elements.push(...(sourceMeta?.elements ?? []));
    return targetMeta !== undefined;
  }
  if (field.fieldKind === 'map' && Object.keys(existing as object).length > 0) {
    for (const [key, item] of Object.entries(value as object)) {
      defineEntry(existing as { [key: string]: unknown }, key, item);
      const range = sourceMeta?.entries?.get(key);
      if (range !== undefined) targetMeta?.entries?.set(key, range);
    }
    return targetMeta !== undefined;
  }
  if (field.fieldKind === 'message') {
    if (isMessageObject(existing) && isMessageObject(value) && tree.meta(existing) !== undefined && !isWrapperDesc(field.message)) {
      mergeMessage(tree, existing, value);
      return true;
    }
    if (field.message.typeName === 'google.protobuf.Struct' && typeof existing === 'object' && existing !== null && !isMessageObject(existing)) {
      for (const [key, item] of Object.entries(value as object)) defineEntry(existing as { [key: string]: unknown }, key, item);
      return true;
    }
  }
  setFieldValue(target, field, value);
  return false;
}
