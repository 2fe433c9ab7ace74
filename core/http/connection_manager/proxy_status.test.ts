import { describe, expect, it } from 'vitest';
import { headerMap } from '../../../test/support/header_map.ts';
import { HeaderId, HeaderNames } from '../../headers/header_names.ts';
import { ResponseFlag } from '../../stream_info/response_flags.ts';
import { StreamInfo } from '../../stream_info/stream_info.ts';
import type { ProxyStatusConfig } from './config.ts';
import { ProxyStatus } from './proxy_status.ts';

const CONFIG: ProxyStatusConfig = { name: { kind: 'server_name' }, hasDetails: true, hasTerminationDetails: true, hasResponseFlags: true, setsResponseCode: false };

function apply(config: Partial<ProxyStatusConfig>, fill: (info: StreamInfo) => void, before: readonly (readonly [string, string])[] = []): [number, string | undefined] {
  const info = new StreamInfo();
  fill(info);
  const headers = headerMap(new HeaderNames(), before);
  headers.status = 418;
  new ProxyStatus({ ...CONFIG, ...config }, 'me').apply(headers, info);
  return [headers.status, headers.get(HeaderId.proxyStatus)];
}

describe('ProxyStatus', () => {
  it('joins details, termination details and flags, escaped', () => {
    const fill = (info: StreamInfo): void => {
      info.setFlag(ResponseFlag.dnsResolutionFailed);
      info.setFlag(ResponseFlag.upstreamConnectionFailure);
      info.responseCodeDetails = 'a"b\\c\td';
      info.connectionTerminationDetails = 'over';
    };
    expect(apply({}, fill)).toEqual([418, 'me; error=connection_refused; details="a\\"b\\\\c\\td; over; UF,DF"']);
    expect(apply({ hasTerminationDetails: false, hasResponseFlags: false }, fill)).toEqual([418, 'me; error=connection_refused; details="a\\"b\\\\c\\td"']);
    expect(apply({ hasDetails: false, setsResponseCode: true }, fill)).toEqual([502, 'me; error=connection_refused']);
  });

  it('follows what a proxy before it said', () => {
    expect(apply({ hasDetails: false }, (info) => info.setFlag(ResponseFlag.rateLimited), [['proxy-status', 'other']])).toEqual([418, 'other, me; error=connection_limit_reached']);
  });

  it('says nothing of streams without an error, or with one that has no type', () => {
    expect(apply({ setsResponseCode: true }, () => undefined)).toEqual([418, undefined]);
    expect(apply({ setsResponseCode: true }, (info) => info.setFlag(ResponseFlag.faultInjected))).toEqual([418, undefined]);
  });
});
