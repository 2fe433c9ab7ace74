import type { DescField, DescMessage, DescOneof, Message } from '@bufbuild/protobuf';
import { type ConfigTree, fieldPath, fieldValue, isImplicitDefault, isMessageObject, messagesIn } from './config_tree.ts';
import type { SourceRange } from './source_text.ts';

/** A set field that nobody read. */
export interface UnreadField {
  readonly path: string;
  readonly range: SourceRange | undefined;
  /** e.g. `envoy.config.cluster.v3.Cluster.dns_jitter`. */
  readonly fieldName: string;
}

/**
 * Views of the messages of one tree that record which fields are read. A view has exactly the shape of the protobuf-es message,
 * read-only. The same raw message always gives the same view.
 */
export class TrackedMessages {
  private readonly tree: ConfigTree;
  private readonly views = new WeakMap<object, object>();
  private readonly raws = new WeakMap<object, object>();
  private readonly handlers = new Map<DescMessage, ProxyHandler<object>>();

  constructor(tree: ConfigTree) {
    this.tree = tree;
  }

  /** The tracked view of a message. */
  view(message: Message): object {
    const known = this.views.get(message);
    if (known !== undefined) return known;
    const desc = this.tree.meta(message)?.desc;
    if (desc === undefined) return message;
    const view = new Proxy<object>(message, this.handlerFor(desc));
    this.views.set(message, view);
    this.raws.set(view, message);
    return view;
  }

  /** The message behind a view; raw messages come back as they are. */
  raw(view: object): object {
    return this.raws.get(view) ?? view;
  }

  /** Set fields below `message` that nobody read, outermost first: what is below an unread field is not listed. */
  unreadFields(message: object): UnreadField[] {
    const found: UnreadField[] = [];
    this.collectUnread(this.raw(message), found);
    return found;
  }

  /** Marks one field, or all, as dealt with, including everything below; an Any of a type that must exist and does not stays to be reported. */
  consume(message: object, fieldName: string | undefined): void {
    const meta = this.tree.meta(this.raw(message));
    if (meta === undefined) return;
    meta.isRead = true;
    for (const field of meta.desc.fields) {
      if (fieldName !== undefined && field.name !== fieldName) continue;
      const fieldMeta = meta.fields.get(field.number);
      if (fieldMeta === undefined) continue;
      fieldMeta.isRead = true;
      fieldMeta.isConsumed = true;
    }
    const content = fieldName === undefined ? this.tree.anyContent(this.raw(message)) : undefined;
    if (content !== undefined) {
      content.isOpened = content.message !== undefined || !content.mustBeKnown;
      if (content.message !== undefined) this.consume(content.message, undefined);
    }
  }

  private collectUnread(message: object, found: UnreadField[]): void {
    const meta = this.tree.meta(message);
    if (meta === undefined) return;
    const content = this.tree.anyContent(message);
    if (content !== undefined) {
      if (!content.isOpened) found.push({ path: meta.path, range: meta.range, fieldName: content.typeName });
      else if (content.message !== undefined) this.collectUnread(content.message, found);
      return;
    }
    for (const field of meta.desc.fields) {
      const fieldMeta = meta.fields.get(field.number);
      if (fieldMeta === undefined || fieldMeta.isConsumed) continue;
      const value = fieldValue(message, field);
      if (isImplicitDefault(field, value)) continue;
      if (fieldMeta.isRead) this.collectBelow(field, value, fieldMeta.elements, found);
      else found.push({ path: fieldPath(meta.path, field.name), range: fieldMeta.range, fieldName: `${meta.desc.typeName}.${field.name}` });
    }
  }

  private collectBelow(field: DescField, value: unknown, elements: (SourceRange | undefined)[], found: UnreadField[]): void {
    let index = 0;
    for (const { message } of messagesIn(field, value)) {
      const meta = this.tree.meta(message);
      // An element that nobody looked into at all is one finding, not one per field.
      const isUntouched = field.fieldKind !== 'message' && meta !== undefined && !meta.isRead && meta.fields.size > 0 && this.tree.anyContent(message) === undefined;
      if (isUntouched) found.push({ path: meta.path, range: elements[index] ?? meta.range, fieldName: `${field.parent.typeName}.${field.name}` });
      else this.collectUnread(message, found);
      index++;
    }
  }

  private handlerFor(desc: DescMessage): ProxyHandler<object> {
    let handler = this.handlers.get(desc);
    if (handler !== undefined) return handler;
    const members = new Map<string, DescField | DescOneof>();
    for (const member of desc.members) members.set(member.localName, member);
    handler = {
      get: (target, property) => {
        const member = typeof property === 'string' ? members.get(property) : undefined;
        if (member === undefined) return Reflect.get(target, property);
        return member.kind === 'oneof' ? this.readOneof(target, member) : this.readField(target, member);
      },
      set: () => false,
      deleteProperty: () => false,
      defineProperty: () => false,
    };
    this.handlers.set(desc, handler);
    return handler;
  }

  private readField(target: object, field: DescField): unknown {
    this.markRead(target, field);
    return this.wrap(field, fieldValue(target, field));
  }

  private markRead(target: object, field: DescField): void {
    const meta = this.tree.meta(target);
    if (meta === undefined) return;
    meta.isRead = true;
    const fieldMeta = meta.fields.get(field.number);
    if (fieldMeta !== undefined) fieldMeta.isRead = true;
  }

  /** `{ case, value }` whose `value` counts as the read; for a message member `case` does: its content is counted by itself. */
  private readOneof(target: object, oneof: DescOneof): unknown {
    const adt = (target as Record<string, unknown>)[oneof.localName] as { case: string | undefined };
    const known = this.views.get(adt);
    if (known !== undefined) return known;
    const field = oneof.fields.find((candidate) => candidate.localName === adt.case);
    if (field === undefined) return adt;
    const mark = (): void => this.markRead(target, field);
    const read = (): unknown => this.readField(target, field);
    const isMessage = field.fieldKind === 'message';
    const view = {
      get case() {
        if (isMessage) mark();
        return field.localName;
      },
      get value() {
        return read();
      },
    };
    this.views.set(adt, view);
    return view;
  }

  private wrap(field: DescField, value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (field.fieldKind === 'message') return isMessageObject(value) ? this.view(value) : value;
    const holdsMessages = (field.fieldKind === 'list' && field.listKind === 'message') || (field.fieldKind === 'map' && field.mapKind === 'message');
    if (!holdsMessages) return value;
    const known = this.views.get(value);
    if (known !== undefined) return known;
    const view = Array.isArray(value) ? value.map((item) => this.wrapItem(item)) : this.wrapMap(value as { [key: string]: unknown });
    this.views.set(value, view as object);
    return view;
  }

  private wrapMap(value: { [key: string]: unknown }): object {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.wrapItem(item)]));
  }

  private wrapItem(item: unknown): unknown {
    return isMessageObject(item) ? this.view(item) : item;
  }
}
