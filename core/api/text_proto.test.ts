import { describe, expect, it } from 'vitest';
import { testDescriptors } from '../../test/support/parse_yaml.ts';
import { readMessage, validateMessage } from '../../server/config/config_loader.ts';
import { problemPosition } from '../../server/config/config_error.ts';
import { LoadedConfig } from '../../server/config/loaded_config.ts';
import { messageToJson } from './message_export.ts';

const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const CLUSTER = 'envoy.config.cluster.v3.Cluster';

function read(text: string, typeName: string, format: 'text' | 'yaml') {
  const config = new LoadedConfig<object>(testDescriptors());
  const message = readMessage(config, typeName, `test.${format}`, text, format, { unknownFields: 'error', skipDeprecated: true });
  if (message !== undefined) validateMessage(config, message);
  const problems = config.problems.errors();
  return {
    json: message === undefined || problems.length > 0 ? undefined : messageToJson(config.tree, config.registry, message),
    errors: problems.map((problem) => [problemPosition(problem), problem.hints[0] ?? problem.text]),
  };
}

describe('text protos mean what the YAML means', () => {
  it.each<[string, string, string, string]>([
    ['messages in {} and <>, with and without colon', BOOTSTRAP, 'node: { id: "a" } admin < profile_path: "/p" >', 'node: {id: a}\nadmin: {profile_path: /p}'],
    ['separators and comments', BOOTSTRAP, '# one\nnode { id: "a", cluster: "b"; } # two\n', 'node: {id: a, cluster: b}'],
    ['strings: quotes, pieces, escapes', BOOTSTRAP, `node { id: 'a"' "b" '\\x41\\101\\n\\u00e9' cluster: "\\303\\251é" }`, 'node: {id: "a\\"bAA\\n\\u00e9", cluster: "\\u00e9\\u00e9"}'],
    ['repeated fields, single and as lists', BOOTSTRAP, 'static_resources { clusters { name: "a" } clusters: [{ name: "b" }, < name: "c" >] }', 'static_resources: {clusters: [{name: a}, {name: b}, {name: c}]}'],
    ['numbers: hex, octal, negative', CLUSTER, 'name: "a" per_connection_buffer_limit_bytes { value: 0x10 } max_requests_per_connection { value: 010 }', 'name: a\nper_connection_buffer_limit_bytes: 16\nmax_requests_per_connection: 8'],
    ['durations, also negative and with nanos', CLUSTER, 'name: "a" connect_timeout { seconds: 1 nanos: 5000000 } cleanup_interval { seconds: 3 }', 'name: a\nconnect_timeout: 1.005s\ncleanup_interval: 3s'],
    ['enums by name and number, booleans', CLUSTER, 'name: "a" type: STRICT_DNS lb_policy: 1 respect_dns_ttl: True', 'name: a\ntype: STRICT_DNS\nlb_policy: LEAST_REQUEST\nrespect_dns_ttl: true'],
    ['wrappers with their zero value', CLUSTER, 'name: "a" per_connection_buffer_limit_bytes { }', 'name: a\nper_connection_buffer_limit_bytes: 0'],
    [
      'structs', BOOTSTRAP,
      'node { metadata { fields { key: "a" value { number_value: 2.0f } } fields { key: "b" value { list_value { values { bool_value: true } values { null_value: NULL_VALUE } } } } ' +
      'fields { key: "c" value { struct_value { fields { key: "d" value { string_value: "e" } } } } } } }',
      'node: {metadata: {a: 2, b: [true, null], c: {d: e}}}',
    ],
    [
      'expanded Anys', BOOTSTRAP,
      'bootstrap_extensions { name: "x" typed_config { [type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer] { max_request_bytes { value: 5 } } } }',
      'bootstrap_extensions: [{name: x, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 5}}]',
    ],
    [
      'packed Anys', BOOTSTRAP,
      'bootstrap_extensions { name: "x" typed_config { type_url: "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer" value: "\\n\\002\\010\\005" } }',
      'bootstrap_extensions: [{name: x, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 5}}]',
    ],
    [
      'Anys of messages with a JSON form of their own', BOOTSTRAP,
      'bootstrap_extensions { name: "x" typed_config { [type.googleapis.com/google.protobuf.Struct] { fields { key: "a" value { string_value: "b" } } } } }',
      'bootstrap_extensions: [{name: x, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct, value: {a: b}}}]',
    ],
    [
      'maps', CLUSTER,
      'name: "a" typed_extension_protocol_options { key: "p" value { [type.googleapis.com/google.protobuf.StringValue] { value: "v" } } }',
      'name: a\ntyped_extension_protocol_options: {p: {"@type": type.googleapis.com/google.protobuf.StringValue, value: v}}',
    ],
    ['bytes', 'envoy.config.core.v3.DataSource', 'inline_bytes: "\\000\\377a"', 'inline_bytes: AP9h'],
  ])('%s', (_, typeName, text, yaml) => {
    const fromText = read(text, typeName, 'text');
    expect(fromText.errors).toEqual([]);
    expect(fromText.json).toEqual(read(yaml, typeName, 'yaml').json);
    expect(fromText.json).toBeDefined();
  });
});

describe('text protos are as strict as protobuf', () => {
  it.each<[string, string, string, string]>([
    ['an unknown field', 'node {\n  idd: "a" }', '2:3', `no field named "idd": did you mean 'id'?`],
    ['a JSON name', 'staticResources {}', '1:1', 'no field named "staticResources"'],
    ['a field twice', 'node { id: "a" id: "b" }', '1:16', 'specified multiple times'],
    ['a number for a string', 'node { id: 5 }', '1:12', 'expected a string in quotes'],
    ['a string for a message', 'node: "a"', '1:7', `expected '{'`],
    ['a list for a single field', 'node { id: ["a"] }', '1:12', 'is not repeated'],
    ['no colon before a scalar', 'node { id "a" }', '1:11', `expected ':'`],
    ['an open message', 'node { id: "a"', '1:15', `the text ends where '}' is expected`],
    ['an open string', 'node { id: "a }', '1:16', 'the string has no end on its line'],
    ['an unknown enum value', 'static_resources { clusters { name: "a" type: NOPE } }', '1:47', 'unknown enumeration value'],
    ['an unknown type in an Any', 'bootstrap_extensions { typed_config { [type.googleapis.com/x.Y] {} } }', '1:39', 'could not find type'],
    ['two members of a oneof', 'stats_flush_on_admin: true', '', ''],
    ['nonsense', '}', '1:1', `expected a field name, found '}'`],
  ])('refuses %s', (name, text, position, reason) => {
    if (name === 'two members of a oneof') {
      const both = read('name: "a" type: STATIC cluster_type { name: "x" }', CLUSTER, 'text');
      expect(both.errors).toEqual([['test.text:1:24', expect.stringContaining('only one of type, cluster_type')]]);
      return;
    }
    const { errors } = read(text, BOOTSTRAP, 'text');
    expect(errors).toEqual([[`test.text:${position}`, expect.stringContaining(reason)]]);
  });

  it('refuses messages nested without end', () => {
    expect(read('node {'.repeat(200), BOOTSTRAP, 'text').errors[0][1]).toContain('nested too deeply');
  });
});
