import { describe, expect, it } from 'vitest';
import { headerMap } from '../../../test/support/header_map.ts';
import { managerConfig } from '../../../test/support/in_process_worker.ts';
import { HeaderId, HeaderNames } from '../../headers/header_names.ts';
import { StreamInfo } from '../../stream_info/stream_info.ts';
import { applyRemoteAddress } from './client_address.ts';
import type { ConnectionManagerConfig } from './config.ts';
import { withoutPort } from '../../base/cidr.ts';
import { InternalAddressChecker } from './internal_address.ts';
import type { ManagerContext } from './manager_context.ts';

/** x-forwarded-for, the client's address and whether it is internal, for a request from `peer`. */
function from(peer: string, config: Partial<ConnectionManagerConfig>, before: string | undefined = undefined): { forwarded: string | undefined; client: string; isInternal: boolean } {
  const whole = { ...managerConfig(), useRemoteAddress: true, ...config };
  const parts = { localAddress: '192.0.2.1', config: whole, internal: new InternalAddressChecker(whole.internalAddresses) };
  const context = { parts } as unknown as ManagerContext;
  const headers = headerMap(new HeaderNames(), before === undefined ? [] : [['x-forwarded-for', before]]);
  const info = new StreamInfo();
  info.connection = { id: 1, remoteAddress: peer, remoteHost: withoutPort(peer), localAddress: '192.0.2.1:80', filterChainName: '', requestedServerName: '' };
  applyRemoteAddress(headers, context, info);
  return { forwarded: headers.get(HeaderId.forwardedFor), client: info.downstreamRemoteAddress, isInternal: info.isInternalRequest };
}

describe('applyRemoteAddress', () => {
  it.each<[string, Partial<ConnectionManagerConfig>, string | undefined, string]>([
    ['198.51.100.7:4000', {}, undefined, '198.51.100.7'],
    ['198.51.100.7:4000', {}, '1.1.1.1', '1.1.1.1,198.51.100.7'],
    ['198.51.100.7:4000', { mapsIpv4ToIpv6: true }, '1.1.1.1', '1.1.1.1,::ffff:198.51.100.7'],
    ['[2001:db8::7]:4000', { mapsIpv4ToIpv6: true }, undefined, '2001:db8::7'],
    ['[::1]:4000', {}, undefined, '192.0.2.1'],
  ])('a peer %s with %j after %j makes it %s', (peer, config, before, expected) => {
    expect(from(peer, config, before).forwarded).toBe(expected);
  });

  it('appends nothing for a Unix socket, which is internal if they are', () => {
    expect(from('/run/peer.sock', {})).toEqual({ forwarded: undefined, client: '/run/peer.sock', isInternal: false });
    expect(from('/run/peer.sock', { internalAddresses: { cidrs: [], unixSockets: true } }).isInternal).toBe(true);
    expect(from('/run/peer.sock', { internalAddresses: { cidrs: [], unixSockets: false } }).isInternal).toBe(false);
  });
});
