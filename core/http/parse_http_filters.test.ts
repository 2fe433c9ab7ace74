/** Chains of upstream HTTP filters: Envoy 1.37's words for what may not be. */
import { describe, expect, it } from 'vitest';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import type { HttpProtocolOptions } from '../api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.d.ts';
import type { Router } from '../api/gen/envoy/extensions/filters/http/router/v3/router_pb.d.ts';
import { FactoryRegistry } from '../registry/factory_registry.ts';
import { CLUSTER_UPSTREAM_CHAIN, type HttpChainKind, parseUpstreamFilters, ROUTER_UPSTREAM_CHAIN } from './parse_http_filters.ts';

const filter = (name: string, type: string, rest = '', fields = '') => `{name: ${name}, ${rest} typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.${type}${fields}}}`;
const MUTATION = filter('hm', 'header_mutation.v3.HeaderMutation');
const BUFFER = filter('buf', 'buffer.v3.Buffer', '', ', max_request_bytes: 5');
const CODEC = filter('uc', 'upstream_codec.v3.UpstreamCodec');
const CORS = filter('cors', 'cors.v3.Cors');
const ONLY_CODEC = "The codec filter is the only valid terminal upstream HTTP filter, use 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'";
const MUST_BE_LAST = 'Error: terminal filter named uc of type envoy.filters.http.upstream_codec must be the last filter in a router upstream http filter chain.';
const NOT_THE_END = 'Error: non-terminal filter named hm of type envoy.filters.http.header_mutation is the last filter in a router upstream http filter chain. When upstream_http_filters are specified, they must explicitly end with an UpstreamCodec filter.';

function parse(kind: HttpChainKind, filters: string) {
  const registry = new FactoryRegistry();
  registerAllExtensions(registry);
  const isRouter = kind === ROUTER_UPSTREAM_CHAIN;
  const type = isRouter ? 'envoy.extensions.filters.http.router.v3.Router' : 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const parsed = parseYamlMessage(isRouter ? `{upstream_http_filters: [${filters}]}` : `{explicit_http_config: {http_protocol_options: {}}, http_filters: [${filters}]}`, type, registry);
  const messages = isRouter ? (parsed.message as Router).upstreamHttpFilters : (parsed.message as HttpProtocolOptions).httpFilters;
  const chain = parseUpstreamFilters(parsed.message, messages, kind, parsed.context);
  return { chain, errors: parsed.errors(), warnings: parsed.warnings() };
}

describe('parseUpstreamFilters', () => {
  it.each([
    ['none', '', null],
    ['the codec alone', CODEC, []],
    ['filters and the codec', `${MUTATION}, ${BUFFER}, ${CODEC}`, ['hm', 'buf']],
    ['an optional one that may not stand there', `${filter('cors', 'cors.v3.Cors', 'is_optional: true,')}, ${MUTATION}, ${CODEC}`, ['hm']],
    ['one that is off', `${filter('hm', 'header_mutation.v3.HeaderMutation', 'disabled: true,')}, ${CODEC}`, ['hm']],
  ])('takes %s', (_name, filters, expected) => {
    for (const kind of [ROUTER_UPSTREAM_CHAIN, CLUSTER_UPSTREAM_CHAIN]) {
      const { chain, errors } = parse(kind, filters);
      expect(errors).toEqual([]);
      expect(chain?.map(({ name }) => name) ?? null).toEqual(expected);
    }
  });

  it('keeps that a filter is off', () => {
    expect(parse(ROUTER_UPSTREAM_CHAIN, `${filter('hm', 'header_mutation.v3.HeaderMutation', 'disabled: true,')}, ${CODEC}`).chain).toMatchObject([{ disabled: true }]);
  });

  it.each([
    ['of a router', ROUTER_UPSTREAM_CHAIN, MUTATION, [NOT_THE_END]],
    ['of a router', ROUTER_UPSTREAM_CHAIN, `${CODEC}, ${MUTATION}`, [MUST_BE_LAST, NOT_THE_END]],
    ['of a router', ROUTER_UPSTREAM_CHAIN, `${CODEC}, ${CODEC}`, [MUST_BE_LAST]],
    ['of a router', ROUTER_UPSTREAM_CHAIN, filter('uc', 'upstream_codec.v3.UpstreamCodec', 'disabled: true,'), ['Error: the last (terminal) filter (uc) in the chain cannot be disabled by default.']],
    ['of a router', ROUTER_UPSTREAM_CHAIN, `${CORS}, ${CODEC}`, ["Didn't find a registered implementation for 'cors' with type URL: 'envoy.extensions.filters.http.cors.v3.Cors'"]],
    ['of a router', ROUTER_UPSTREAM_CHAIN, '{name: envoy.filters.http.upstream_codec}', ["Didn't find a registered implementation for 'envoy.filters.http.upstream_codec' with type URL: ''"]],
    ['of a cluster', CLUSTER_UPSTREAM_CHAIN, MUTATION, [ONLY_CODEC]],
    ['of a cluster', CLUSTER_UPSTREAM_CHAIN, `${CODEC}, ${MUTATION}`, [ONLY_CODEC, ONLY_CODEC]],
  ])('%s, refuses %#', (_name, kind, filters, expected) => {
    const { errors } = parse(kind, filters);
    expect(errors.map((error) => error.split('\n')[0])).toEqual(expected.map((text) => expect.stringContaining(text) as string));
  });
});
