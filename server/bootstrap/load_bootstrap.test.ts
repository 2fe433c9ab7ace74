import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { testDescriptors } from '../../test/support/parse_yaml.ts';
import { problemPosition } from '../config/config_error.ts';
import type { LoadedConfig } from '../config/loaded_config.ts';
import { BOOTSTRAP_TYPE, type BootstrapSource, loadBootstrap } from './load_bootstrap.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'envoyts-load-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

function load(source: Partial<BootstrapSource>) {
  return loadBootstrap({ configPath: '', configYaml: '', allowUnknownStaticFields: false, skipDeprecatedLogs: false, ...source }, testDescriptors());
}

function errorTexts(config: LoadedConfig<object>): string[] {
  return config.problems.errors().map((problem) => problem.text);
}

describe('loadBootstrap', () => {
  it('wants a path or a text', () => {
    expect(errorTexts(load({}))).toEqual(['At least one of --config-path or --config-yaml or Options::configProto() should be non-empty']);
  });

  it('chooses the format by suffix: yaml, yml, pb, pb_text (in any case), anything else JSON', () => {
    for (const name of ['a.yaml', 'a.yml']) expect(load({ configPath: file(name, 'node: {id: x}') }).message.node?.id).toBe('x');
    for (const name of ['a.json', 'a.conf']) expect(load({ configPath: file(name, '{"node": {"id": "x"}}') }).message.node?.id).toBe('x');
    expect(errorTexts(load({ configPath: file('b.json', 'node: {id: x}') }))[0]).toContain('Unable to parse JSON as proto');
    for (const name of ['a.pb_text', 'a.PB_TEXT']) expect(load({ configPath: file(name, "node { id: 'x' }") }).message.node?.id).toBe('x');
  });

  it("says where a text proto goes wrong, in Envoy's words", () => {
    const config = load({ configPath: file('wrong.pb_text', 'node {\n  idd: "x"\n}') });
    const [problem] = config.problems.errors();
    expect(problem.text).toBe(`Unable to parse file "${join(dir, 'wrong.pb_text')}" as a text protobuf (type ${BOOTSTRAP_TYPE})`);
    expect(problem.hints[0]).toContain("did you mean 'id'?");
    expect(problemPosition(problem)).toContain('wrong.pb_text:2:3');
  });

  it('reads binary protos, Anys included', () => {
    const registry = testDescriptors();
    const bufferType = registry.requireMessage('envoy.extensions.filters.http.buffer.v3.Buffer');
    const value = toBinary(bufferType, create(bufferType, { maxRequestBytes: 5 }));
    const typedConfig = { typeUrl: `type.googleapis.com/${bufferType.typeName}`, value };
    const desc = registry.requireMessage(BOOTSTRAP_TYPE);
    const root = create(desc, { node: { id: 'x' }, bootstrapExtensions: [{ name: 'e', typedConfig }] });
    const config = load({ configPath: file('a.pb', toBinary(desc, root)) });
    expect(errorTexts(config)).toEqual([]);
    expect(config.message.node?.id).toBe('x');
    config.finish();
    expect(config.problems.warnings().map((problem) => problem.path)).toEqual(['bootstrap_extensions']);
  });

  it('refuses a malformed binary proto and unknown fields in one', () => {
    expect(errorTexts(load({ configPath: file('bad.pb', Uint8Array.of(0x0a, 0x7f, 1)) }))[0]).toContain('as a binary envoy.config.bootstrap.v3.Bootstrap');
    expect(errorTexts(load({ configPath: file('unknown.pb', Uint8Array.of(0xf8, 0x3f, 1)) }))[0]).toContain('has unknown fields');
  });

  it('says which file it cannot read', () => {
    const errors = errorTexts(load({ configPath: join(dir, 'missing.yaml') }));
    expect(errors).toEqual([`unable to read file: ${join(dir, 'missing.yaml')} (no such file or directory)`]);
  });

  it('merges --config-yaml over the file: scalars override, messages merge, lists append, maps override by key', () => {
    const config = load({
      configPath: file(
        'm.yaml',
        'node: {id: a, cluster: c, metadata: {x: 1, y: 2}, client_features: [f1]}\nadmin: {profile_path: p}\nstatic_resources: {clusters: [{name: one}]}\nlayered_runtime: {layers: [{name: l, static_layer: {a: 1}}]}',
      ),
      configYaml: 'node: {id: b, cluster: "", metadata: {y: 3}, client_features: [f2]}\nstatic_resources: {clusters: [{name: two}]}\nenable_dispatcher_stats: false',
    });
    expect(errorTexts(config)).toEqual([]);
    const { node, admin, staticResources } = config.message;
    expect(node?.id).toBe('b');
    expect(node?.cluster).toBe('c');
    expect(node?.metadata).toEqual({ x: 1, y: 3 });
    expect(node?.clientFeatures).toEqual(['f1', 'f2']);
    expect(admin?.profilePath).toBe('p');
    expect(staticResources?.clusters.map((cluster) => cluster.name)).toEqual(['one', 'two']);
  });

  it('keeps the positions of both texts after merging', () => {
    const path = file('p.yaml', 'node:\n  id: a\nstatic_resources:\n  clusters:\n  - name: one\n');
    const config = load({ configPath: path, configYaml: 'node: {id: b}\nstatic_resources: {clusters: [{name: two}]}' });
    const context = config.context(new FactoryRegistry());
    const message = config.message;
    expect(context.position(message.node ?? {}, 'id')).toMatchObject({ file: '--config-yaml', line: 1, column: 12 });
    expect(context.position(message.staticResources?.clusters[0] ?? {}, 'name')).toMatchObject({ file: path, line: 5, column: 11 });
    expect(context.position(message.staticResources?.clusters[1] ?? {}, 'name')).toMatchObject({ file: '--config-yaml', line: 2 });
  });

  it('makes unknown fields warnings when they are allowed, and counts them', () => {
    const yaml = 'node: {idd: x}\nstatic_resources: {clusters: [{name: a, lb_policy: nope}]}';
    const config = load({ configYaml: yaml, allowUnknownStaticFields: true });
    expect(errorTexts(config)).toEqual([]);
    expect(config.problems.warnings()).toHaveLength(2);
    expect(config.unknownFieldCount).toBe(2);
  });

  it('warns about deprecated fields unless told not to', () => {
    const yaml = 'admin: {access_log_path: /dev/null}';
    expect(load({ configYaml: yaml }).problems.warnings()).toHaveLength(1);
    expect(load({ configYaml: yaml, skipDeprecatedLogs: true }).problems.warnings()).toHaveLength(0);
  });

  it('reports everything in one run, sorted by position', () => {
    const config = load({
      configYaml: 'static_resources:\n  clusters:\n  - name: ""\n    connect_timeout: 5\n  - {name: b, lb_polcy: RANDOM}\nnode: {id: 5}\nbogus: 1\n',
    });
    expect(config.problems.errors().map(problemPosition)).toEqual(['--config-yaml:3:11', '--config-yaml:4:22', '--config-yaml:5:15', '--config-yaml:6:12', '--config-yaml:7:1']);
  });

  it('refuses v2 configuration with one sentence on top and the v3 way for each field', () => {
    const config = load({ configYaml: 'static_resources: {clusters: [{name: a, hosts: [{socket_address: {address: a, port_value: 1}}]}]}' });
    expect(errorTexts(config)[0]).toBe('this configuration is written for the v2 API, which is not supported; only v3 is');
    expect(config.problems.errors()[1].hints[0]).toContain("v3 wants 'load_assignment'");
  });

  it('reports a type that does not exist when nobody opens it', () => {
    const config = load({ configYaml: 'bootstrap_extensions: [{name: a, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.bufer.v3.Buffer}}]' });
    config.finish();
    expect(errorTexts(config)).toEqual(["Unable to parse JSON as proto (INVALID_ARGUMENT: could not find @type 'type.googleapis.com/envoy.extensions.filters.http.bufer.v3.Buffer')"]);
    expect(config.problems.errors()[0].hints).toEqual(["did you mean 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer'?"]);
  });
});
