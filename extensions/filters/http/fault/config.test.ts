import { describe, expect, it } from 'vitest';
import type { HttpFilterFactory } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_CATEGORY } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_ROUTE_CATEGORY } from '../../../../core/http/filter_context.ts';
import { FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { FilterBench } from '../../../../test/support/filter_harness.ts';
import { parseYamlMessage } from '../../../../test/support/parse_yaml.ts';
import { register } from './config.ts';
import type { FaultConfig } from './fault_config.ts';

const TYPE = 'envoy.extensions.filters.http.fault.v3.HTTPFault';

function parse(yaml: string, category: string = HTTP_FILTER_CATEGORY) {
  const registry = new FactoryRegistry();
  register(registry);
  const factory = registry.get(category, TYPE);
  if (factory === undefined) throw new Error('the fault filter is not registered');
  const parsed = parseYamlMessage(yaml, TYPE);
  return { factory, config: factory.parse(parsed.message, parsed.context) as FaultConfig, parsed };
}

describe('fault configuration', () => {
  it('takes every field', () => {
    const { config, parsed } = parse(`
      delay: { fixed_delay: 1.5s, percentage: { numerator: 10, denominator: TEN_THOUSAND } }
      abort: { http_status: 503, percentage: { numerator: 50 } }
      response_rate_limit: { fixed_limit: { limit_kbps: 8 }, percentage: { numerator: 100 } }
      upstream_cluster: up
      headers: [{ name: x-fault, present_match: true }]
      downstream_nodes: [a, b]
      max_active_faults: 3
      delay_percent_runtime: my.delay
      disable_downstream_cluster_stats: true
      filter_metadata: { why: test }
    `);
    expect(parsed.errors()).toEqual([]);
    expect(parsed.warnings()).toEqual([]);
    expect(config.delay).toEqual({ delayMs: 1500, percentage: { numerator: 10, denominator: 10000 } });
    expect(config.abort).toEqual({ httpStatus: 503, grpcStatus: -1, isFromHeader: false, percentage: { numerator: 50, denominator: 100 } });
    expect(config.responseRateLimit).toEqual({ limitKbps: 8, percentage: { numerator: 100, denominator: 100 } });
    expect(config.maxActiveFaults).toBe(3);
    expect(config.runtimeKeys.delayPercent).toBe('my.delay');
    expect(config.runtimeKeys.abortPercent).toBe('fault.http.abort.abort_percent');
    expect(config.filterMetadata).toEqual({ why: 'test' });
    expect(structuredClone(config)).toEqual(config);
  });

  it('takes faults that the request asks for', () => {
    const { config, parsed } = parse(`
      delay: { header_delay: {}, percentage: { numerator: 100 } }
      abort: { header_abort: {}, percentage: { numerator: 100 } }
      response_rate_limit: { header_limit: {}, percentage: { numerator: 100 } }
    `);
    expect(parsed.errors()).toEqual([]);
    expect(parsed.warnings()).toEqual([]);
    expect(config.delay?.delayMs).toBe(-1);
    expect(config.abort?.isFromHeader).toBe(true);
    expect(config.responseRateLimit?.limitKbps).toBe(-1);
  });

  it('never injects where no percentage is given', () => {
    expect(parse('abort: { http_status: 503 }').config.abort?.percentage.numerator).toBe(0);
  });

  it('refuses an abort status outside 200..599 and an abort without a kind', () => {
    expect(parse('abort: { http_status: 600, percentage: { numerator: 1 } }').parsed.errors()).toHaveLength(1);
    expect(parse('abort: { percentage: { numerator: 1 } }').parsed.errors()).toHaveLength(1);
  });

  it('makes filters from the filter configuration and settings from that of a route', () => {
    const bench = new FilterBench();
    const { factory, config } = parse('abort: { http_status: 503, percentage: { numerator: 100 } }');
    const filters = factory.createFactory(config, bench.context) as HttpFilterFactory;
    expect(bench.stream(filters.createFilter()).request().downstream.status).toBe(503);
    const route = parse('abort: { http_status: 429, percentage: { numerator: 100 } }', HTTP_FILTER_ROUTE_CATEGORY);
    expect(route.factory.createFactory(route.config, bench.context)).toHaveProperty('config', route.config);
  });
});
