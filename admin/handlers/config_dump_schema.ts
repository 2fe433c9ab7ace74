/** Fields of the messages of a configuration dump (envoy/admin/v3/config_dump_shared.proto), as far as masks and `resource` ask. */
interface DumpSchema {
  /** Repeated fields. */
  readonly lists: readonly string[];
  readonly singular: readonly string[];
}

const SCHEMAS: Readonly<Record<string, DumpSchema>> = {
  BootstrapConfigDump: { lists: [], singular: ['bootstrap', 'last_updated'] },
  ClustersConfigDump: { lists: ['static_clusters', 'dynamic_active_clusters', 'dynamic_warming_clusters'], singular: ['version_info'] },
  EcdsConfigDump: { lists: ['ecds_filters'], singular: [] },
  EndpointsConfigDump: { lists: ['static_endpoint_configs', 'dynamic_endpoint_configs'], singular: [] },
  ListenersConfigDump: { lists: ['static_listeners', 'dynamic_listeners'], singular: ['version_info'] },
  RoutesConfigDump: { lists: ['static_route_configs', 'dynamic_route_configs'], singular: [] },
  ScopedRoutesConfigDump: { lists: ['inline_scoped_route_configs', 'dynamic_scoped_route_configs'], singular: [] },
  SecretsConfigDump: { lists: ['static_secrets', 'dynamic_active_secrets', 'dynamic_warming_secrets'], singular: [] },
};

/** Fields that the items of the lists have, all kinds together. */
const ITEM_FIELDS: readonly string[] = [
  'name', 'version_info', 'last_updated', 'error_state', 'client_status', 'secret', 'listener', 'active_state', 'warming_state',
  'draining_state', 'cluster', 'route_config', 'scoped_route_configs', 'endpoint_config', 'ecds_filter',
];

function schemaOf(typeName: string): DumpSchema | undefined {
  return SCHEMAS[typeName.slice(typeName.lastIndexOf('.') + 1)];
}

/** Whether a dump message has this repeated field. */
export function hasListField(typeName: string, field: string): boolean {
  return schemaOf(typeName)?.lists.includes(field) ?? false;
}

/** Whether a dump message has this singular field. */
export function hasSingularField(typeName: string, field: string): boolean {
  return schemaOf(typeName)?.singular.includes(field) ?? false;
}

/** Whether a mask path fits a dump message: a known field, nothing below a repeated one. */
export function fitsDump(typeName: string, path: readonly string[]): boolean {
  return hasSingularField(typeName, path[0]) || (path.length === 1 && hasListField(typeName, path[0]));
}

/** Whether a mask path fits an item; below its first field it is not checked. */
export function fitsItem(path: readonly string[]): boolean {
  return ITEM_FIELDS.includes(path[0]);
}
