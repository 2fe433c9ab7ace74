/**
 * The static configuration as `/config_dump` shows it (envoy.admin.v3.ConfigDump). It is kept as JSON text, which takes a fraction of
 * the memory of the messages it was read from; each resource is opened when it is printed.
 */
import { type JsonObject as ProtoJson, type Message, toBinary, toJson } from '@bufbuild/protobuf';
import { type ConfigTree, fieldValue, messagesIn } from '../core/api/config_tree.ts';
import { TYPE_URL_PREFIX } from '../core/api/type_urls.ts';
import type { LoadedConfig } from './config/loaded_config.ts';
import type { ConfigDumpItem, ConfigDumpList, ConfigDumpSection, JsonObject, JsonValue } from './instance.ts';

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const LISTENER = 'envoy.config.listener.v3.Listener';
const ROUTES = 'envoy.config.route.v3.RouteConfiguration';
const SECRET = 'envoy.extensions.transport_sockets.tls.v3.Secret';
const HTTP_CONNECTION_MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** Fields whose inline content is a secret (marked sensitive in the API). */
const SENSITIVE_FIELDS: ReadonlySet<string> = new Set([
  'private_key', 'password', 'pkcs12', 'inline_secret', 'generic_secret', 'session_ticket_keys', 'token_secret', 'hmac_secret',
  'auth_password', 'auth_username',
]);

interface FoundMessage {
  readonly typeName: string;
  readonly message: Message;
}

/** Many texts in one piece of memory, which another thread can be handed without a copy. */
export interface PackedTexts {
  /** UTF-8, one after the other. */
  readonly bytes: Uint8Array<ArrayBufferLike>;
  /** Where each ends. */
  readonly ends: Uint32Array<ArrayBufferLike>;
  readonly names: readonly string[];
}

/** A whole configuration as JSON texts, secrets redacted. Plain data. */
export interface DumpTexts {
  /** The bootstrap without static listeners and clusters. */
  readonly rest: string;
  readonly listeners: PackedTexts;
  readonly clusters: PackedTexts;
  /** Route configurations inside the listeners. */
  readonly routes: PackedTexts;
}

/** Prints a configuration: 50 ms per thousand clusters. Thread: any. */
export function dumpTexts(config: LoadedConfig<object>): DumpTexts {
  const printer = new Printer(config);
  const root = config.rawRoot() as Message & { staticResources?: { listeners?: NamedMessage[]; clusters?: NamedMessage[] } };
  const listeners = root.staticResources?.listeners ?? [];
  const clusters = root.staticResources?.clusters ?? [];
  const routes: NamedMessage[] = [];
  for (const listener of listeners) {
    for (const { typeName, message } of walk(config.tree, listener)) {
      if (typeName !== HTTP_CONNECTION_MANAGER) continue;
      const specifier = (message as Message & { routeSpecifier: { case?: string; value?: NamedMessage } }).routeSpecifier;
      if (specifier.case === 'routeConfig' && specifier.value !== undefined) routes.push(specifier.value);
    }
  }
  return {
    rest: printer.print(root, new Set([...listeners, ...clusters])),
    listeners: packTexts(listeners, printer), clusters: packTexts(clusters, printer), routes: packTexts(routes, printer),
  };
}

type NamedMessage = Message & { readonly name: string };

function packTexts(messages: readonly NamedMessage[], printer: Printer): PackedTexts {
  const texts = messages.map((message) => Buffer.from(printer.print(message)));
  const ends = new Uint32Array(texts.length);
  let end = 0;
  texts.forEach((text, i) => {
    end += text.length;
    ends[i] = end;
  });
  const bytes = new Uint8Array(new SharedArrayBuffer(end));
  texts.forEach((text, i) => {
    bytes.set(text, ends[i] - text.length);
  });
  return { bytes, ends, names: messages.map((message) => message.name) };
}

function readText(texts: PackedTexts, index: number): JsonObject {
  const { bytes, ends } = texts;
  return JSON.parse(Buffer.from(bytes.buffer, index === 0 ? 0 : ends[index - 1], ends[index] - (index === 0 ? 0 : ends[index - 1])).toString('utf8')) as JsonObject;
}

/** The sections of a dump. Thread: main. */
export class ConfigDump {
  private readonly read: () => DumpTexts | Promise<DumpTexts>;
  private readonly lastUpdated: string;
  private known: DumpTexts | undefined = undefined;

  /** `read` is called once, for the first dump; `loadedAtMs`: wall clock. */
  constructor(read: () => DumpTexts | Promise<DumpTexts>, loadedAtMs: number) {
    this.read = read;
    this.lastUpdated = new Date(loadedAtMs).toISOString();
  }

  async sections(): Promise<readonly ConfigDumpSection[]> {
    this.known ??= await this.read();
    const texts = this.known;
    return [
      {
        key: 'bootstrap',
        typeName: 'envoy.admin.v3.BootstrapConfigDump',
        fields: () => ({ bootstrap: bootstrapJson(texts), last_updated: this.lastUpdated }),
        lists: [],
      },
      this.listSection('clusters', 'ClustersConfigDump', 'static_clusters', 'StaticCluster', this.items(texts.clusters, 'cluster', CLUSTER)),
      this.listSection('listeners', 'ListenersConfigDump', 'static_listeners', 'StaticListener', this.items(texts.listeners, 'listener', LISTENER)),
      this.listSection('route_scopes', 'ScopedRoutesConfigDump', 'inline_scoped_route_configs', 'InlineScopedRouteConfigs', []),
      this.listSection('routes', 'RoutesConfigDump', 'static_route_configs', 'StaticRouteConfig', this.items(texts.routes, 'route_config', ROUTES)),
      this.listSection('secrets', 'SecretsConfigDump', 'static_secrets', 'StaticSecret', secretItems(texts)),
    ];
  }

  private listSection(key: string, dump: string, field: string, item: string, items: readonly ConfigDumpItem[]): ConfigDumpSection {
    const typeName = `envoy.admin.v3.${dump}`;
    const list: ConfigDumpList = { field, itemTypeName: `${typeName}.${item}`, items };
    return { key, typeName, fields: () => ({}), lists: [list] };
  }

  private items(texts: PackedTexts, field: string, typeName: string): ConfigDumpItem[] {
    return texts.names.map((name, i) => ({
      name,
      json: () => ({ [field]: { '@type': `${TYPE_URL_PREFIX}${typeName}`, ...readText(texts, i) }, last_updated: this.lastUpdated }),
    }));
  }
}

/** static_resources.secrets, which stand in the rest of the bootstrap: there are few. */
function secretItems(texts: DumpTexts): ConfigDumpItem[] {
  const { static_resources: resources } = JSON.parse(texts.rest) as { readonly static_resources?: { readonly secrets?: readonly (JsonObject & { readonly name?: string })[] } };
  return (resources?.secrets ?? []).map((secret) => {
    const name = secret.name ?? '';
    return { name, json: () => ({ name, secret: { '@type': `${TYPE_URL_PREFIX}${SECRET}`, ...secret } }) };
  });
}

/** The whole bootstrap. What there may be thousands of is opened item by item, when it is looked at. */
function bootstrapJson(texts: DumpTexts): JsonObject {
  const json = JSON.parse(texts.rest) as JsonObject;
  const { listeners, clusters } = texts;
  if (json['static_resources'] === undefined && listeners.names.length + clusters.names.length === 0) return json;
  const { static_resources: rest, ...others } = json;
  return {
    ...others,
    static_resources: {
      ...(listeners.names.length > 0 ? { listeners: lazyArray(listeners) } : {}),
      ...(clusters.names.length > 0 ? { clusters: lazyArray(clusters) } : {}),
      ...(rest as JsonObject | undefined),
    },
  };
}

/** Messages as JSON text. */
class Printer {
  private readonly config: LoadedConfig<object>;
  private readonly packed = new WeakSet<Message>();

  constructor(config: LoadedConfig<object>) {
    this.config = config;
  }

  /** `except`: elements of static_resources that are left out. */
  print(message: Message, except?: ReadonlySet<Message>): string {
    if (!this.packed.has(message)) {
      this.packed.add(message);
      packAnys(this.config.tree, message, except);
    }
    const { registry } = this.config;
    const desc = registry.requireMessage(message.$typeName);
    const shown = except === undefined ? message : withoutResources(message);
    const json = toJson(desc, shown, { registry: registry.loaded, useProtoFieldName: true }) as ProtoJson;
    return JSON.stringify(redact(json, false));
  }
}

/** A bootstrap without its listeners and clusters. */
function withoutResources(root: Message & { staticResources?: Message }): Message {
  if (root.staticResources === undefined) return root;
  return { ...root, staticResources: { ...root.staticResources, listeners: [], clusters: [] } } as Message;
}

/** A list whose elements are opened each time they are looked at. */
function lazyArray(texts: PackedTexts): JsonValue[] {
  const list: JsonValue[] = [];
  for (let i = 0; i < texts.names.length; i++) {
    Object.defineProperty(list, i, { enumerable: true, get: () => readText(texts, i) });
  }
  return list;
}

/** Every message of a tree, opened Anys included. */
function* walk(tree: ConfigTree, message: Message): Generator<FoundMessage> {
  const content = tree.anyContent(message);
  if (content !== undefined) {
    if (content.message !== undefined) yield* walk(tree, content.message);
    return;
  }
  const meta = tree.meta(message);
  if (meta === undefined) return;
  yield { typeName: meta.desc.typeName, message };
  for (const field of meta.desc.fields) {
    for (const inner of messagesIn(field, fieldValue(message, field))) yield* walk(tree, inner.message);
  }
}

/** Gives every opened Any its bytes, inner ones first, so that the library can print them. */
function packAnys(tree: ConfigTree, message: Message, except?: ReadonlySet<Message>): void {
  if (except?.has(message) === true) return;
  const content = tree.anyContent(message);
  if (content !== undefined) {
    if (content.message === undefined) return;
    packAnys(tree, content.message);
    const desc = tree.meta(content.message)?.desc;
    if (desc === undefined) return;
    const any = message as Message & { typeUrl: string; value: Uint8Array };
    any.typeUrl = `${TYPE_URL_PREFIX}${content.typeName}`;
    any.value = toBinary(desc, content.message);
    return;
  }
  const meta = tree.meta(message);
  if (meta === undefined) return;
  for (const field of meta.desc.fields) {
    for (const inner of messagesIn(field, fieldValue(message, field))) packAnys(tree, inner.message, except);
  }
}

/** Hides inline secrets (names of files stay) and puts "@type" first. */
function redact(value: JsonValue, isSecret: boolean): JsonValue {
  if (Array.isArray(value)) return value.map((each: JsonValue) => redact(each, isSecret));
  if (typeof value === 'string') return isSecret ? '[redacted]' : value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as JsonObject).map(([key, inner]): [string, JsonValue] => {
    if (key === 'filename' || key === 'environment_variable') return [key, inner];
    if (isSecret && key === 'inline_bytes') return [key, Buffer.from('[redacted]').toString('base64')];
    return [key, redact(inner, isSecret || SENSITIVE_FIELDS.has(key))];
  });
  // The library puts the type of an Any last; people look for it first.
  return Object.fromEntries(entries.toSorted(([a], [b]) => Number(b === '@type') - Number(a === '@type')));
}
