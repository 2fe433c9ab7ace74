import { describe, expect, it } from 'vitest';
import { testStream, type TestStreamOptions } from '../../test/support/log_context.ts';
import { testCertificate } from '../../test/support/tls/certificates.ts';
import { Certificate } from '../stream_info/certificate.ts';
import { UpstreamTls } from '../stream_info/upstream_tls.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import { compileHeaderValue, compileJson, compileText } from './formatter.ts';

interface Case extends TestStreamOptions {
  readonly change?: (info: StreamInfo) => void;
  readonly omitEmpty?: boolean;
}

function text(format: string, options: Case = {}): string {
  const stream = testStream(options);
  options.change?.(stream.info);
  return Buffer.from(compileText(format, options.omitEmpty ?? false, stream.environment).formatToBytes(stream.context)).toString();
}

function json(format: unknown, options: Case = {}): string {
  const stream = testStream(options);
  options.change?.(stream.info);
  return Buffer.from(compileJson(format, options.omitEmpty ?? false, stream.environment).formatToBytes(stream.context)).toString();
}

describe('text formats', () => {
  const request = [
    [':method', 'POST'], [':path', '/a/b?x=1&y=%20z&x=2&e=&n'], [':authority', 'h.example:80'], ['x-two', '1'], ['x-two', '2'], ['x-empty', ''],
    ['x-request-id', '6b4f1d6e-0d5a-9c07-8b7f-0f2d0c6a4a11'],
  ] as const;
  const cases: readonly (readonly [string, string])[] = [
    ['%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% %REQ(host)% %REQ(:SCHEME)%', 'POST /a/b?x=1&y=%20z&x=2&e=&n h.example:80 h.example:80 -'],
    ['%REQ(X-TWO)%|%REQUEST_HEADER(x-two)%', '1|1'],
    ['[%REQ(X-EMPTY)%][%REQ(NOPE)%]', '[][-]'],
    ['%REQ(NOPE?X-TWO)% %REQ(NOPE?NADA)% %REQ(X-TWO?:PATH)%', '1 - 1'],
    ['%REQ(:AUTHORITY):3% %REQ(:AUTHORITY):0%|%REQ(:AUTHORITY):99%', 'h.e |h.example:80'],
    ['%RESP(:STATUS)% %RESP(x-envoy-upstream-service-time)% %RESPONSE_HEADER(NOPE)% %TRAILER(x)%', '200 6 - -'],
    ['%PATH% %PATH(WQ)% %PATH(NQ)% %PATH(NQ:ORIG)% %PATH(NQ:ORIG_OR_PATH):2% %REQ_WITHOUT_QUERY(:PATH)%', '/a/b?x=1&y=%20z&x=2&e=&n /a/b?x=1&y=%20z&x=2&e=&n /a/b - /a /a/b'],
    ['%QUERY_PARAM(x)%|%QUERY_PARAM(y)%|%QUERY_PARAM(e)%|%QUERY_PARAM(n)%|%QUERY_PARAM(z)%', '1| z|||-'],
    ['100%% %%REQ(X)%%', '100% %REQ(X)%'],
    ['%PROTOCOL% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %ACCESS_LOG_TYPE%', 'HTTP/1.1 200 via_upstream DownstreamEnd'],
    ['%BYTES_RECEIVED% %BYTES_SENT% %BYTES_RETRANSMITTED% %PACKETS_RETRANSMITTED%', '0 512 0 0'],
    ['%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% [%CUSTOM_FLAGS%]', '- - []'],
    ['%DURATION% %REQUEST_DURATION% %REQUEST_TX_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION% %ROUNDTRIP_DURATION%', '7 1 3 6 1 -'],
    ['%UPSTREAM_CONNECTION_POOL_READY_DURATION% %DOWNSTREAM_HANDSHAKE_DURATION%', '2 -'],
    ['%COMMON_DURATION(DS_RX_BEG:DS_TX_END)% %COMMON_DURATION(US_CX_BEG:US_CX_END:us)% %COMMON_DURATION(DS_TX_END:DS_RX_BEG:ms)%', '7 1000 -'],
    ['%COMMON_DURATION(DS_RX_BEG:US_HS_END:ns)% %COMMON_DURATION(US_TX_END:US_RX_BEG:ns)% %COMMON_DURATION(my.point:DS_TX_END:ms)%', '- 2600000 -'],
    ['%UPSTREAM_HOST% %UPSTREAM_HOST_NAME% %UPSTREAM_HOST_NAME_WITHOUT_PORT% %UPSTREAM_CLUSTER% %UPSTREAM_CLUSTER_RAW%', '10.0.0.5:8000 host.example host.example cluster_alt cluster'],
    ['%UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%', '10.0.0.5:8000 10.0.0.5 8000'],
    ['%UPSTREAM_LOCAL_ADDRESS% %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %UPSTREAM_LOCAL_PORT%', '10.0.0.1:5555 10.0.0.1 5555'],
    ['%UPSTREAM_PROTOCOL% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_CONNECTION_ID% %CONNECTION_ID%', 'HTTP/1.1 1 9 3'],
    ['%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_PORT%', '10.9.8.7:4444 10.9.8.7:4444 4444'],
    ['%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT% %DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT%', '127.0.0.1:10000 10000 127.0.0.1'],
    ['%ROUTE_NAME% %FILTER_CHAIN_NAME% %VIRTUAL_CLUSTER_NAME% %REQUESTED_SERVER_NAME% %REQUESTED_SERVER_NAME(HOST_FIRST)%', 'route chain - - h.example:80'],
    ['%STREAM_ID% %TRACE_ID% %HOSTNAME% %ENVIRONMENT(A)% %ENVIRONMENT(A):1% %ENVIRONMENT(B)%', '6b4f1d6e-0d5a-9c07-8b7f-0f2d0c6a4a11 - test-host valué v -'],
    ['%UNIQUE_ID%', '12345678-1234-4678-9234-567812345678'],
    ['%GRPC_STATUS% %GRPC_STATUS_NUMBER% %LOCAL_REPLY_BODY%|', '- - |'],
    ['%DOWNSTREAM_TLS_VERSION% %UPSTREAM_PEER_CERT_V_START(%s)% %TLS_JA3_FINGERPRINT%', '- - -'],
    ['%COALESCE({"operators":[{"command":"REQ","param":"NOPE"},{"command":"REQ","param":":AUTHORITY","max_length":4},"PROTOCOL"]})%', 'h.ex'],
  ];
  it.each(cases)('formats %s', (format, expected) => {
    expect(text(format, { request, variables: { A: 'valué' } })).toBe(expected);
  });

  it('says of the TLS of upstream connections', () => {
    const peer = new Certificate(testCertificate('server').cert);
    const session = {
      version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', curve: 'X25519', signatureAlgorithm: '', sessionId: 'ab', alpn: '', isResumed: false, peerCertificate: peer.der, isVerified: true,
    };
    const change = (info: StreamInfo): void => {
      info.upstreamTls = new UpstreamTls(session, testCertificate('client').cert);
    };
    expect(text('%UPSTREAM_TLS_VERSION% %UPSTREAM_TLS_CIPHER% %UPSTREAM_TLS_SESSION_ID%', { change })).toBe('TLSv1.3 TLS_AES_128_GCM_SHA256 ab');
    expect(text('%UPSTREAM_PEER_SUBJECT%|%UPSTREAM_PEER_ISSUER%', { change })).toBe('CN=server.example,O=envoyts tests|CN=Test CA,O=envoyts tests');
    expect(text('%UPSTREAM_PEER_URI_SAN%|%UPSTREAM_PEER_DNS_SAN%|%UPSTREAM_PEER_IP_SAN%', { change })).toBe('spiffe://test.example/server|server.example,*.wild.example|127.0.0.1');
    expect(text('%UPSTREAM_LOCAL_URI_SAN%|%UPSTREAM_LOCAL_DNS_SAN%|%UPSTREAM_LOCAL_IP_SAN%', { change })).toBe('spiffe://test.example/client|client.example|-');
    expect(text('%UPSTREAM_PEER_CERT_V_START(%s)%|%UPSTREAM_PEER_CERT_V_END%', { change })).toBe(`${peer.validFromMs / 1000}|${new Date(peer.validToMs).toISOString()}`);
    expect(decodeURIComponent(text('%UPSTREAM_PEER_CERT%', { change }))).toBe(testCertificate('server').cert);
  });

  it('prints nothing for missing values when told to omit them, but still the dash of no flags', () => {
    expect(text('[%REQ(NOPE)%|%UPSTREAM_TLS_VERSION%|%RESPONSE_FLAGS%]', { omitEmpty: true })).toBe('[||-]');
  });

  it('prints dashes where a stream never got that far', () => {
    const format = '%REQ(:METHOD)% %RESPONSE_DURATION% %UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_CLUSTER% %UPSTREAM_PROTOCOL% %ROUTE_NAME% %RESPONSE_CODE% %CONNECTION_ID%';
    const blank = (info: StreamInfo): void => {
      info.reset(Float64Array.of(1, 2));
    };
    expect(text(format, { request: null, response: null, change: blank })).toBe('- - - - - - - 0 0');
  });

  it('joins response flags in their order', () => {
    const flags = (info: StreamInfo): void => {
      info.responseFlags = ResponseFlag.upstreamRetryLimitExceeded | ResponseFlag.upstreamConnectionFailure | ResponseFlag.unconditionalDropOverload;
    };
    expect(text('%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%', { change: flags })).toBe('URX,UF,UDO UpstreamRetryLimitExceeded,UpstreamConnectionFailure,UnconditionalDropOverload');
  });

  it('replaces white space in details, unless asked not to', () => {
    const details = (info: StreamInfo): void => {
      info.responseCodeDetails = 'reset{a b\tc}';
      info.upstreamTransportFailureReason = 'no route to host';
    };
    expect(text('%RESPONSE_CODE_DETAILS% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)% %UPSTREAM_TRANSPORT_FAILURE_REASON%', { change: details })).toBe(
      'reset{a_b_c} reset{a b\tc} no_route_to_host',
    );
  });

  const addresses: readonly (readonly [string, string])[] = [
    ['[::1]:80', '[::1]:80 ::1 80'], ['10.1.2.3:0', '10.1.2.3:0 10.1.2.3 0'], ['/run/x.sock', '/run/x.sock /run/x.sock -'],
    ['/run/x:80', '/run/x:80 /run/x:80 -'], ['@abstract', '@abstract @abstract -'],
  ];
  it.each(addresses)('splits the address %s', (address, expected) => {
    const change = (info: StreamInfo): void => {
      info.downstreamRemoteAddress = address;
    };
    expect(text('%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%', { change })).toBe(expected);
  });

  it('names a host without hostname by its address', () => {
    const change = (info: StreamInfo): void => {
      info.upstreamHost = { address: '127.0.0.1:1', hostname: '' };
      info.upstreamRemoteAddress = '';
    };
    expect(text('%UPSTREAM_HOST_NAME% %UPSTREAM_HOST_NAME_WITHOUT_PORT% %UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS%', { change })).toBe('127.0.0.1:1 127.0.0.1 127.0.0.1:1 -');
  });

  it('takes the status of gRPC requests from trailers, then headers, then the response code', () => {
    const request = [[':method', 'POST'], [':path', '/s/m'], ['content-type', 'application/grpc+proto']] as const;
    const format = '%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)% %GRPC_STATUS_NUMBER%';
    expect(text(format, { request, trailers: [['grpc-status', '5']] })).toBe('NotFound NOT_FOUND 5 5');
    expect(text(format, { request, response: [['grpc-status', '1']] })).toBe('Canceled CANCELLED 1 1');
    expect(text(format, { request, response: [] })).toBe('Unknown UNKNOWN 2 2');
    expect(text(format, { request: [['content-type', 'application/grpcx']], response: [['grpc-status', '1']] })).toBe('- - - -');
  });

  it('reads the first value of a key in x-forwarded-client-cert', () => {
    const request = [['x-forwarded-client-cert', 'By=spiffe://a;Hash=abc;Subject="CN=\\"x\\", O=y;z";URI=;DNS=d1;DNS=d2,By=second']] as const;
    expect(text('%XFCC_VALUE(by)% %XFCC_VALUE(subject)% %XFCC_VALUE(DNS)% [%XFCC_VALUE(uri)%] %XFCC_VALUE(cert)%', { request })).toBe('spiffe://a CN="x", O=y;z d1 [] -');
  });

  it('copies header bytes as they are, UTF-8 or not', () => {
    const stream = testStream({ request: [['x-raw', 'caf\xc3\xa9 \xe9']] });
    expect(compileText('%REQ(X-RAW)%', false, stream.environment).formatToString(stream.context)).toBe('caf\xc3\xa9 \xe9');
  });

  it('omits missing values of header formats and shows the time so far while the stream runs', () => {
    const stream = testStream();
    stream.info.endTimeMs = NaN;
    expect(compileHeaderValue('%PROTOCOL% [%REQ(NOPE)%] %DURATION%', stream.environment).formatToString(stream.context)).toBe('HTTP/1.1 [] 10');
  });
});

describe('metadata and filter state', () => {
  const change = (info: StreamInfo): void => {
    info.dynamicMetadata = new Map([['ns', { s: 'string', n: 1234567, f: 1.5, t: true, z: null, k: { b: 'x', a: 1, c: [1, 't', null] }, q: 'é"' }]]);
    info.filterState = new Map<string, unknown>([['key', 'v "q"'], ['object', { field: 'f', n: 5 }]]);
  };

  it('prints strings as they are and everything else as JSON in text', () => {
    expect(text('%DYNAMIC_METADATA(ns:s)% %DYNAMIC_METADATA(ns:n)% %DYNAMIC_METADATA(ns:f)% %DYNAMIC_METADATA(ns:t)% %DYNAMIC_METADATA(ns:z)% %DYNAMIC_METADATA(ns:k)% %DYNAMIC_METADATA(ns:k:a)% %DYNAMIC_METADATA(ns:x)% %DYNAMIC_METADATA(ns:s:x)% %METADATA(DYNAMIC:ns:s):3%', { change })).toBe(
      'string 1234567 1.5 true - {"a":1,"b":"x","c":[1,"t",null]} 1 - - str',
    );
  });

  it('keeps the type in JSON', () => {
    const format = { s: '%DYNAMIC_METADATA(ns:s)%', s3: '%DYNAMIC_METADATA(ns:s):3%', n: '%DYNAMIC_METADATA(ns:n)%', n2: '%DYNAMIC_METADATA(ns:n):2%', f: '%DYNAMIC_METADATA(ns:f)%', t: '%DYNAMIC_METADATA(ns:t)%', z: '%DYNAMIC_METADATA(ns:z)%', k: '%DYNAMIC_METADATA(ns:k):3%', mix: '<%DYNAMIC_METADATA(ns:k:c)%%DYNAMIC_METADATA(ns:q)%>' };
    expect(json(format, { change })).toBe(
      '{"f":1.5,"k":{"a":1,"b":"x","c":[1,"t",null]},"mix":"<[1,\\"t\\",null]é\\">","n":1234567,"n2":"12","s":"string","s3":"str","t":true,"z":null}\n',
    );
  });

  it('prints filter state typed, plain and by field', () => {
    expect(text('%FILTER_STATE(key)% %FILTER_STATE(key:PLAIN)% %FILTER_STATE(key):3% %FILTER_STATE(object:FIELD:field)% %FILTER_STATE(object:PLAIN)% %FILTER_STATE(nope)% %UPSTREAM_FILTER_STATE(key)%', { change })).toBe(
      '"v \\"q\\"" v "q" "v  f {"field":"f","n":5} - -',
    );
    expect(json({ d: '%FILTER_STATE(key)%', p: '%FILTER_STATE(key:PLAIN)%', p3: '%FILTER_STATE(key:PLAIN):3%', d3: '%FILTER_STATE(key):3%' }, { change })).toBe(
      '{"d":"v \\"q\\"","d3":"v \\"q\\"","p":"v \\"q\\"","p3":"v \\""}\n',
    );
  });

  it('reads metadata of cluster, host, route and listener where there is some', () => {
    const withMetadata = (info: StreamInfo): void => {
      info.upstreamHost = { address: '1.2.3.4:5', hostname: '', metadata: { a: { b: 'host' } } };
      info.upstreamClusterMetadata = { a: { b: 'cluster' } };
      info.route = { routeName: '', virtualHostName: '', metadata: { a: { b: 'route' } }, virtualHostMetadata: { a: { b: 'vh' } } };
    };
    const format = '%UPSTREAM_METADATA(a:b)% %CLUSTER_METADATA(a:b)% %METADATA(CLUSTER:a:b)% %METADATA(UPSTREAM_HOST:a)% %METADATA(ROUTE:a:b)% %METADATA(VIRTUAL_HOST:a:b)% %METADATA(LISTENER:a:b)%';
    expect(text(format, { change: withMetadata })).toBe('host cluster cluster {"b":"host"} route vh -');
    expect(text(format)).toBe('- - - - - - -');
  });
});

describe('JSON formats', () => {
  it('sorts keys, nests, keeps types of single operators, and ends with a line feed', () => {
    const format = { z: '%RESPONSE_CODE%', a: { d: '%DURATION%', b: ['%PROTOCOL%', '%REQ(NOPE)%', [], {}, null, true] }, port: '%UPSTREAM_REMOTE_PORT%', e: '' };
    expect(json(format)).toBe('{"a":{"b":["HTTP/1.1",null,[],{},null,true],"d":7},"e":"","port":8000,"z":200}\n');
  });

  it('makes strings of text mixed with operators; missing ones print a dash or nothing', () => {
    const format = { d: '%DURATION%ms', b: '%BYTES_SENT%%BYTES_SENT%', m: '<%REQ(NOPE)%>', p: '100%%', s: '%REQ(NOPE)%' };
    expect(json(format)).toBe('{"b":"512512","d":"7ms","m":"<->","p":"100%","s":null}\n');
    expect(json(format, { omitEmpty: true })).toBe('{"b":"512512","d":"7ms","m":"<>","p":"100%","s":null}\n');
  });

  it('writes numbers in their shortest form, with an exponent where that is shorter', () => {
    expect(json([0, -0, 1, -5, 0.1, 1e3, 2147483647, 2147483648, -2147483649, 1e20, 1e21, 123456.789, true, null])).toBe(
      '[0,0,1,-5,0.1,1000,2147483647,2147483648,-2147483649,1e+20,1e+21,123456.789,true,null]\n',
    );
  });

  it('escapes keys, literals and values', () => {
    const request = [['x-q', 'ua "q" \\ b'], ['x-utf', 'caf\xc3\xa9'], ['x-bad', '\xe9 "q" z'], ['x-tab', 'a\tb']] as const;
    const format = { 'k"é': 'l "é" \\ \n</>', q: '%REQ(X-Q)%', utf: '%REQ(X-UTF)%', bad: 'a %REQ(X-BAD)% b', cut: '%REQ(X-UTF):4%', tab: '%REQ(X-TAB)%' };
    expect(json(format, { request })).toBe(
      '{"bad":"a \\u00e9 \\u0022q\\u0022 z b","cut":"caf\\u00c3","k\\"é":"l \\"é\\" \\\\ \\n</>","q":"ua \\"q\\" \\\\ b","tab":"a\\tb","utf":"café"}\n',
    );
  });
});

describe('a formatter', () => {
  it('says which headers it reads', () => {
    const { environment } = testStream();
    const needs = (format: string): [boolean, boolean] => {
      const formatter = compileText(format, false, environment);
      return [formatter.needsRequestHeaders, formatter.needsResponseHeaders];
    };
    expect(needs('%DURATION% %UPSTREAM_HOST%')).toEqual([false, false]);
    expect(needs('%REQ(X)%')).toEqual([true, false]);
    expect(needs('%RESP(X)%')).toEqual([false, true]);
    expect(needs('%TRAILER(X)%')).toEqual([false, true]);
    expect(needs('%PATH%')).toEqual([true, false]);
    expect(needs('%GRPC_STATUS%')).toEqual([true, true]);
    expect(needs('%COALESCE({"operators":[{"command":"RESP","param":"X"}]})%')).toEqual([false, true]);
  });

  it('writes header values of every length whole, with what follows them', () => {
    for (let length = 0; length < 150; length++) {
      const value = Array.from({ length }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
      const stream = testStream({ request: [['x-v', value]] });
      expect(compileText('[%REQ(X-V)%]%RESPONSE_FLAGS%|%REQ(X-V)%', false, stream.environment).formatToString(stream.context)).toBe(`[${value}]-|${value}`);
    }
  });

  it('says when the memory is too small, at every size', () => {
    const request = [['x-q', '"quoted" '.repeat(20)], ['user-agent', 'a'.repeat(90)]] as const;
    const stream = testStream({ request, variables: { V: 'vé'.repeat(30) } });
    const format = { a: '%REQ(X-Q)%', b: 'x%REQ(X-Q)%', c: '%START_TIME%', d: '%DURATION%', e: '%UPSTREAM_HOST%', f: '%ENVIRONMENT(V)%', g: '%REQ(USER-AGENT)%', h: '%REQ(NOPE)%' };
    for (const formatter of [compileJson(format, false, stream.environment), compileText(Object.values(format).join('|'), false, stream.environment)]) {
      const whole = formatter.formatToBytes(stream.context);
      for (let size = 0; size < whole.length; size++) {
        const small = new Uint8Array(size);
        expect(formatter.formatTo(small, new DataView(small.buffer), 0, stream.context)).toBeGreaterThan(size);
      }
      const exact = new Uint8Array(whole.length + 200);
      expect(formatter.formatTo(exact, new DataView(exact.buffer), 7, stream.context)).toBe(whole.length + 7);
      expect(Buffer.from(exact.subarray(7, whole.length + 7)).equals(whole)).toBe(true);
    }
  });
});
