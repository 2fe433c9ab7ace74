import { describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { AutoServerName } from './auto_server_name.ts';

const BOTH = { setsServerName: true, verifiesName: true, header: '' };

function optionsOf(config: Partial<typeof BOTH>, headers: readonly (readonly [string, string])[]) {
  const names = new HeaderNames();
  const auto = new AutoServerName({ ...BOTH, ...config }, names);
  const info: { filterState?: Map<string, unknown> | null } = {};
  return { options: auto.optionsOf(headerMap(names, headers), info), state: Object.fromEntries(info.filterState ?? []) };
}

describe('what requests say of their connection', () => {
  it.each([
    ['a name', 'a.example', 'a.example', 'a.example'],
    ['without its port', 'a.example:8443', 'a.example', 'a.example'],
    ['as it is spelled', 'A.Example', 'A.Example', 'A.Example'],
    ['addresses are no server names', '127.0.0.1', '', '127.0.0.1'],
    ['nor those of IPv6', '[::1]:80', '', '::1'],
  ])('%s', (_name, authority, serverName, name) => {
    expect(optionsOf({}, [[':authority', authority]]).options).toEqual({ serverName, subjectAltNames: [name] });
  });

  it('each is asked for alone', () => {
    expect(optionsOf({ verifiesName: false }, [[':authority', 'a']]).options).toEqual({ serverName: 'a', subjectAltNames: [] });
    expect(optionsOf({ setsServerName: false }, [[':authority', 'a']]).options).toEqual({ serverName: '', subjectAltNames: ['a'] });
  });

  it('another header comes first, where a request has it', () => {
    const header = 'x-name';
    expect(optionsOf({ header }, [[':authority', 'a'], ['x-name', 'b:1']]).options?.serverName).toBe('b');
    expect(optionsOf({ header }, [[':authority', 'a']]).options?.serverName).toBe('a');
    expect(optionsOf({ header }, [[':authority', 'a'], ['x-name', '']]).options?.serverName).toBe('a');
  });

  it('is left for log lines', () => {
    expect(optionsOf({}, [[':authority', 'a:1']]).state).toEqual({ 'envoy.network.upstream_server_name': 'a', 'envoy.network.upstream_subject_alt_names': 'a' });
    expect(optionsOf({ verifiesName: false }, [[':authority', '10.0.0.1']]).state).toEqual({});
  });

  it('nothing, without a name', () => {
    expect(optionsOf({}, []).options).toBe(null);
  });
});
