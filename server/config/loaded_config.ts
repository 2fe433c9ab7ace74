import type { Message } from '@bufbuild/protobuf';
import { ConfigTree, fieldPath, fieldValue, messagesIn } from '../../core/api/config_tree.ts';
import { nearestName } from '../../core/api/nearest_name.ts';
import type { ProtoRegistry } from '../../core/api/proto_registry.ts';
import { TrackedMessages, type UnreadField } from '../../core/api/tracked_message.ts';
import { TYPE_URL_PREFIX } from '../../core/api/type_urls.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { ProblemList } from './config_error.ts';
import { type ConfigFiles, ConfigParseContext } from './config_parse_context.ts';

/**
 * One configuration while it is read: its messages, what is known about them, and the problems found so far.
 * Order of use: load it, stop if `problems.hasErrors`; build from `message` with `context(...)`; `finish()`; look at the problems.
 */
export class LoadedConfig<T extends object> {
  readonly registry: ProtoRegistry;
  readonly tree: ConfigTree;
  readonly tracked: TrackedMessages;
  readonly problems: ProblemList;
  /** Fields that do not exist in the API (Envoy's server.static_unknown_fields). */
  unknownFieldCount = 0;
  /** Nothing: files must not be touched. */
  files: ConfigFiles = {};
  private root: Message | undefined;

  constructor(registry: ProtoRegistry) {
    this.registry = registry;
    this.tree = new ConfigTree();
    this.tracked = new TrackedMessages(this.tree);
    this.problems = new ProblemList();
  }

  setRoot(root: Message): void {
    this.root = root;
  }

  /** The tracked root. Throws when nothing was loaded (check `problems.hasErrors` first). */
  get message(): T {
    return this.tracked.view(this.rawRoot()) as T;
  }

  /** The protobuf-es message behind it; `messageToJson` prints it, Anys expanded. */
  rawRoot(): Message {
    if (this.root === undefined) throw new Error('configuration was not loaded');
    return this.root;
  }

  /** True when there is a root message, errors or not. */
  get isLoaded(): boolean {
    return this.root !== undefined;
  }

  context(factories: FactoryRegistry): ConfigParseContext {
    return new ConfigParseContext(this.tree, this.tracked, factories, this.problems, this.registry, this.files);
  }

  /** After building: warns about every set field that nobody read. Does nothing when there are errors (much was skipped then). */
  finish(): void {
    if (this.root === undefined || this.problems.hasErrors) return;
    this.reportUnknownTypes();
    if (this.problems.hasErrors) return;
    for (const unread of this.tracked.unreadFields(this.root)) this.reportUnread(unread);
  }

  /** Reports every Any of a type that does not exist and that nobody opened: Envoy refuses those while parsing. */
  reportUnknownTypes(): void {
    if (this.root !== undefined) this.visitUnknownTypes(this.root);
  }

  private visitUnknownTypes(message: Message): void {
    const meta = this.tree.meta(message);
    if (meta === undefined) return;
    const content = this.tree.anyContent(message);
    if (content !== undefined) {
      if (content.message !== undefined) this.visitUnknownTypes(content.message);
      else if (!content.isOpened && content.mustBeKnown) {
        content.isOpened = true;
        const nearest = nearestName(content.typeName, this.registry.typeNames());
        const hints = nearest === undefined ? [] : [`did you mean '${TYPE_URL_PREFIX}${nearest}'?`];
        const text = `Unable to parse JSON as proto (INVALID_ARGUMENT: could not find @type '${content.typeUrl}')`;
        this.problems.add({ severity: 'error', text, range: meta.fields.get(1)?.range ?? meta.range, path: fieldPath(meta.path, '@type'), hints });
      }
      return;
    }
    for (const field of meta.desc.fields) {
      if (!meta.fields.has(field.number) || field.message === undefined) continue;
      for (const inner of messagesIn(field, fieldValue(message, field))) this.visitUnknownTypes(inner.message);
    }
  }

  private reportUnread(unread: UnreadField): void {
    const text = `${unread.path} (${unread.fieldName}) has no effect here`;
    this.problems.add({ severity: 'warning', text, range: unread.range, path: unread.path, hints: [] });
  }
}
