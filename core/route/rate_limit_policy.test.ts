import { describe, expect, it } from 'vitest';
import { withoutPort } from '../base/cidr.ts';
import { TurnBuffer } from '../buffer/turn_buffer.ts';
import { compileContext } from '../../test/support/route_config.ts';
import { configRegistry } from '../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import type { RouteAction } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import { HeaderMap } from '../headers/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { StreamInfo } from '../stream_info/stream_info.ts';
import { parseRateLimits } from './parse_rate_limits.ts';
import { type RateLimitDescriptor, RateLimitPolicy } from './rate_limit_policy.ts';

const names = new HeaderNames();
const context = { ...compileContext(names), product: () => ({ key: 'made', value: () => made }) };
const FORMATS = 'envoy.reloadable_features.enable_formatter_for_ratelimit_action_descriptor_value';
let made: string | null = 'v';

interface Question {
  readonly path?: string;
  readonly headers?: readonly [string, string][];
  readonly remote?: string;
  readonly metadata?: Record<string, unknown>;
  readonly routeMetadata?: Record<string, Record<string, unknown>>;
  readonly stage?: number;
  readonly isDone?: boolean;
  readonly disabled?: readonly string[];
  /** Runtime makes descriptor values formats. */
  readonly formats?: boolean;
}

/** The descriptors that a list of rate limits (YAML) gives for a request. */
function populate(limits: string, question: Question = {}): RateLimitDescriptor[] {
  const parsed = parseYamlMessage(`{cluster: c, rate_limits: [${limits}]}`, 'envoy.config.route.v3.RouteAction', configRegistry());
  const configs = parseRateLimits((parsed.message as RouteAction).rateLimits, parsed.context);
  expect(parsed.errors()).toEqual([]);
  const slab = new Uint8Array(65536);
  const headers = new HeaderMap(names, new TurnBuffer(slab, 0, 65536, 0, 0));
  headers.setMethod('GET');
  headers.setPath(question.path ?? '/p?q=abc&empty=');
  for (const [name, value] of question.headers ?? []) headers.add(names.intern(name), value);
  const info = new StreamInfo();
  info.reset(new Float64Array(2));
  info.connection = { id: 1, remoteAddress: question.remote ?? '10.1.2.3:99', remoteHost: withoutPort(question.remote ?? '10.1.2.3:99'), localAddress: '127.0.0.1:1', filterChainName: '', requestedServerName: '' };
  if (question.metadata !== undefined) info.dynamicMetadata = new Map(Object.entries(question.metadata)) as Map<string, Record<string, unknown>>;
  info.route = { routeName: 'r', virtualHostName: 'v', metadata: question.routeMetadata ?? {} };
  const descriptors: RateLimitDescriptor[] = [];
  new RateLimitPolicy(configs, { ...context, runtime: new RuntimeSnapshot({ [FORMATS]: question.formats === true }) }).populateDescriptors(
    descriptors, question.stage ?? 0, question.isDone ?? false, headers, info, 'our-cluster', 'target', (key) => question.disabled?.includes(key) === true,
  );
  return descriptors;
}

/** Entries of each descriptor as `key=value`. */
function entries(limits: string, question: Question = {}): string[][] {
  return populate(limits, question).map((descriptor) => descriptor.entries.map((entry) => `${entry.key}=${entry.value}`));
}

const one = (action: string, question: Question = {}): string[][] => entries(`{actions: [${action}]}`, question);

describe('rate limit actions', () => {
  it.each<[string, Question, string[][]]>([
    ['{source_cluster: {}}', {}, [['source_cluster=our-cluster']]],
    ['{destination_cluster: {}}', {}, [['destination_cluster=target']]],
    ['{remote_address: {}}', {}, [['remote_address=10.1.2.3']]],
    ['{remote_address: {}}', { remote: '/run/a.sock' }, []],
    ['{masked_remote_address: {}}', {}, [['masked_remote_address=10.1.2.3/32']]],
    ['{masked_remote_address: {v4_prefix_mask_len: 12}}', {}, [['masked_remote_address=10.0.0.0/12']]],
    ['{masked_remote_address: {v4_prefix_mask_len: 0}}', {}, [['masked_remote_address=0.0.0.0/0']]],
    ['{masked_remote_address: {v6_prefix_mask_len: 44}}', { remote: '[2001:db8:ff:ffff::1]:9' }, [['masked_remote_address=2001:db8:f0::/44']]],
    ['{masked_remote_address: {v6_prefix_mask_len: 128}}', { remote: '[::1]:9' }, [['masked_remote_address=::1/128']]],
    ['{masked_remote_address: {}}', { remote: '/run/a.sock' }, []],
    ['{generic_key: {descriptor_value: v}}', {}, [['generic_key=v']]],
    ['{generic_key: {descriptor_value: v, descriptor_key: k}}', {}, [['k=v']]],
    ['{generic_key: {descriptor_value: "%REQ(x-a)%"}}', { headers: [['x-a', '1']] }, [['generic_key=%REQ(x-a)%']]],
    ['{generic_key: {descriptor_value: "%REQ(x-a)%", default_value: d}}', {}, [['generic_key=%REQ(x-a)%']]],
    ['{generic_key: {descriptor_value: "100%%"}}', {}, [['generic_key=100%%']]],
    ['{generic_key: {descriptor_value: "%NOPE%"}}', {}, [['generic_key=%NOPE%']]],
    ['{header_value_match: {descriptor_value: "%REQ(x-a)%", headers: [{name: x-a, present_match: true}]}}', { headers: [['x-a', '1']] }, [['header_match=%REQ(x-a)%']]],
    ['{generic_key: {descriptor_value: "%REQ(x-a)%"}}', { headers: [['x-a', '1']], formats: true }, [['generic_key=1']]],
    ['{generic_key: {descriptor_value: "%REQ(x-a)%", default_value: d}}', { formats: true }, [['generic_key=d']]],
    ['{generic_key: {descriptor_value: "%REQ(x-a)%"}}', { formats: true }, []],
    ['{generic_key: {descriptor_value: "100%%"}}', { formats: true }, [['generic_key=100%']]],
    ['{header_value_match: {descriptor_value: "%REQ(x-a)%", headers: [{name: x-a, present_match: true}]}}', { headers: [['x-a', '1']], formats: true }, [['header_match=1']]],
    ['{request_headers: {header_name: X-A, descriptor_key: k}}', { headers: [['x-a', '1'], ['x-a', '2']] }, [['k=1']]],
    ['{request_headers: {header_name: ":path", descriptor_key: k}}', {}, [['k=/p?q=abc&empty=']]],
    ['{request_headers: {header_name: x-a, descriptor_key: k}}', {}, []],
    ['{request_headers: {header_name: x-a, descriptor_key: k, skip_if_absent: true}}', {}, [[]]],
    ['{query_parameters: {query_parameter_name: q, descriptor_key: k}}', {}, [['k=abc']]],
    ['{query_parameters: {query_parameter_name: empty, descriptor_key: k}}', {}, [['k=']]],
    ['{query_parameters: {query_parameter_name: z, descriptor_key: k}}', {}, []],
    ['{query_parameters: {query_parameter_name: z, descriptor_key: k, skip_if_absent: true}}', {}, [[]]],
    ['{header_value_match: {descriptor_value: v, headers: [{name: x-a, present_match: true}]}}', { headers: [['x-a', '1']] }, [['header_match=v']]],
    ['{header_value_match: {descriptor_value: v, headers: [{name: x-a, present_match: true}]}}', {}, []],
    ['{header_value_match: {descriptor_value: v, expect_match: false, descriptor_key: k, headers: [{name: x-a, present_match: true}]}}', {}, [['k=v']]],
    ['{query_parameter_value_match: {descriptor_value: v, query_parameters: [{name: q, string_match: {exact: abc}}]}}', {}, [['query_match=v']]],
    ['{query_parameter_value_match: {descriptor_value: v, query_parameters: [{name: q, string_match: {exact: x}}]}}', {}, []],
    ['{query_parameter_value_match: {descriptor_value: v, expect_match: false, descriptor_key: k, query_parameters: [{name: q, string_match: {exact: x}}]}}', {}, [['k=v']]],
    ['{metadata: {descriptor_key: k, metadata_key: {key: ns, path: [{key: a}, {key: b}]}}}', { metadata: { ns: { a: { b: 'deep' } } } }, [['k=deep']]],
    ['{metadata: {descriptor_key: k, metadata_key: {key: ns, path: [{key: a}]}}}', { metadata: { ns: { a: 5 } } }, []],
    ['{metadata: {descriptor_key: k, default_value: d, metadata_key: {key: ns, path: [{key: a}]}}}', {}, [['k=d']]],
    ['{metadata: {descriptor_key: k, skip_if_absent: true, metadata_key: {key: ns, path: [{key: a}]}}}', {}, [[]]],
    ['{metadata: {descriptor_key: k, source: ROUTE_ENTRY, metadata_key: {key: ns, path: [{key: a}]}}}', { routeMetadata: { ns: { a: 'route' } } }, [['k=route']]],
    ['{dynamic_metadata: {descriptor_key: k, metadata_key: {key: ns, path: [{key: a}]}}}', { metadata: { ns: { a: 'old' } } }, [['k=old']]],
    ['{generic_key: {descriptor_value: a}}, {remote_address: {}}', {}, [['generic_key=a', 'remote_address=10.1.2.3']]],
    ['{generic_key: {descriptor_value: a}}, {request_headers: {header_name: x-a, descriptor_key: k}}', {}, []],
  ])('%s of %j', (action, question, expected) => {
    expect(one(action, question)).toEqual(expected);
  });

  it('asks extensions', () => {
    const configs = [{ ...populateConfig(), actions: [{ kind: 'extension' as const, extension: { name: 'x', typeName: 't', config: {} } }] }];
    const ask = (): string[][] => {
      const found: RateLimitDescriptor[] = [];
      const headers = new HeaderMap(names, new TurnBuffer(new Uint8Array(64), 0, 64, 0, 0));
      new RateLimitPolicy(configs, { ...context, runtime: new RuntimeSnapshot({ [FORMATS]: false }) }).populateDescriptors(found, 0, false, headers, new StreamInfo(), '', '');
      return found.map((descriptor) => descriptor.entries.map((entry) => `${entry.key}=${entry.value}`));
    };
    expect(ask()).toEqual([['made=v']]);
    made = '';
    expect(ask()).toEqual([[]]);
    made = null;
    expect(ask()).toEqual([]);
    made = 'v';
  });
});

function populateConfig(): ReturnType<typeof parseRateLimits>[number] {
  return { stage: 0, disableKey: '', actions: [], limitOverride: null, hitsAddend: null, appliesOnStreamDone: false, rateLimitHeaders: 'unspecified' };
}

describe('rate limit policies', () => {
  const key = (value: string, more = ''): string => `{actions: [{generic_key: {descriptor_value: ${value}}}]${more}}`;

  it('keeps each stage and each end of a stream apart, and drops what is disabled', () => {
    const limits = [key('zero'), key('one', ', stage: 1'), key('last', ', stage: 10'), key('end', ', apply_on_stream_done: true'), key('switched', ', disable_key: k')].join(', ');
    expect(entries(limits)).toEqual([['generic_key=zero'], ['generic_key=switched']]);
    expect(entries(limits, { disabled: ['k'] })).toEqual([['generic_key=zero']]);
    expect(entries(limits, { stage: 1 })).toEqual([['generic_key=one']]);
    expect(entries(limits, { stage: 10 })).toEqual([['generic_key=last']]);
    expect(entries(limits, { isDone: true })).toEqual([['generic_key=end']]);
    expect(entries(limits, { stage: 2 })).toEqual([]);
  });

  it('reads a limit out of dynamic metadata', () => {
    const limits = key('a', ', limit: {dynamic_metadata: {metadata_key: {key: ns, path: [{key: limit}]}}}');
    const limit = (value: unknown): unknown => populate(limits, { metadata: { ns: { limit: value } } })[0].limit;
    expect(limit({ requests_per_unit: 42, unit: 'HOUR' })).toEqual({ requestsPerUnit: 42, unit: 'HOUR' });
    for (const bad of [{ requests_per_unit: 42, unit: 'hour' }, { requests_per_unit: '42', unit: 'HOUR' }, { unit: 'HOUR' }, 'x', undefined]) expect(limit(bad), JSON.stringify(bad)).toBeNull();
  });

  it.each<[string, readonly [string, string][], number | null]>([
    ['', [], null], [', hits_addend: {number: 3}', [], 3], [', hits_addend: {number: 0}', [], 0], [', hits_addend: {format: "%REQ(x-cost)%"}', [['x-cost', '7']], 7],
    [', hits_addend: {format: "%REQ(x-cost)%"}', [['x-cost', 'many']], null], [', hits_addend: {format: "%REQ(x-cost)%"}', [['x-cost', '1000000001']], null],
  ])('counts hits: %s with %j', (more, headers, expected) => {
    expect(populate(key('a', more), { headers })[0].hitsAddend).toBe(expected);
  });

  it('says what the limit does to x-ratelimit headers', () => {
    expect(populate(key('a', ', x_ratelimit_option: DRAFT_VERSION_03'))[0].rateLimitHeaders).toBe('draft_version_03');
  });
});
