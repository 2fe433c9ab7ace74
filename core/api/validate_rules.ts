import { type DescExtension, type DescField, type DescMessage, type DescOneof, getOption, type Message } from '@bufbuild/protobuf';
import { type Duration, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import type { ProblemSink } from './config_problem.ts';
import { type ConfigTree, fieldPath, fieldValue, isImplicitDefault, isMessageObject } from './config_tree.ts';
import type { FieldRules } from './gen/validate/validate_pb.d.ts';
import type { ProtoRegistry } from './proto_registry.ts';
import { checkValue, isUnset } from './rule_checks.ts';
import type { SourceRange } from './source_text.ts';
import { typeNameOf } from './type_urls.ts';

const DURATION = 'google.protobuf.Duration';

/** What the descriptors say about one message type, read once. */
interface MessageRules {
  readonly fields: readonly { field: DescField; rules: FieldRules | undefined }[];
  readonly requiredOneofs: readonly DescOneof[];
}

/**
 * Enforces the `validate.rules` (protoc-gen-validate) of the protos on a whole tree, contents of Anys included. Every violation is
 * reported with the position of the value; nothing stops the walk.
 */
export class RuleValidator {
  private readonly tree: ConfigTree;
  private readonly problems: ProblemSink;
  private readonly byMessage = new Map<DescMessage, MessageRules>();
  private readonly rulesOption: DescExtension;
  private readonly oneofRequired: DescExtension;
  private readonly ignoringOptions: readonly DescExtension[];

  constructor(registry: ProtoRegistry, tree: ConfigTree, problems: ProblemSink) {
    this.tree = tree;
    this.problems = problems;
    const extensions = registry.getFile('validate/validate.proto').extensions;
    const find = (name: string): DescExtension | undefined => extensions.find((extension) => extension.name === name);
    const rules = find('rules');
    const required = find('required');
    if (rules === undefined || required === undefined) throw new Error('validate.proto lacks its options: core/api/gen is out of date');
    this.rulesOption = rules;
    this.oneofRequired = required;
    this.ignoringOptions = [find('disabled'), find('ignored')].filter((extension) => extension !== undefined);
  }

  /** Checks a message of the tree with everything below. */
  validate(message: Message): void {
    const meta = this.tree.meta(message);
    if (meta === undefined) return;
    const content = this.tree.anyContent(message);
    if (content !== undefined) {
      if (content.message !== undefined) this.validate(content.message);
      return;
    }
    const rules = this.rulesOf(meta.desc);
    for (const oneof of rules.requiredOneofs) {
      const adt = (message as unknown as Record<string, { case?: string }>)[oneof.localName];
      if (adt.case !== undefined || meta.isDamaged) continue;
      const names = oneof.fields.map((field) => field.name).join(', ');
      this.violation(meta.desc, oneof.name, 'value is required', meta.range, meta.path, [`one of these must be set: ${names}`]);
    }
    for (const { field, rules: fieldRules } of rules.fields) this.validateField(message, meta.desc, field, fieldRules);
  }

  private validateField(message: Message, desc: DescMessage, field: DescField, rules: FieldRules | undefined): void {
    const value = fieldValue(message, field);
    if (field.oneof !== undefined && value === undefined) return;
    if (rules !== undefined) this.applyRules(message, desc, field, rules, value);
    if (value === undefined || field.message === undefined || rules?.message?.skip === true) return;
    if (field.fieldKind === 'message') {
      if (!isMessageObject(value)) return;
      if (field.message.typeName === DURATION && rules?.type.case !== 'duration') this.checkSign(message, field, value as Message & Duration);
      this.validate(value);
      return;
    }
    const inner = field.fieldKind === 'list' ? (value as unknown[]) : Object.values(value as object);
    for (const item of inner) if (isMessageObject(item)) this.validate(item);
  }

  /** Envoy finds out when it uses the duration; there is none that may be negative. */
  private checkSign(message: Message, field: DescField, { seconds, nanos }: Duration): void {
    if (seconds >= 0n && nanos >= 0) return;
    const meta = this.tree.meta(message);
    const text = `Invalid duration: Expected positive duration: ${Number(seconds) + nanos / 1e9}s`;
    this.problems.add({ severity: 'error', text, range: meta?.fields.get(field.number)?.range, path: fieldPath(meta?.path ?? '', field.name), hints: [] });
  }

  private applyRules(message: Message, desc: DescMessage, field: DescField, rules: FieldRules, value: unknown): void {
    const meta = this.tree.meta(message);
    if (meta === undefined) return;
    const path = fieldPath(meta.path, field.name);
    const fieldMeta = meta.fields.get(field.number);
    if (meta.isDamaged && fieldMeta === undefined) return;
    if (isMessageObject(value) && this.tree.meta(value)?.isDamaged === true) return;
    const range = fieldMeta?.range ?? meta.range;
    const report = (reason: string, at: SourceRange | undefined = range, where = path, hints: string[] = []): void =>
      this.violation(desc, field.name, reason, at, where, hints);
    if (requiresPresence(rules) && value === undefined) {
      report('value is required', meta.range, path, [`'${field.name}' must be set`]);
      return;
    }
    const type = rules.type;
    if (type.case === 'repeated') {
      this.applyRepeated(type.value, value as unknown[], report, (i) => fieldMeta?.elements[i], path);
      return;
    }
    if (type.case === 'map') {
      this.applyMap(type.value, value as { [key: string]: unknown }, report, (key) => fieldMeta?.entries?.get(key), path);
      return;
    }
    if (type.case === 'any') {
      if (value !== undefined) this.applyAny(type.value, value as { typeUrl: string }, report);
      return;
    }
    if (value === undefined || (field.presence === 2 && ignoresEmpty(rules) && isImplicitDefault(field, value))) return;
    const reason = checkValue(rules, unwrapped(field, value), field.enum);
    if (reason === undefined) return;
    const isSet = fieldMeta !== undefined;
    report(reason, range, path, isSet ? [] : [`'${field.name}' is not set here`]);
  }

  private applyRepeated(rules: RepeatedRules, value: unknown[], report: Report, at: (index: number) => SourceRange | undefined, path: string): void {
    if (value.length === 0 && rules.ignoreEmpty) return;
    if (Object.hasOwn(rules, 'minItems') && BigInt(value.length) < rules.minItems) report(`value must contain at least ${rules.minItems} item(s)`);
    if (Object.hasOwn(rules, 'maxItems') && BigInt(value.length) > rules.maxItems) report(`value must contain no more than ${rules.maxItems} item(s)`);
    if (rules.unique) {
      const seen = new Set<unknown>();
      value.forEach((item, i) => {
        const key = item instanceof Uint8Array ? Buffer.from(item).toString('latin1') : item;
        if (seen.has(key)) report('repeated value must contain unique items', at(i), `${path}[${i}]`);
        seen.add(key);
      });
    }
    const items = rules.items;
    if (items === undefined) return;
    value.forEach((item, i) => {
      const reason = checkValue(items, item, undefined);
      if (reason !== undefined) report(reason, at(i), `${path}[${i}]`);
    });
  }

  private applyMap(rules: MapRules, value: { [key: string]: unknown }, report: Report, at: (key: string) => SourceRange | undefined, path: string): void {
    const keys = Object.keys(value);
    if (keys.length === 0 && rules.ignoreEmpty) return;
    if (Object.hasOwn(rules, 'minPairs') && BigInt(keys.length) < rules.minPairs) report(`value must contain at least ${rules.minPairs} pair(s)`);
    if (Object.hasOwn(rules, 'maxPairs') && BigInt(keys.length) > rules.maxPairs) report(`value must contain no more than ${rules.maxPairs} pair(s)`);
    for (const key of keys) {
      const where = `${path}["${key}"]`;
      const keyReason = rules.keys === undefined ? undefined : checkValue(rules.keys, key, undefined);
      if (keyReason !== undefined) report(`key: ${keyReason}`, at(key), where);
      const reason = rules.values === undefined ? undefined : checkValue(rules.values, value[key], undefined);
      if (reason !== undefined) report(reason, at(key), where);
    }
  }

  private applyAny(rules: AnyRules, any: { typeUrl: string }, report: Report): void {
    const names = (urls: string[]): string => urls.map(typeNameOf).join(', ');
    if (rules.in.length > 0 && !rules.in.includes(any.typeUrl)) report(`type URL must be in list [${names(rules.in)}]`);
    if (rules.notIn.includes(any.typeUrl)) report(`type URL must not be in list [${names(rules.notIn)}]`);
  }

  private rulesOf(desc: DescMessage): MessageRules {
    const known = this.byMessage.get(desc);
    if (known !== undefined) return known;
    const isIgnored = this.ignoringOptions.some((option) => getOption(desc, option) === true);
    const fields = desc.fields.map((field) => ({ field, rules: isIgnored ? undefined : this.fieldRules(field) }));
    const result: MessageRules = {
      // Fields that neither carry rules nor lead to messages are not worth a visit.
      fields: isIgnored ? [] : fields.filter(({ field, rules }) => rules !== undefined || field.message !== undefined),
      requiredOneofs: isIgnored ? [] : desc.oneofs.filter((oneof) => oneof.proto.options !== undefined && getOption(oneof, this.oneofRequired) === true),
    };
    this.byMessage.set(desc, result);
    return result;
  }

  private fieldRules(field: DescField): FieldRules | undefined {
    if (field.proto.options?.$unknown === undefined) return undefined;
    const rules = getOption(field, this.rulesOption) as FieldRules;
    return rules.type.case === undefined && rules.message === undefined ? undefined : rules;
  }

  private violation(desc: DescMessage, name: string, reason: string, range: SourceRange | undefined, path: string, hints: readonly string[]): void {
    const text = `Proto constraint validation failed (${desc.name}ValidationError.${pascal(name)}: ${reason})`;
    this.problems.add({ severity: 'error', text, range, path, hints });
  }
}

type OneofValue<Case> = Extract<FieldRules['type'], { case: Case }> extends { value: infer Value } ? Value : never;
type RepeatedRules = OneofValue<'repeated'>;
type MapRules = OneofValue<'map'>;
type AnyRules = OneofValue<'any'>;
type Report = (reason: string, at?: SourceRange, where?: string, hints?: string[]) => void;

function requiresPresence(rules: FieldRules): boolean {
  if (rules.message?.required === true) return true;
  const type = rules.type;
  return (type.case === 'any' || type.case === 'duration' || type.case === 'timestamp') && type.value.required;
}

function ignoresEmpty(rules: FieldRules): boolean {
  return (rules.type.value as { ignoreEmpty?: boolean } | undefined)?.ignoreEmpty === true;
}

/** A wrapper inside a oneof or a list is a message; rules on it mean what it holds. */
function unwrapped(field: DescField, value: unknown): unknown {
  if (field.message === undefined || !isWrapperDesc(field.message) || !isMessageObject(value)) return value;
  return isUnset(value) ? undefined : (value as unknown as { value: unknown }).value;
}

/** `connect_timeout` as ConnectTimeout: the name that generated validators use. */
function pascal(name: string): string {
  return name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
