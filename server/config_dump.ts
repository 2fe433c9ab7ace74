/** The static configuration as `/config_dump` shows it (envoy.admin.v3.ConfigDump). Made when it is asked for. Thread: main. */
import { type JsonObject as ProtoJson, type Message, toBinary, toJson } from '@bufbuild/protobuf';
import { type ConfigTree, fieldValue, messagesIn } from '../core/api/config_tree.ts';
import { TYPE_URL_PREFIX } from '../core/api/type_urls.ts';
import type { LoadedConfig } from './config/loaded_config.ts';
import type { ConfigDumpItem, ConfigDumpList, ConfigDumpSection, JsonObject, JsonValue } from './instance.ts';

const HTTP_CONNECTION_MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** Fields whose inline content is a secret (marked sensitive in the API). */
const SENSITIVE_FIELDS: ReadonlySet<string> = new Set([
  'private_key', 'password', 'pkcs12', 'inline_secret', 'generic_secret', 'session_ticket_keys', 'token_secret', 'hmac_secret',
]);

interface FoundMessage {
  readonly typeName: string;
  readonly message: Message;
}

export class ConfigDump {
  private readonly config: LoadedConfig<object>;
  private readonly lastUpdated: string;
  private readonly packed = new WeakSet<Message>();

  /** `loadedAtMs`: wall clock. */
  constructor(config: LoadedConfig<object>, loadedAtMs: number) {
    this.config = config;
    this.lastUpdated = new Date(loadedAtMs).toISOString();
  }

  sections(): readonly ConfigDumpSection[] {
    return [
      {
        key: 'bootstrap',
        typeName: 'envoy.admin.v3.BootstrapConfigDump',
        fields: () => ({ bootstrap: this.bootstrap(), last_updated: this.lastUpdated }),
        lists: [],
      },
      this.listSection('clusters', 'ClustersConfigDump', 'static_clusters', 'StaticCluster', this.resources('clusters', 'cluster')),
      this.listSection('listeners', 'ListenersConfigDump', 'static_listeners', 'StaticListener', this.resources('listeners', 'listener')),
      this.listSection('route_scopes', 'ScopedRoutesConfigDump', 'inline_scoped_route_configs', 'InlineScopedRouteConfigs', []),
      this.listSection('routes', 'RoutesConfigDump', 'static_route_configs', 'StaticRouteConfig', this.routes()),
      this.listSection('secrets', 'SecretsConfigDump', 'static_secrets', 'StaticSecret', []),
    ];
  }

  private listSection(key: string, dump: string, field: string, item: string, items: readonly ConfigDumpItem[]): ConfigDumpSection {
    const typeName = `envoy.admin.v3.${dump}`;
    const list: ConfigDumpList = { field, itemTypeName: `${typeName}.${item}`, items };
    return { key, typeName, fields: () => ({}), lists: [list] };
  }

  /** The whole bootstrap. What there may be thousands of is turned into JSON item by item, when it is looked at. */
  private bootstrap(): JsonObject {
    const root = this.config.rawRoot() as Message & { staticResources?: Message };
    const listeners = this.staticResources('listeners');
    const clusters = this.staticResources('clusters');
    const json = this.json(root, undefined, new Set([...listeners, ...clusters]));
    if (root.staticResources === undefined) return json;
    const { static_resources: rest, ...others } = json;
    return {
      ...others,
      static_resources: {
        ...(listeners.length > 0 ? { listeners: lazyArray(listeners, (message) => this.json(message, undefined)) } : {}),
        ...(clusters.length > 0 ? { clusters: lazyArray(clusters, (message) => this.json(message, undefined)) } : {}),
        ...(rest as JsonObject | undefined),
      },
    };
  }

  private staticResources(field: 'listeners' | 'clusters'): readonly (Message & { name: string })[] {
    const root = this.config.rawRoot() as Message & { staticResources?: Record<string, unknown> };
    return (root.staticResources?.[field] ?? []) as readonly (Message & { name: string })[];
  }

  /** Items of a repeated field of static_resources. */
  private resources(field: 'listeners' | 'clusters', itemField: string): ConfigDumpItem[] {
    return this.staticResources(field).map((message) => this.item(message.name, itemField, message));
  }

  private routes(): ConfigDumpItem[] {
    const items: ConfigDumpItem[] = [];
    for (const { typeName, message } of walk(this.config.tree, this.config.rawRoot())) {
      if (typeName !== HTTP_CONNECTION_MANAGER) continue;
      const specifier = (message as Message & { routeSpecifier: { case?: string; value?: Message & { name: string } } }).routeSpecifier;
      if (specifier.case === 'routeConfig' && specifier.value !== undefined) {
        items.push(this.item(specifier.value.name, 'route_config', specifier.value));
      }
    }
    return items;
  }

  private item(name: string, field: string, message: Message): ConfigDumpItem {
    return {
      name,
      json: () => ({ [field]: this.json(message, message.$typeName), last_updated: this.lastUpdated }),
    };
  }

  /** `typeName`: shown as "@type"; undefined: none. `except`: elements of static_resources that are left out. */
  private json(message: Message, typeName: string | undefined, except?: ReadonlySet<Message>): JsonObject {
    if (!this.packed.has(message)) {
      this.packed.add(message);
      packAnys(this.config.tree, message, except);
    }
    const { registry } = this.config;
    const desc = registry.requireMessage(message.$typeName);
    const shown = except === undefined ? message : withoutResources(message);
    const json = toJson(desc, shown, { registry: registry.loaded, useProtoFieldName: true }) as ProtoJson;
    const redacted = redact(json, false) as JsonObject;
    return typeName === undefined ? redacted : { '@type': `${TYPE_URL_PREFIX}${typeName}`, ...redacted };
  }
}

/** A bootstrap without its listeners and clusters. */
function withoutResources(root: Message & { staticResources?: Message }): Message {
  if (root.staticResources === undefined) return root;
  return { ...root, staticResources: { ...root.staticResources, listeners: [], clusters: [] } } as Message;
}

/** A list whose elements are made each time they are looked at. */
function lazyArray<T>(items: readonly T[], make: (item: T) => JsonValue): JsonValue[] {
  const list: JsonValue[] = [];
  items.forEach((item, i) => {
    Object.defineProperty(list, i, { enumerable: true, get: () => make(item) });
  });
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
