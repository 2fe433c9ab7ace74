import type { ConfigProblem } from '../../core/api/config_problem.ts';
import { type ConfigTree, fieldPath } from '../../core/api/config_tree.ts';
import { nearestName } from '../../core/api/nearest_name.ts';
import type { SourceRange } from '../../core/api/source_text.ts';
import type { TrackedMessages } from '../../core/api/tracked_message.ts';
import { TYPE_URL_PREFIX, typeNameOf } from '../../core/api/type_urls.ts';
import type { AnyExtensionFactory, FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { AnyMessage, ConfigPosition, ExtensionConfig, ParseContext, UnpackedAny } from '../../core/registry/parse_context.ts';
import type { ProblemList } from './config_error.ts';

/** Type names that exist in the API at all: for "did you mean". */
export interface TypeNames {
  typeNames(): string[];
}

/** What may be asked about files that a configuration names. */
export type ConfigFiles = Pick<ParseContext, 'readFile' | 'whyNotAppendable'>;

/**
 * The ParseContext over the tracked messages of one load. Reports go to a ProblemList; whatever is reported on a field counts as
 * dealt with, so that it is not also listed as unread.
 */
export class ConfigParseContext implements ParseContext {
  clusterNames: ReadonlySet<string> | undefined;
  staticSecrets: ParseContext['staticSecrets'];
  runtimeInteger: ParseContext['runtimeInteger'];
  readonly readFile: ParseContext['readFile'];
  readonly whyNotAppendable: ParseContext['whyNotAppendable'];
  private readonly tree: ConfigTree;
  private readonly tracked: TrackedMessages;
  private readonly factories: FactoryRegistry;
  private readonly problems: ProblemList;
  private readonly types: TypeNames;

  constructor(tree: ConfigTree, tracked: TrackedMessages, factories: FactoryRegistry, problems: ProblemList, types: TypeNames, files: ConfigFiles) {
    this.clusterNames = undefined;
    this.staticSecrets = undefined;
    this.runtimeInteger = undefined;
    this.readFile = files.readFile;
    this.whyNotAppendable = files.whyNotAppendable;
    this.tree = tree;
    this.tracked = tracked;
    this.factories = factories;
    this.problems = problems;
    this.types = types;
  }

  error(message: object, field: string | undefined, text: string): void {
    this.report('error', message, field, text, []);
  }

  refuse(message: object, field: string | undefined, feature: string): void {
    this.report('error', message, field, `feature not supported: ${feature}`, []);
  }

  warn(message: object, field: string | undefined, text: string): void {
    this.report('warning', message, field, text, []);
  }

  consume(message: object, field?: string): void {
    this.tracked.consume(message, field === undefined ? undefined : fieldNameOf(field));
  }

  position(message: object, field?: string): ConfigPosition | undefined {
    const place = this.place(message, field);
    if (place.range === undefined) return undefined;
    const { source, start } = place.range;
    return { file: source.file, ...source.lineColumn(start), path: place.path };
  }

  unpackAny(any: AnyMessage): UnpackedAny | undefined {
    const content = this.tree.anyContent(this.tracked.raw(any));
    if (content === undefined) {
      this.report('error', any, undefined, 'an extension configuration is expected here: "@type" is missing', []);
      return undefined;
    }
    content.isOpened = true;
    if (content.message !== undefined) return { typeName: content.typeName, message: this.tracked.view(content.message) };
    const nearest = nearestName(content.typeName, this.types.typeNames());
    this.reportType(any, `unknown type URL '${content.typeUrl}'`, nearest === undefined ? [] : [`did you mean '${TYPE_URL_PREFIX}${nearest}'?`]);
    return undefined;
  }

  parseExtension(category: string, name: string, any: AnyMessage | undefined, holder: object, field: string): ExtensionConfig | undefined {
    const content = any === undefined ? undefined : this.tree.anyContent(this.tracked.raw(any));
    if (any === undefined || content === undefined) {
      // A name alone selects a factory with its default configuration, as older configurations do.
      const factory = this.factories.getByName(category, name);
      const text = `Didn't find a registered implementation for '${name}' with type URL: ''`;
      this.report('error', holder, any === undefined ? undefined : field, text, [
        factory === undefined ? this.available(category) : `'${name}' needs '${field}' with "@type": ${TYPE_URL_PREFIX}${factory.typeName}`,
      ]);
      return undefined;
    }
    content.isOpened = true;
    const factory = this.factories.get(category, content.typeName);
    if (factory === undefined || content.message === undefined) {
      this.reportUnregistered(category, name, any, content.typeUrl);
      if (content.message !== undefined) this.tracked.consume(content.message, undefined);
      return undefined;
    }
    const config = factory.parse(this.tracked.view(content.message), this);
    return { name, typeName: content.typeName, config };
  }

  isRegistered(category: string, type: AnyMessage | string): boolean {
    return (typeof type === 'string' ? this.factories.get(category, type) : this.registeredName(category, type)) !== undefined;
  }

  registeredName(category: string, any: AnyMessage): string | undefined {
    const content = this.tree.anyContent(this.tracked.raw(any));
    return content === undefined ? undefined : this.factories.get(category, content.typeName)?.name;
  }

  private reportUnregistered(category: string, name: string, any: AnyMessage, typeUrl: string): void {
    const hints: string[] = [];
    const wanted = typeNameOf(typeUrl);
    const registered = this.factories.list(category).map((factory) => factory.typeName);
    const nearest = nearestName(wanted, registered);
    if (this.types.typeNames().includes(wanted)) hints.push('this is a valid Envoy extension which is not supported here');
    else if (nearest !== undefined) hints.push(`did you mean '${TYPE_URL_PREFIX}${nearest}'?`);
    hints.push(this.available(category));
    this.reportType(any, `Didn't find a registered implementation for '${name}' with type URL: '${wanted}'`, hints);
  }

  /** Reports on an Any's type URL rather than on the whole. */
  private reportType(any: object, text: string, hints: string[]): void {
    const meta = this.tree.meta(this.tracked.raw(any));
    const range = meta?.fields.get(1)?.range ?? meta?.range;
    this.problems.add({ severity: 'error', text, range, path: meta?.path ?? '', hints });
  }

  private available(category: string): string {
    const factories = this.factories.list(category);
    if (factories.length === 0) return `no extensions of category ${category} exist here`;
    return `extensions of ${category}: ${factories.map(describeFactory).join(', ')}`;
  }

  private report(severity: ConfigProblem['severity'], message: object, field: string | undefined, text: string, hints: string[]): void {
    const place = this.place(message, field);
    this.problems.add({ severity, text, range: place.range, path: place.path, hints });
    this.consume(message, field);
  }

  /** Where a field stands: the element, the field, or (when it is not set) the message. */
  private place(message: object, field: string | undefined): { range: SourceRange | undefined; path: string } {
    const meta = this.tree.meta(this.tracked.raw(message));
    if (meta === undefined) return { range: undefined, path: field ?? '' };
    if (field === undefined) return { range: meta.range, path: meta.path };
    const path = fieldPath(meta.path, field);
    const desc = meta.desc.fields.find((candidate) => candidate.name === fieldNameOf(field));
    const fieldMeta = desc === undefined ? undefined : meta.fields.get(desc.number);
    if (fieldMeta === undefined) return { range: meta.range, path };
    const selector = /\[(?:(\d+)|"(.*)")\]/.exec(field);
    const element = selector?.[1] !== undefined ? fieldMeta.elements[Number(selector[1])] : undefined;
    const entry = selector?.[2] !== undefined ? fieldMeta.entries?.get(selector[2]) : undefined;
    return { range: element ?? entry ?? fieldMeta.range, path };
  }
}

function describeFactory(factory: AnyExtensionFactory): string {
  return `${factory.typeName} (${factory.name})`;
}

/** `domains` of `domains[2]` and of `domains["x"].y`. */
function fieldNameOf(field: string): string {
  return /^\w+/.exec(field)?.[0] ?? field;
}
