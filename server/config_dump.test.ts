import { expect, it } from 'vitest';
import { parseYamlMessage } from '../test/support/parse_yaml.ts';
import { dumpTexts } from './config_dump.ts';

it('hides secrets, but not which file or variable they are in', () => {
  const options = (fields: string) => `{ envoy.filters.network.redis_proxy: { "@type": type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions, ${fields} } }`;
  const dump = (fields: string): string => {
    const { config } = parseYamlMessage(`static_resources: { clusters: [{ name: c, typed_extension_protocol_options: ${options(fields)} }] }`, 'envoy.config.bootstrap.v3.Bootstrap');
    return Buffer.from(dumpTexts(config).clusters.bytes).toString();
  };
  const shown = dump('auth_username: { inline_string: alice }, auth_password: { inline_bytes: c2VjcmV0 }');
  expect(shown).toContain('[redacted]');
  expect(shown).not.toMatch(/alice|c2VjcmV0|secret/);
  expect(dump('auth_password: { environment_variable: REDIS_PASSWORD }')).toContain('REDIS_PASSWORD');
});
