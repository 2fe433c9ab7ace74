import { describe, expect, it } from 'vitest';
import { configRegistry, parseOnly } from '../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import type { RouteConfiguration } from '../api/gen/envoy/config/route/v3/route_pb.d.ts';
import { parseRouteConfig } from './parse_route_config.ts';
import { conditionNames, NO_RETRIES, RETRY_HOST_PREDICATE_CATEGORY, RetryOn, type RetryPolicyConfig } from './retry_policy.ts';

/** The policy of a route, and one of its virtual host above it. */
function parse(own: string, above = ''): { retries: RetryPolicyConfig | null; errors: string[]; warnings: string[] } {
  const registry = configRegistry();
  registry.register(parseOnly(RETRY_HOST_PREDICATE_CATEGORY, 'p', 'google.protobuf.Struct', () => ({ from: 'struct' })));
  const yaml = `{name: rc, virtual_hosts: [{name: v, domains: ["*"], ${above} routes: [{match: {prefix: /}, route: {cluster: c, ${own}}}]}]}`;
  const parsed = parseYamlMessage(yaml, 'envoy.config.route.v3.RouteConfiguration', registry);
  const config = parseRouteConfig(parsed.message as RouteConfiguration, false, parsed.context);
  const action = config.virtualHosts[0].routes[0].action;
  return { retries: action.kind === 'route' ? action.retries : null, errors: parsed.errors(), warnings: parsed.warnings() };
}

describe('retry policies', () => {
  it('are none where nothing is said, and have defaults where little is', () => {
    expect(parse('').retries).toBeNull();
    expect(parse('retry_policy: {}')).toEqual({ retries: NO_RETRIES, errors: [], warnings: [] });
  });

  it('know every condition, http and grpc, with blanks around', () => {
    const all = '5xx, gateway-error,connect-failure ,retriable-4xx,refused-stream,retriable-status-codes,reset,retriable-headers,envoy-ratelimited,reset-before-request,'
      + 'cancelled,deadline-exceeded,resource-exhausted,unavailable,internal';
    const { retries, warnings } = parse(`retry_policy: {retry_on: "${all}"}`);
    expect(conditionNames(retries?.retryOn ?? 0)).toEqual(all.split(',').map((name) => name.trim()));
    expect(warnings).toEqual([]);
  });

  it.each([['5xx,nonsense', RetryOn.fiveXx, "no condition 'nonsense'"], ['http3-post-connect-failure', RetryOn.http3PostConnectFailure, 'never happens']])('warn of %s', (retryOn, bits, warning) => {
    const { retries, errors, warnings } = parse(`retry_policy: {retry_on: "${retryOn}"}`);
    expect([retries?.retryOn, errors]).toEqual([bits, []]);
    expect(warnings).toEqual([expect.stringContaining(warning)]);
  });

  it.each<[string, Partial<RetryPolicyConfig>]>([
    ['num_retries: 0, retriable_status_codes: [409, 425]', { numRetries: 0, retriableStatusCodes: [409, 425] }],
    ['retry_back_off: {base_interval: 0.1s}', { backOffBaseMs: 100, backOffMaxMs: 0 }],
    ['retry_back_off: {base_interval: 0.0001s, max_interval: 0.0002s}', { backOffBaseMs: 1, backOffMaxMs: 1 }],
    ['rate_limited_retry_back_off: {reset_headers: [{name: Retry-After}, {name: X-Reset, format: UNIX_TIMESTAMP}], max_interval: 2s}',
      { resetHeaders: [{ name: 'retry-after', format: 'seconds' }, { name: 'x-reset', format: 'unix_timestamp' }], resetMaxMs: 2000 }],
    ['host_selection_retry_max_attempts: 4, retry_host_predicate: [{name: p, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct}}]',
      { hostSelectionMaxAttempts: 4, hostPredicates: [{ name: 'p', typeName: 'google.protobuf.Struct', config: { from: 'struct' } }] }],
  ])('read %s', (yaml, expected) => {
    const { retries, errors } = parse(`retry_policy: {${yaml}}`);
    expect(errors).toEqual([]);
    expect(retries).toMatchObject(expected);
  });

  it('of a route replace those of its virtual host as a whole', () => {
    const above = 'retry_policy: {retry_on: 5xx, num_retries: 7},';
    expect(parse('', above).retries).toMatchObject({ retryOn: RetryOn.fiveXx, numRetries: 7 });
    expect(parse('retry_policy: {retry_on: reset}', above).retries).toMatchObject({ retryOn: RetryOn.reset, numRetries: 1 });
  });

  it('given as an extension are none, as in Envoy', () => {
    const { retries, errors, warnings } = parse('retry_policy_typed_config: {"@type": type.googleapis.com/envoy.config.route.v3.RetryPolicy, retry_on: 5xx}');
    expect([retries, errors, warnings]).toEqual([null, [], ['has no effect, in Envoy neither: give retry_policy']]);
  });

  it.each<[string, string]>([
    ['retry_policy: {retry_back_off: {base_interval: 2s, max_interval: 1s}}', 'max_interval must greater than or equal'],
    ['retry_policy: {retry_priority: {name: p}}', "Didn't find a registered implementation for 'p'"],
    ['retry_policy: {retry_options_predicates: [{name: p, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct}}]}', "Didn't find a registered implementation for 'p' with type URL: 'google.protobuf.Struct'"],
  ])('refuse %s', (yaml, problem) => {
    expect(parse(yaml).errors).toEqual([expect.stringContaining(problem)]);
  });
});
