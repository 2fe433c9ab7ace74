/** `node` of `/server_info`: who this is and what is built in. Thread: main. */
import type { FactoryRegistry } from '../core/registry/factory_registry.ts';
import type { BuildInfo } from './bootstrap/build_info.ts';
import type { Options } from './bootstrap/options.ts';
import type { NodeConfig } from './config/server_config.ts';
import type { JsonObject, JsonValue } from './instance.ts';

/** The node of the bootstrap with the command line filling what it leaves empty. */
export function effectiveNode(node: NodeConfig, options: Options): NodeConfig {
  return {
    ...node,
    id: node.id === '' ? options.serviceNode : node.id,
    cluster: node.cluster === '' ? options.serviceCluster : node.cluster,
    zone: node.zone === '' ? options.serviceZone : node.zone,
  };
}

export function nodeJson(node: NodeConfig, build: BuildInfo, registry: FactoryRegistry): JsonObject {
  const [major, minor, patch] = build.version.split('.').map(Number);
  const locality = { region: node.region, zone: node.zone, sub_zone: node.subZone };
  return {
    id: node.id,
    cluster: node.cluster,
    ...(Object.keys(node.metadata).length > 0 ? { metadata: node.metadata as JsonObject } : {}),
    ...(Object.values(locality).some((part) => part !== '') ? { locality } : {}),
    user_agent_name: 'envoy',
    user_agent_build_version: {
      version: { major_number: major ?? 0, minor_number: minor ?? 0, patch: patch ?? 0 },
      metadata: { 'build.type': 'RELEASE', 'revision.status': 'Clean', 'ssl.version': 'OpenSSL', 'revision.sha': build.revision },
    },
    extensions: extensionsJson(registry),
    client_features: [],
    listening_addresses: [],
    dynamic_parameters: {},
  };
}

function extensionsJson(registry: FactoryRegistry): JsonValue[] {
  return registry.categories().flatMap((category) =>
    registry.list(category).map((factory) => ({
      name: factory.name, category, type_descriptor: '', disabled: false, type_urls: [factory.typeName],
    })),
  );
}
