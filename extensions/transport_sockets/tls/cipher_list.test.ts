import { describe, expect, it } from 'vitest';
import { evaluateCipherList, rejectedCiphers } from './cipher_list.ts';

describe('a list of cipher suites', () => {
  it.each([
    ['AES128-SHA', ['AES128-SHA']],
    ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', ['ECDHE-ECDSA-CHACHA20-POLY1305']],
    ['TLS_AES_128_GCM_SHA256:AES128-SHA', ['AES128-SHA']],
    ['[AES256-SHA|AES128-SHA]:AES128-GCM-SHA256', ['AES256-SHA', 'AES128-SHA', 'AES128-GCM-SHA256']],
    ['AESGCM', ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384', 'AES128-GCM-SHA256', 'AES256-GCM-SHA384']],
    ['ECDHE+AESGCM:!ECDSA', ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384']],
    ['RSA+AESGCM:+AES128', ['AES256-GCM-SHA384', 'AES128-GCM-SHA256']],
    ['RSA+AESGCM:@STRENGTH', ['AES256-GCM-SHA384', 'AES128-GCM-SHA256']],
    ['-ALL:AES128-SHA', ['AES128-SHA']],
    ['AES128-SHA:AES256-SHA:-AES128-SHA:AES128-SHA', ['AES256-SHA', 'AES128-SHA']],
    ['3DES', ['DES-CBC3-SHA']],
    ['DEFAULT:!PSK:!AES:!CHACHA20:DES-CBC3-SHA', ['DES-CBC3-SHA']],
    ['DEFAULT:!PSK:!AES128:!CHACHA20:!ECDHE', ['AES256-GCM-SHA384', 'AES256-SHA']],
  ])('%s', (list, names) => {
    expect(evaluateCipherList(list)).toEqual(names);
  });

  it.each([
    'foo', '[AES128-SHA', '[AES128-SHA|foo]', 'AES128-SHA,AES256-SHA', '@SECLEVEL=0', '@STRENGTH', 'TLS_AES_128_GCM_SHA256', 'AES256-SHA256', 'ECDHE-RSA-AES256-SHA384',
    'DHE', 'eNULL', 'SHA256', 'MEDIUM', '', '!ALL', 'constructor', 'RSA+toString',
  ])('%s is none', (list) => {
    expect(evaluateCipherList(list)).toBeUndefined();
  });

  it('has no deprecated suites unless they are named', () => {
    expect(evaluateCipherList('ALL')).not.toContain('DES-CBC3-SHA');
    expect(evaluateCipherList('ALL')).not.toContain('ECDHE-RSA-AES128-SHA256');
    expect(evaluateCipherList('ECDHE-RSA-AES128-SHA256')).toEqual(['ECDHE-RSA-AES128-SHA256']);
  });

  it('says which names are wrong by themselves', () => {
    expect(rejectedCiphers('-ALL:[AES128-SHA|foo]:!bar:kRSA+baz')).toEqual(['foo', 'bar', 'baz']);
  });
});
