import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import { configRegistry } from '../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { parseSocketMatches } from './socket_matches.ts';

const RAW = 'transport_socket: { name: envoy.transport_sockets.raw_buffer, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer } }';
const CHECK = 'timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1';
const REDIS = 'custom_health_check: { name: r, typed_config: { "@type": type.googleapis.com/envoy.extensions.health_checkers.redis.v3.Redis } }';

function parse(fields: string) {
  const parsed = parseYamlMessage(`{ name: c, ${fields} }`, 'envoy.config.cluster.v3.Cluster', configRegistry());
  const sockets = parseSocketMatches(parsed.message as Cluster, null, parsed.context);
  return { sockets, errors: parsed.errors(), warnings: parsed.warnings() };
}

function matches(...rows: readonly (readonly [name: string, match: string])[]): string {
  return `transport_socket_matches: [${rows.map(([name, match]) => `{ name: ${name}, match: ${match}, ${RAW} }`).join(', ')}]`;
}

const labels = (value: unknown) => ({ 'envoy.transport_socket_match': value });

describe('transport socket matches', () => {
  it.each([
    ['all labels', '{ a: b, c: 1 }', { a: 'b', c: 1, d: 2 }, {}, 'm'],
    ['a label that is missing', '{ a: b, c: 1 }', { a: 'b' }, {}, undefined],
    ['a label of another type', '{ c: 1 }', { c: '1' }, {}, undefined],
    ['null is a value', '{ a: null }', {}, {}, undefined],
    ['null', '{ a: null }', { a: null }, {}, 'm'],
    ['a list', '{ l: [x, { y: true }] }', { l: ['x', { y: true }] }, {}, 'm'],
    ['a member of a list', '{ l: x }', { l: ['x'] }, {}, undefined],
    ['the locality', '{ a: b }', { c: 1 }, { a: 'b' }, 'm'],
    ['half here, half there', '{ a: b, c: 1 }', { c: 1 }, { a: 'b' }, undefined],
    ['no labels', '{}', { c: 1 }, {}, 'm'],
    ['what objects have anyway', '{ constructor: x }', {}, {}, undefined],
  ])('%s', (_name, match, endpoint, locality, name) => {
    const { sockets, errors } = parse(matches(['m', match]));
    expect(errors).toEqual([]);
    expect(sockets.of(labels(endpoint), labels(locality))).toEqual(name === undefined ? undefined : { traffic: name, checks: '' });
  });

  it('the first fits; those of endpoints before those of localities', () => {
    const { sockets } = parse(matches(['one', '{ a: b }'], ['two', '{ a: b, c: 1 }'], ['three', '{ d: 1 }'], ['one', '{ e: 1 }']));
    expect(sockets.of(labels({ a: 'b', c: 1 }), {})?.traffic).toBe('one');
    expect(sockets.of(labels({ d: 1 }), labels({ a: 'b' }))?.traffic).toBe('three');
    expect(sockets.of({ 'envoy.lb': { a: 'b' } }, { 'envoy.lb': { a: 'b' } })).toBeUndefined();
    expect(Object.keys(sockets.sockets())).toEqual(['one', 'two', 'three']);
  });

  it('one name stands for one socket', () => {
    const TLS = 'transport_socket: { name: envoy.transport_sockets.tls, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext } }';
    const two = (name: string): string => `transport_socket_matches: [{ name: one, match: { a: b }, ${RAW} }, { name: ${name}, match: { c: d }, ${TLS} }]`;
    expect(parse(two('other')).errors).toEqual([]);
    expect(parse(two('one')).errors.join()).toContain('another transport socket of the name "one"');
    // The cluster's own has a name too.
    expect(parse(two('default')).errors.join()).toContain('another transport socket of the name "default"');
  });

  it('connections of checks have criteria of their own', () => {
    const { sockets, warnings } = parse(`${matches(['one', '{ a: b }'], ['two', '{ d: 1 }'])}, health_checks: [{ ${CHECK}, tcp_health_check: {}, transport_socket_match_criteria: { a: b } }]`);
    expect(sockets.of({}, {})).toEqual({ traffic: 'default', checks: 'one' });
    expect(sockets.of(labels({ d: 1 }), {})).toEqual({ traffic: 'two', checks: 'one' });
    expect(warnings.join()).not.toContain('transport_socket_match_criteria');
  });

  it('criteria that no socket has leave the choice to the locality', () => {
    const { sockets } = parse(`${matches(['one', '{ a: b }'])}, health_checks: [{ ${CHECK}, tcp_health_check: {}, transport_socket_match_criteria: { q: 1 } }]`);
    expect(sockets.of({}, {})).toEqual({ traffic: 'default', checks: 'default' });
    expect(sockets.of({}, labels({ a: 'b' }))).toEqual({ traffic: 'one', checks: 'one' });
  });

  it('checks of Redis do not look at criteria, which is said', () => {
    const { sockets, warnings } = parse(`${matches(['one', '{ a: b }'])}, health_checks: [{ ${CHECK}, ${REDIS}, transport_socket_match_criteria: { a: b } }]`);
    expect(sockets.of({}, {})).toBeUndefined();
    expect(warnings.join()).toContain('transport_socket_match_criteria');
  });

  it.each([
    ['transport_socket_matches: [{ name: m, transport_socket: { name: alts, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.alts.v3.Alts, handshaker_service: x } } }]', "Didn't find a registered implementation for 'alts' with type URL: 'envoy.extensions.transport_sockets.alts.v3.Alts'"],
    ['transport_socket_matches: [{ name: m }]', "Didn't find a registered implementation for '' with type URL: ''"],
    [`transport_socket_matches: [{ ${RAW} }]`, 'TransportSocketMatchValidationError.Name: value length must be at least 1 characters'],
    ['transport_socket_matcher: { on_no_match: { action: { name: a, typed_config: { "@type": type.googleapis.com/google.protobuf.Empty } } } }', 'feature not supported: choosing transport sockets by a matcher'],
  ])('refuses %s', (fields, why) => {
    expect(parse(fields).errors.join()).toContain(why);
  });
});
