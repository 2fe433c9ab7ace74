import { describe, expect, it } from 'vitest';
import { parseYamlMessage, testDescriptors } from '../../test/support/parse_yaml.ts';
import { messageToJson } from './message_export.ts';

const HOLDER = 'envoy.config.core.v3.TypedExtensionConfig';

function exported(yaml: string, type: string): unknown {
  const parsed = parseYamlMessage(yaml, type);
  return messageToJson(parsed.config.tree, testDescriptors(), parsed.config.rawRoot());
}

describe('messageToJson', () => {
  it('uses proto field names and expands Anys at any depth', () => {
    const matcher = '{"@type": type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.SourceIPInput}';
    const inner = `{"@type": type.googleapis.com/${HOLDER}, name: deep, typed_config: ${matcher}}`;
    expect(exported(`{name: a, typed_config: ${inner}}`, HOLDER)).toEqual({
      name: 'a',
      typed_config: {
        '@type': `type.googleapis.com/${HOLDER}`,
        name: 'deep',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.SourceIPInput' },
      },
    });
  });
  it('shows a TypedStruct as the message inside', () => {
    const typed = '{"@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: a/envoy.extensions.filters.http.buffer.v3.Buffer, value: {max_request_bytes: 5}}';
    expect(exported(`{name: a, typed_config: ${typed}}`, HOLDER)).toEqual({
      name: 'a',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer', max_request_bytes: 5 },
    });
  });
  it('prints durations, wrappers, enums and structs as proto JSON does', () => {
    const yaml = '{name: c, connect_timeout: 0.25s, per_connection_buffer_limit_bytes: 5, lb_policy: random, metadata: {filter_metadata: {x: {y: 1}}}}';
    expect(exported(yaml, 'envoy.config.cluster.v3.Cluster')).toEqual({
      name: 'c',
      connect_timeout: '0.250s',
      per_connection_buffer_limit_bytes: 5,
      lb_policy: 'RANDOM',
      metadata: { filter_metadata: { x: { y: 1 } } },
    });
  });
  it('leaves an Any of unknown type empty', () => {
    expect(exported('{name: a, typed_config: {"@type": type.googleapis.com/no.Such, x: 1}}', HOLDER)).toEqual({ name: 'a', typed_config: {} });
  });
});
