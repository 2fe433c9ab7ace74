import { describe, expect, test } from 'vitest';
import type { ConfigDumpItem, ConfigDumpSection, JsonObject } from '../../server/instance.ts';
import { askAdmin } from '../../test/support/admin_request.ts';
import { FakeInstance } from '../../test/support/fake_instance.ts';

const TYPE = 'type.googleapis.com/';
const UPDATED = '2026-01-02T03:04:05.678Z';

function cluster(name: string): ConfigDumpItem & { readonly json: () => JsonObject } {
  return {
    name,
    json: () => ({
      cluster: { '@type': `${TYPE}envoy.config.cluster.v3.Cluster`, name, load_assignment: { cluster_name: name } }, last_updated: UPDATED,
    }),
  };
}

function section(key: string, message: string, fields: JsonObject, lists: ConfigDumpSection['lists'] = []): ConfigDumpSection {
  return { key, typeName: `envoy.admin.v3.${message}`, fields: () => fields, lists };
}

function createInstance(): FakeInstance {
  const instance = new FakeInstance();
  const staticClusters = { field: 'static_clusters', itemTypeName: 'envoy.admin.v3.ClustersConfigDump.StaticCluster', items: [cluster('a'), cluster('b')] };
  instance.sections = [
    section('routes', 'RoutesConfigDump', {}),
    section('bootstrap', 'BootstrapConfigDump', { bootstrap: { admin: { address: {} }, node: { id: 'n' } }, last_updated: UPDATED }),
    section('clusters', 'ClustersConfigDump', { version_info: 'v1' }, [staticClusters]),
    section('endpoint', 'EndpointsConfigDump', {}),
    section('listeners', 'ListenersConfigDump', {}),
  ];
  return instance;
}

async function configs(target: string): Promise<unknown> {
  const { body, status, contentType } = await askAdmin(createInstance(), target);
  expect([status, contentType, body.at(-1)]).toEqual([200, 'application/json', '\n']);
  return (JSON.parse(body) as { configs?: unknown }).configs;
}

const CLUSTERS_TYPE = `${TYPE}envoy.admin.v3.ClustersConfigDump`;

describe('/config_dump', () => {
  test('all sections by key, empty ones too; version first, lists, then the rest', async () => {
    const { body } = await askAdmin(createInstance(), '/config_dump');
    expect(body).toBe(`${JSON.stringify({ configs: [
      { '@type': `${TYPE}envoy.admin.v3.BootstrapConfigDump`, bootstrap: { admin: { address: {} }, node: { id: 'n' } }, last_updated: UPDATED },
      { '@type': CLUSTERS_TYPE, version_info: 'v1', static_clusters: [cluster('a').json(), cluster('b').json()] },
      { '@type': `${TYPE}envoy.admin.v3.ListenersConfigDump` },
      { '@type': `${TYPE}envoy.admin.v3.RoutesConfigDump` },
    ] }, null, 1)}\n`);
  });

  test.each([
    ['include_eds', 5], ['mask=', 4], ['resource=&mask=&name_regex=', 4],
  ])('?%s gives %d sections', async (query, count) => {
    expect(await configs(`/config_dump?${query}`)).toHaveLength(count);
  });

  test.each([
    ['mask=bootstrap.node', [{ '@type': `${TYPE}envoy.admin.v3.BootstrapConfigDump`, bootstrap: { node: { id: 'n' } } }]],
    ['mask=static_clusters&name_regex=b', [{ '@type': CLUSTERS_TYPE, static_clusters: [cluster('b').json()] }]],
    ['mask=static_clusters&name_regex=x', [{ '@type': CLUSTERS_TYPE }]],
    ['mask=version_info,static_clusters&name_regex=x', [{ '@type': CLUSTERS_TYPE, version_info: 'v1' }]],
    ['resource=static_clusters&name_regex=a', [{ '@type': `${CLUSTERS_TYPE}.StaticCluster`, ...cluster('a').json() }]],
    ['resource=static_clusters&mask=cluster.name&name_regex=a', [
      { '@type': `${CLUSTERS_TYPE}.StaticCluster`, cluster: { '@type': `${TYPE}envoy.config.cluster.v3.Cluster`, name: 'a' } },
    ]],
    ['resource=static_clusters&name_regex=x', undefined],
    ['resource=dynamic_listeners', undefined],
  ])('?%s', async (query, expected) => {
    expect(await configs(`/config_dump?${query}`)).toEqual(expected);
  });

  test.each([
    ['resource=nope', 404, 'nope not found in config dump'],
    ['resource=static_endpoint_configs', 404, 'static_endpoint_configs not found in config dump'],
    ['resource=bootstrap', 400, 'bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field'],
    ['resource=static_clusters&mask=nope', 400, 'FieldMask paths: "nope"\n could not be successfully used.'],
    ['mask=nope', 400, 'FieldMask nope could not be successfully applied to any configs.'],
    ['mask=static_clusters.cluster', 400, 'FieldMask static_clusters.cluster could not be successfully applied to any configs.'],
  ])('?%s is refused with %d', async (query, status, body) => {
    const answer = await askAdmin(createInstance(), `/config_dump?${query}`);
    expect([answer.status, answer.contentType, answer.body]).toEqual([status, 'text/plain', body]);
  });

  test('a bad name_regex is refused', async () => {
    const { status, body } = await askAdmin(createInstance(), '/config_dump?name_regex=*');
    expect([status, body.startsWith('INVALID_ARGUMENT: Error while parsing name_regex from *: ')]).toEqual([400, true]);
  });

  test('resources are made one at a time while the answer is written', async () => {
    const instance = createInstance();
    let made = 0;
    const items = Array.from({ length: 2000 }, (_, i) => ({
      name: `c${i}`,
      json() {
        made++;
        return { cluster: { name: `c${i}`, text: 'x'.repeat(1000) } };
      },
    }));
    instance.sections = [section('clusters', 'ClustersConfigDump', {}, [
      { field: 'static_clusters', itemTypeName: 'envoy.admin.v3.ClustersConfigDump.StaticCluster', items },
    ])];
    const { chunks } = await askAdmin(instance, '/config_dump');
    expect(made).toBe(2000);
    expect(chunks.length).toBeGreaterThan(100);
  });
});
