import { describe, expect, it } from 'vitest';
import { parseYamlMessage, testDescriptors } from '../../test/support/parse_yaml.ts';
import { readMessage } from '../../server/config/config_loader.ts';
import { LoadedConfig } from '../../server/config/loaded_config.ts';
import type { Bootstrap } from './gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import type { Cluster } from './gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { Node } from './gen/envoy/config/core/v3/base_pb.d.ts';

const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const CLUSTER = 'envoy.config.cluster.v3.Cluster';

function bootstrap(yaml: string): { value: Bootstrap; errors: string[]; warnings: string[] } {
  const parsed = parseYamlMessage(yaml, BOOTSTRAP);
  return { value: parsed.message as Bootstrap, errors: parsed.errors(), warnings: parsed.config.problems.warnings().map((p) => p.text) };
}

function cluster(fields: string): { value: Cluster; errors: string[] } {
  const parsed = parseYamlMessage(`{name: a, ${fields}}`, CLUSTER);
  return { value: parsed.message as Cluster, errors: parsed.errors() };
}

/** Reads JSON text; errors as sentences. */
function json(text: string): { value: Bootstrap | undefined; errors: string[] } {
  const config = new LoadedConfig<Bootstrap>(testDescriptors());
  const message = readMessage(config, BOOTSTRAP, 'test.json', text, 'json', { unknownFields: 'error', skipDeprecated: false });
  if (message !== undefined) config.setRoot(message);
  return { value: message === undefined ? undefined : config.message, errors: config.problems.errors().map((p) => p.text) };
}

describe('field names', () => {
  it('accepts snake_case and lowerCamelCase', () => {
    expect(bootstrap('static_resources: {clusters: [{name: a}]}').value.staticResources?.clusters[0].name).toBe('a');
    expect(bootstrap('staticResources: {clusters: [{name: a, connectTimeout: 1s}]}').value.staticResources?.clusters[0].connectTimeout?.seconds).toBe(1n);
  });
});

describe('plain YAML scalars', () => {
  const trues = ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'];
  const falses = ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'];
  it.each(trues)('%s is the boolean true', (word) => {
    expect(cluster(`respect_dns_ttl: ${word}`).value.respectDnsTtl).toBe(true);
  });
  it.each(falses)('%s is the boolean false', (word) => {
    const { value, errors } = cluster(`respect_dns_ttl: ${word}`);
    expect(errors).toEqual([]);
    expect(value.respectDnsTtl).toBe(false);
  });
  it('an unquoted boolean word is an error for a string field, with the way out', () => {
    const parsed = parseYamlMessage('flags_path: on', BOOTSTRAP);
    expect(parsed.errors()).toEqual(['Unable to parse JSON as proto (INVALID_ARGUMENT: flags_path: expected a string, found the boolean true)']);
    expect(parsed.config.problems.errors()[0].hints).toEqual(['without quotes this is a boolean: write "on" with the quotes']);
  });
  it.each([
    ['0x10', 16],
    ['010', 8],
    ['16', 16],
    ['+7', 7],
  ])('%s is the integer %d', (text, value) => {
    expect(cluster(`per_connection_buffer_limit_bytes: ${text}`).value.perConnectionBufferLimitBytes).toBe(value);
  });
  it('an integer beyond 32 bits travels as a decimal string and keeps its digits', () => {
    expect(bootstrap('stats_server_version_override: 18014398509481985').value.statsServerVersionOverride).toBe(18014398509481985n);
    expect(bootstrap('flags_path: 4294967296').value.flagsPath).toBe('4294967296');
  });
  it('floats and dates stay strings', () => {
    expect(bootstrap('flags_path: 1.5').value.flagsPath).toBe('1.5');
    expect(bootstrap('flags_path: 2020-01-01').value.flagsPath).toBe('2020-01-01');
    const node = bootstrap('node: {metadata: {a: 1.5, b: 2, c: true, d: null, e: [1, [2]], f: "3"}}').value.node as Node;
    expect(node.metadata).toEqual({ a: '1.5', b: 2, c: true, d: null, e: [1, [2]], f: '3' });
  });
  it('a string that looks like a float is a number where a number is wanted', () => {
    expect(cluster('common_lb_config: {healthy_panic_threshold: {value: 1.5}}').value.commonLbConfig?.healthyPanicThreshold?.value).toBe(1.5);
  });
});

describe('quoted scalars', () => {
  it('are always strings', () => {
    expect(bootstrap('flags_path: "5"').value.flagsPath).toBe('5');
    expect(bootstrap("flags_path: 'on'").value.flagsPath).toBe('on');
    expect(bootstrap('flags_path: |-\n  5').value.flagsPath).toBe('5');
    expect(bootstrap('flags_path: ! 5').value.flagsPath).toBe('5');
    expect(bootstrap('flags_path: !!str 5').errors).toHaveLength(1);
  });
});

describe('YAML structure', () => {
  it('drops entries whose key is tagged !ignore, at any depth, keeping their anchors', () => {
    const { value, errors } = bootstrap('!ignore x: [&n {id: from-anchor}]\nnode: *n\nadmin: {!ignore y: 1, profile_path: p}');
    expect(errors).toEqual([]);
    expect(value.node?.id).toBe('from-anchor');
    expect(value.admin?.profilePath).toBe('p');
  });
  it('resolves anchors and aliases', () => {
    expect(bootstrap('node: {id: &a x, cluster: *a}').value.node?.cluster).toBe('x');
  });
  it('refuses an alias without anchor and an anchor that contains itself', () => {
    expect(() => bootstrap('node: {id: *a}')).toThrow('YAML syntax error');
    expect(() => bootstrap('node: &a {metadata: *a}')).toThrow('the anchor &a refers to itself');
  });
  it('does not know merge keys', () => {
    const { errors } = bootstrap('!ignore a: &b {id: x}\nnode: {<<: *b}');
    expect(errors[0]).toContain("no such field: '<<'");
  });
  it('lets the last of repeated keys win and says so', () => {
    const { value, warnings } = bootstrap('node: {id: a}\nnode: {cluster: b}');
    expect(value.node?.id).toBe('');
    expect(value.node?.cluster).toBe('b');
    expect(warnings).toEqual(["key 'node' is given twice in the same map; the last one wins"]);
  });
  it('reads the first document only', () => {
    expect(bootstrap('node: {id: a}\n---\nfoo: bar').errors).toEqual([]);
  });
  it('tolerates trailing tabs and spaces', () => {
    expect(bootstrap('node: \t{id: a}\t \nadmin:  \n  profile_path: p \t\n').value.admin?.profilePath).toBe('p');
  });
  it('is bounded when aliases multiply', () => {
    const levels = ['!ignore l0: &l0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i++) levels.push(`!ignore l${i}: &l${i} [${Array(10).fill(`*l${i - 1}`).join(', ')}]`);
    const { errors } = bootstrap(`${levels.join('\n')}\nnode: {metadata: {a: *l9}}`);
    expect(errors).toHaveLength(1);
  });
});

describe('enums', () => {
  it.each(['ROUND_ROBIN', 'round_robin', 'Round_Robin', '0', '"0"'])('accepts %s', (text) => {
    const { value, errors } = cluster(`lb_policy: ${text}`);
    expect(errors).toEqual([]);
    expect(value.lbPolicy).toBe(0);
  });
  it('names the nearest value for an unknown one', () => {
    const parsed = parseYamlMessage('{name: a, lb_policy: round_robbin}', CLUSTER);
    expect(parsed.errors()).toEqual(["Protobuf message (field lb_policy reason INVALID_ARGUMENT: unknown enum value: 'round_robbin') has unknown fields"]);
    expect(parsed.config.problems.errors()[0].hints[0]).toBe("did you mean 'ROUND_ROBIN'?");
  });
  it('refuses a number that is no value through validate.rules', () => {
    expect(cluster('lb_policy: 99').errors).toEqual(['Proto constraint validation failed (ClusterValidationError.LbPolicy: value must be one of the defined enum values)']);
  });
});

describe('lists', () => {
  it('takes a single value for a list of one', () => {
    expect(bootstrap('static_resources: {clusters: {name: a}}').value.staticResources?.clusters).toHaveLength(1);
  });
  it('flattens nested lists', () => {
    const { value } = bootstrap('static_resources: {clusters: [[{name: a}], [[{name: b}]]]}');
    expect(value.staticResources?.clusters.map((c) => c.name)).toEqual(['a', 'b']);
  });
  it('makes a default element of null', () => {
    expect(bootstrap('node: {client_features: [a, null]}').value.node?.clientFeatures).toEqual(['a', '']);
    expect(bootstrap('static_resources: {clusters: [null]}').errors[0]).toContain('ClusterValidationError.Name');
  });
});

describe('null', () => {
  it('leaves a field unset', () => {
    expect(bootstrap('flags_path: null\nnode: ~\nadmin:').errors).toEqual([]);
    expect(bootstrap('node: ~').value.node).toBeUndefined();
  });
  it('does not occupy a oneof', () => {
    expect(cluster('type: STATIC, cluster_type: null').errors).toEqual([]);
  });
});

describe('well-known types', () => {
  it.each([
    ['5s', 5n, 0],
    ['0.25s', 0n, 250_000_000],
    ['{seconds: 5, nanos: 1}', 5n, 1],
  ])('reads the duration %s', (text, seconds, nanos) => {
    const timeout = cluster(`connect_timeout: ${text}`).value.connectTimeout;
    expect(timeout?.seconds).toBe(seconds);
    expect(timeout?.nanos).toBe(nanos);
  });
  it.each(['5', '"5"', '.5s', '5.s', '" 5s"', '+5s', '0.1234567890s', '5ms', 'abc'])('refuses the duration %s', (text) => {
    expect(cluster(`connect_timeout: ${text}`).errors).toHaveLength(1);
  });
  it('says how to write a duration that has another unit', () => {
    const parsed = parseYamlMessage('{name: a, connect_timeout: 250ms}', CLUSTER);
    expect(parsed.config.problems.errors()[0].hints[0]).toBe('write seconds: "0.25s"');
  });
  it('reads wrappers bare and as objects', () => {
    expect(cluster('per_connection_buffer_limit_bytes: {value: 5}').value.perConnectionBufferLimitBytes).toBe(5);
    expect(cluster('per_connection_buffer_limit_bytes: 5').value.perConnectionBufferLimitBytes).toBe(5);
    expect(cluster('per_connection_buffer_limit_bytes: {}').value.perConnectionBufferLimitBytes).toBe(0);
  });
  it('reads timestamps and field masks in both forms', () => {
    const stamp = parseYamlMessage('{last_updated: "2020-01-02T03:04:05Z"}', 'envoy.admin.v3.ListenersConfigDump.StaticListener');
    expect(stamp.errors()).toEqual([]);
    expect(parseYamlMessage('{last_updated: {seconds: 5}}', 'envoy.admin.v3.ListenersConfigDump.StaticListener').errors()).toEqual([]);
  });
});

describe('booleans', () => {
  it.each(['"true"', '"t"', '"yes"', '"Y"', '"1"'])('%s is true', (text) => {
    expect(cluster(`respect_dns_ttl: ${text}`).value.respectDnsTtl).toBe(true);
  });
  it.each(['"false"', '"F"', '"no"', '"n"', '"0"'])('%s is false', (text) => {
    expect(cluster(`respect_dns_ttl: ${text}`).errors).toEqual([]);
  });
  it.each(['"on"', '1', '{value: true}', '""'])('%s is an error', (text) => {
    expect(cluster(`respect_dns_ttl: ${text}`).errors).toHaveLength(1);
  });
});

describe('integers', () => {
  it.each([
    ['"5"', 5],
    ['1.0', 1],
    ['1e3', 1000],
    ["'+5'", 5],
  ])('reads %s', (text, value) => {
    expect(cluster(`per_connection_buffer_limit_bytes: ${text}`).value.perConnectionBufferLimitBytes).toBe(value);
  });
  it.each(['1.5', '-1', '4294967296', "' 5'", "''", 'abc'])('refuses %s', (text) => {
    expect(cluster(`per_connection_buffer_limit_bytes: ${text}`).errors).toHaveLength(1);
  });
});

describe('Any', () => {
  it('without @type is accepted only when empty', () => {
    expect(cluster('typed_extension_protocol_options: {x: {}}').errors).toEqual([]);
    expect(cluster('typed_extension_protocol_options: {x: {a: b}}').errors[0]).toContain('missing @type in Any is only allowed for an empty object');
  });
  it('that holds a well-known type has its content under value', () => {
    const any = (content: string) => parseYamlMessage(`{name: a, typed_config: {"@type": type.googleapis.com/${content}}}`, 'envoy.config.core.v3.TypedExtensionConfig');
    const struct = any('google.protobuf.Struct, value: {a: 1}');
    expect(struct.errors()).toEqual([]);
    const holder = struct.message as { typedConfig: { typeUrl: string } };
    expect(struct.context.unpackAny(holder.typedConfig)?.typeName).toBe('google.protobuf.Struct');
    expect(any('google.protobuf.StringValue, value: x').errors()).toEqual([]);
    expect(any('google.protobuf.Struct, a: 1').errors()[0]).toContain("no such field: 'a'");
  });
  it.each(['xds.type.v3.TypedStruct', 'udpa.type.v1.TypedStruct'])('unwraps %s, with positions of the inner fields', (type) => {
    const inner = 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer';
    const yaml = (content: string) => `name: a\ntyped_config:\n  "@type": type.googleapis.com/${type}\n  type_url: ${inner}\n  value:\n    ${content}\n`;
    const good = parseYamlMessage(yaml('max_request_bytes: 7'), 'envoy.config.core.v3.TypedExtensionConfig');
    const opened = good.context.unpackAny((good.message as { typedConfig: { typeUrl: string } }).typedConfig);
    expect(opened?.typeName).toBe('envoy.extensions.filters.http.buffer.v3.Buffer');
    expect(opened?.message).toMatchObject({ maxRequestBytes: 7 });
    expect(good.context.position(opened?.message ?? {}, 'max_request_bytes')).toEqual({ file: 'test.yaml', line: 6, column: 24, path: 'typed_config.value.max_request_bytes' });
    const bad = parseYamlMessage(yaml('max_request_byte: 7'), 'envoy.config.core.v3.TypedExtensionConfig');
    expect(bad.errors()[0]).toContain("type envoy.extensions.filters.http.buffer.v3.Buffer reason INVALID_ARGUMENT: no such field: 'max_request_byte'");
    expect(bad.config.problems.errors()[0].hints).toEqual(["did you mean 'max_request_bytes'?"]);
  });
});

describe('unknown fields', () => {
  it('are all reported, each with the nearest name', () => {
    const parsed = parseYamlMessage('node: {idd: x}\nstatic_resource: {}\nadmin: {adress: 1}', BOOTSTRAP);
    expect(parsed.config.problems.errors().map((p) => [p.path, p.hints[0]])).toEqual([
      ['node.idd', "did you mean 'id'?"],
      ['static_resource', "did you mean 'static_resources'?"],
      ['admin.adress', "did you mean 'address'?"],
    ]);
  });
});

describe('oneofs', () => {
  it('hold one member', () => {
    expect(cluster('type: STATIC, cluster_type: {name: b}').errors[0]).toContain("'cluster_type' has already been set (either directly or as part of a oneof)");
  });
});

describe('JSON', () => {
  it('accepts trailing commas, single quotes and unquoted keys', () => {
    const { value, errors } = json(`{static_resources: {'clusters': [{name: 'a',}, {"name": "b"},],},}`);
    expect(errors).toEqual([]);
    expect(value?.staticResources?.clusters.map((c) => c.name)).toEqual(['a', 'b']);
  });
  it('keeps numbers as numbers', () => {
    expect(json('{"node": {"metadata": {"a": 1.5}}}').value?.node?.metadata).toEqual({ a: 1.5 });
    expect(json('{"flags_path": 5}').errors).toHaveLength(1);
  });
  it('reads escapes', () => {
    expect(json('{"flags_path": "\\u0041\\n\\/\\ud83d\\ude00"}').value?.flagsPath).toBe('A\n/😀');
    expect(json('{"flags_path": "\\ud83d"}').errors[0]).toContain('not valid Unicode');
  });
  it.each(['{', '{"a"', '{"a":', '[1', '"', '{"a" 1}', '{a:01}', '{a:tru}', '{} x', '', '{"a":"\n"}', '{"a":"\\x"}'])('reports a syntax error for %j', (text) => {
    expect(json(text).errors).toHaveLength(1);
  });
});

describe('depth', () => {
  it('is bounded in YAML and JSON', () => {
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    expect(() => bootstrap(`node: {metadata: {a: ${deep}}}`)).toThrow('JSON content was too deeply nested');
    expect(bootstrap(`node: {metadata: {a: ${'['.repeat(150)}${']'.repeat(150)}}}`).errors).toEqual(['JSON content was too deeply nested']);
    expect(json(`{"node": {"metadata": {"a": ${deep}}}}`).errors[0]).toContain('JSON content was too deeply nested');
  });
});

describe('what is not a map', () => {
  it.each([
    ['', 'Unable to convert YAML as JSON: '],
    ['hello', 'Unable to convert YAML as JSON: hello'],
    ['[a]', 'Unable to parse JSON as proto (INVALID_ARGUMENT: expected a map at the top): ["a"]'],
  ])('%j is refused', (text, error) => {
    expect(() => bootstrap(text)).toThrow(error);
  });
});

describe('deprecated fields', () => {
  it('are reported at warn level', () => {
    const { warnings } = bootstrap('admin: {access_log_path: /dev/null}');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^Deprecated field: type envoy.config.bootstrap.v3.Admin Using deprecated option 'envoy.config.bootstrap.v3.Admin.access_log_path' from file bootstrap.proto/);
  });
});
