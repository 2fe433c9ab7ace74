/** The static configuration as `/config_dump` shows it (envoy.admin.v3.ConfigDump). Made when it is asked for. Thread: main. */
import { type JsonObject as ProtoJson, type Message, toBinary, toJson } from '@bufbuild/protobuf';
import { type ConfigTree, fieldValue, messagesIn } from '../core/api/config_tree.ts';
import { TYPE_URL_PREFIX } from '../core/api/type_urls.ts';
import type { LoadedConfig } from './config/loaded_config.ts';
import type { ConfigDumpItem, ConfigDumpList, ConfigDumpSection, JsonObject, JsonValue } from './instance.ts';

const HTTP_CONNECTION_MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTE_CONFIGURATION = 'envoy.config.route.v3.RouteConfiguration';

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
  private arePacked = false;

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
        fields: () => ({ bootstrap: this.json(this.config.rawRoot(), undefined), last_updated: this.lastUpdated }),
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

  /** Items of a repeated field of static_resources. */
  private resources(field: string, itemField: string): ConfigDumpItem[] {
    const root = this.config.rawRoot() as Message & { staticResources?: Record<string, unknown> };
    const messages = (root.staticResources?.[field] ?? []) as readonly (Message & { name: string })[];
    return messages.map((message) => this.item(message.name, itemField, message));
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

  /** `typeName`: shown as "@type"; undefined: none. */
  private json(message: Message, typeName: string | undefined): JsonObject {
    if (!this.arePacked) {
      this.arePacked = true;
      packAnys(this.config.tree, this.config.rawRoot());
    }
    const { registry } = this.config;
    const desc = registry.requireMessage(message.$typeName === '' ? ROUTE_CONFIGURATION : message.$typeName);
    const json = toJson(desc, message, { registry: registry.loaded, useProtoFieldName: true }) as ProtoJson;
    const redacted = redact(json, false) as JsonObject;
    return typeName === undefined ? redacted : { '@type': `${TYPE_URL_PREFIX}${typeName}`, ...redacted };
  }
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
function packAnys(tree: ConfigTree, message: Message): void {
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
    for (const inner of messagesIn(field, fieldValue(message, field))) packAnys(tree, inner.message);
  }
}

/** Hides inline secrets; names of files stay. */
function redact(value: JsonValue, isSecret: boolean): JsonValue {
  if (Array.isArray(value)) return value.map((each: JsonValue) => redact(each, isSecret));
  if (typeof value === 'string') return isSecret ? '[redacted]' : value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as JsonObject).map(([key, inner]): [string, JsonValue] => {
    if (key === 'filename' || key === 'environment_variable') return [key, inner];
    if (isSecret && key === 'inline_bytes') return [key, Buffer.from('[redacted]').toString('base64')];
    return [key, redact(inner, isSecret || SENSITIVE_FIELDS.has(key))];
  });
  return Object.fromEntries(entries);
}
