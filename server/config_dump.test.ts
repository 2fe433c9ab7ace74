import { expect, it } from 'vitest';
import { parseYamlMessage } from '../test/support/parse_yaml.ts';
import { ConfigDump, dumpTexts } from './config_dump.ts';

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

it('lists static secrets, what they hide redacted', async () => {
  const { config } = parseYamlMessage('static_resources: { secrets: [{ name: mine, tls_certificate: { certificate_chain: { filename: a.pem }, private_key: { inline_string: hidden } } }] }', 'envoy.config.bootstrap.v3.Bootstrap');
  const sections = await new ConfigDump(() => dumpTexts(config), 0).sections();
  expect(sections.find(({ key }) => key === 'secrets')?.lists[0].items.map((item) => [item.name, item.json()])).toEqual([['mine', { name: 'mine', secret: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret', name: 'mine',
    tls_certificate: { certificate_chain: { filename: 'a.pem' }, private_key: { inline_string: '[redacted]' } },
  } }]]);
});
