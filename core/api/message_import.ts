import { type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf';
import type { ProblemSink } from './config_problem.ts';
import { type ConfigTree, fieldPath, fieldValue, isImplicitDefault, messagesIn, newFieldMeta } from './config_tree.ts';
import type { ProtoRegistry } from './proto_registry.ts';
import { typeNameOf } from './type_urls.ts';

/**
 * Takes a decoded binary message into a tree: the same bookkeeping as the converter's (set fields, opened Anys), without
 * positions. Unknown fields are reported.
 */
export function importMessage(tree: ConfigTree, registry: ProtoRegistry, desc: DescMessage, message: Message, path: string, problems: ProblemSink): void {
  const meta = tree.addMessage(message, desc, path, undefined);
  const unknown = message.$unknown;
  if (unknown !== undefined && unknown.length > 0) {
    const numbers = unknown.map((field) => field.no).join(', ');
    const text = `Protobuf message (type ${desc.typeName} with unknown field set {${numbers}}) has unknown fields`;
    problems.add({ severity: 'error', text, range: undefined, path, hints: [] });
  }
  if (desc.typeName === 'google.protobuf.Any') importAny(tree, registry, message, path, problems);
  for (const field of desc.fields) {
    const value = fieldValue(message, field);
    if (isImplicitDefault(field, value)) continue;
    meta.fields.set(field.number, newFieldMeta(undefined));
    if (field.message === undefined) continue;
    for (const inner of messagesIn(field, value)) importMessage(tree, registry, field.message, inner.message, fieldPath(path, inner.step), problems);
  }
}

function importAny(tree: ConfigTree, registry: ProtoRegistry, message: Message, path: string, problems: ProblemSink): void {
  const any = message as unknown as { typeUrl: string; value: Uint8Array };
  if (any.typeUrl === '') return;
  const typeName = typeNameOf(any.typeUrl);
  const desc = registry.getMessage(typeName);
  let content: Message | undefined;
  if (desc !== undefined) {
    try {
      content = fromBinary(desc, any.value);
      importMessage(tree, registry, desc, content, path, problems);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.add({ severity: 'error', text: `Unable to unpack as ${typeName}: ${reason}`, range: undefined, path, hints: [] });
    }
  }
  tree.setAnyContent(message, { typeName, typeUrl: any.typeUrl, message: content, mustBeKnown: false, isOpened: false });
}
