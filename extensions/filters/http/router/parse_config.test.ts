import { describe, expect, it } from 'vitest';
import { fileAccessLogFactory } from '../../../access_loggers/file/config.ts';
import type { Router } from '../../../../core/api/gen/envoy/extensions/filters/http/router/v3/router_pb.d.ts';
import type { RouterConfig } from '../../../../core/router/router_context.ts';
import { configRegistry } from '../../../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../../../test/support/parse_yaml.ts';
import { parseRouter, ROUTER_TYPE } from './parse_config.ts';

const FILE = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';

function log(typeUrl: string, fields = ''): string {
  return `upstream_log: [{name: a, ${fields} typed_config: {"@type": ${typeUrl}, path: /dev/null}}]`;
}

function parse(fields: string): { config: RouterConfig; errors: string[]; warnings: string[] } {
  const registry = configRegistry();
  registry.register(fileAccessLogFactory);
  const parsed = parseYamlMessage(`{${fields}}`, ROUTER_TYPE, registry);
  const config = parseRouter(parsed.message as Router, parsed.context);
  return { config, errors: parsed.errors(), warnings: parsed.warnings() };
}

describe('parseRouter: upstream_log', () => {
  it('is absent by default', () => {
    expect(parse('').config.upstreamLog).toBeNull();
  });

  it('reads logs with their filters, and the options', () => {
    const { config, errors, warnings } = parse(`${log(FILE, 'filter: {status_code_filter: {comparison: {op: GE, value: {default_value: 500, runtime_key: k}}}},')},
      upstream_log_options: {flush_upstream_log_on_upstream_stream: true, upstream_log_flush_interval: 1.5s}`);
    expect([errors, warnings]).toEqual([[], []]);
    expect(config.upstreamLog).toMatchObject({
      logsReadyTries: true, intervalMs: 1500,
      logs: [{ filter: { kind: 'status_code', op: 'GE', value: 500 }, extension: { name: 'a', config: { destination: '/dev/null' } } }],
    });
  });

  it('names a log that nobody knows', () => {
    const { errors } = parse(log('type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccesLog'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('access_loggers.file.v3.FileAccesLog');
  });

  it('says that the options without a log have no effect', () => {
    const { config, warnings } = parse('upstream_log_options: {flush_upstream_log_on_upstream_stream: true}');
    expect(config.upstreamLog).toBeNull();
    expect(warnings.join()).toContain('upstream_log_options');
  });
});
