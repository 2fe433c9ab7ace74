import { beforeEach, describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import type { ConnPool, PooledStream, PoolRequest } from '../conn_pool/conn_pool.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { type RequestEncoder, ResetReason, type ResponseDecoder } from '../http/codec.ts';
import type { TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import { StreamInfo } from '../stream_info/stream_info.ts';
import { type HedgedRequest, Hedges } from './hedges.ts';
import { UpstreamRequest } from './upstream_request.ts';

const names = new HeaderNames();
const clock = new Float64Array([120, 1020]);

/** A try as the test drives it: what its connection would say, and whether it was cut. */
class Driven {
  decoder: ResponseDecoder | null = null;
  isCut = false;

  readonly pool: ConnPool;

  constructor(id: number) {
    const encoder: RequestEncoder = {
      encodeHeaders: () => {}, encodeData: () => {}, encodeTrailers: () => {}, readDisable: () => {}, isAboveHighWatermark: () => false,
      resetStream: () => {
        this.isCut = true;
      },
    };
    const stream = {
      open: (decoder: ResponseDecoder) => {
        this.decoder = decoder;
        return encoder;
      },
      requestHeadBytes: () => 0, responseHeadBytes: () => 0, wireBytesSent: () => 0, wireBytesReceived: () => 0, connection: { id, localAddress: '' }, connectStartMs: 0, connectEndMs: 0,
    } as unknown as PooledStream;
    this.pool = { host: { outlier: null }, newStream: (request: PoolRequest) => request.onPoolReady(stream) } as unknown as ConnPool;
  }
}

const slab = new Uint8Array(0);

describe('Hedges', () => {
  let log: string[];
  let info: StreamInfo;
  let isWaiting: boolean;
  let headers: HeaderMap;
  let request: HedgedRequest;
  let hedges: Hedges;
  let tries: Driven[];

  beforeEach(() => {
    log = [];
    tries = [];
    isWaiting = false;
    info = new StreamInfo();
    headers = headerMap(names, [[':method', 'GET'], [':path', '/']]);
    const base = {
      retries: { get isWaiting() { return isWaiting; }, wouldRetry: (response: HeaderMap) => response.status >= 500 },
      charges: { failure: () => log.push('failure charged') },
      endRetries: () => log.push('no more retries'),
      pass: (response: HeaderMap) => log.push(`passed ${response.status} of ${info.upstreamConnectionId}`),
      tellFailure: (reason: ResetReason) => log.push(`told failure ${reason === ResetReason.connectionTermination} of ${info.upstreamConnectionId}`),
      onUpstream1xxHeaders: () => log.push(`1xx of ${info.upstreamConnectionId}`),
      onMaxStreamDuration: () => log.push('told duration'),
      onUpstreamReady: () => {}, onUpstreamHeaders: () => {}, onUpstreamData: () => {}, onUpstreamTrailers: () => {}, onUpstreamReset: () => {},
      onUpstreamBackpressure: () => {}, onResponsePaused: () => {}, onPerTryTimeout: () => {}, onPerTryIdleTimeout: () => {},
    };
    request = base as unknown as HedgedRequest;
    request.upstream = new UpstreamRequest(request, clock, slab);
    hedges = new Hedges(request, clock, slab);
  });

  function begin(): Driven {
    const driven = new Driven(tries.length);
    tries.push(driven);
    info.resetUpstream();
    request.upstream.begin({ streamInfo: info, responseHeaderMap: headers, responseTrailerMap: headers } as unknown as TerminalFilterCallbacks, driven.pool, headers, true, false, null);
    return driven;
  }

  const others: Record<string, () => void> = {
    'nothing else': () => {},
    'a try that waits': () => {
      isWaiting = true;
    },
    'a try under way': () => {
      begin();
    },
    'another slow try': () => {
      begin();
      hedges.keep(info);
    },
  };
  const events: Record<string, (slow: Driven) => void> = {
    'a good response': ({ decoder }) => decoder?.decodeHeaders(headerMap(names, [[':status', '200']]), true),
    'a bad response': ({ decoder }) => decoder?.decodeHeaders(headerMap(names, [[':status', '503']]), true),
    'a 1xx response': ({ decoder }) => decoder?.decode1xxHeaders(headerMap(names, [[':status', '103']])),
    'a reset': ({ decoder }) => decoder?.onResetStream(ResetReason.connectionTermination, ''),
  };

  it.each<[string, string, string[], boolean]>([
    ['nothing else', 'a good response', ['passed 200 of 0'], true],
    ['nothing else', 'a bad response', ['passed 503 of 0'], true],
    ['nothing else', 'a 1xx response', ['1xx of 0'], true],
    ['nothing else', 'a reset', ['told failure true of 0'], true],
    ['a try that waits', 'a good response', ['passed 200 of 0'], true],
    ['a try that waits', 'a bad response', [], false],
    ['a try that waits', 'a 1xx response', ['1xx of 0'], true],
    ['a try that waits', 'a reset', ['failure charged'], false],
    ['a try under way', 'a good response', ['passed 200 of 0'], true],
    ['a try under way', 'a bad response', [], false],
    ['a try under way', 'a 1xx response', ['1xx of 0'], true],
    ['a try under way', 'a reset', ['failure charged'], false],
    ['another slow try', 'a good response', ['passed 200 of 0'], true],
    ['another slow try', 'a bad response', [], false],
    ['another slow try', 'a 1xx response', ['1xx of 0'], true],
    ['another slow try', 'a reset', ['failure charged'], false],
  ])('beside %s, %s of the slow try: %j', (other, event, expected, isOver) => {
    const slow = begin();
    hedges.keep(info);
    others[other]();
    events[event](slow);
    expect(log).toEqual(expected);
    const rest = tries.filter((driven) => driven !== slow);
    // Whoever wins cuts the others; whoever is dropped leaves them alone.
    expect(rest.map((driven) => driven.isCut)).toEqual(rest.map(() => isOver));
    expect(slow.isCut).toBe(event === 'a bad response' && !isOver);
    expect(hedges.isUnderWay).toBe(other === 'another slow try' && !isOver);
  });

  it('tells of a slow try that takes too long altogether, whoever else is under way', () => {
    begin();
    hedges.keep(info);
    const { upstream } = request;
    const second = begin();
    const slow = hedgedOnly(hedges);
    slow.timers.owner.onMaxStreamDuration();
    expect(log).toEqual(['no more retries', 'told duration']);
    expect([second.isCut, request.upstream === slow, request.upstream === upstream]).toEqual([true, true, false]);
  });

  it('uses its tries again for the next stream, and forgets this one', () => {
    const slow = begin();
    hedges.keep(info);
    const second = begin();
    hedges.release();
    request.upstream.release();
    expect([slow.isCut, second.isCut, hedges.isUnderWay]).toEqual([true, false, false]);
    const third = begin();
    hedges.keep(info);
    third.decoder?.decodeHeaders(headerMap(names, [[':status', '200']]), true);
    expect(log).toEqual(['passed 200 of 2']);
  });

  function hedgedOnly(of: Hedges): UpstreamRequest {
    const found: UpstreamRequest[] = [];
    of.forEach((upstream) => found.push(upstream));
    expect(found).toHaveLength(1);
    return found[0];
  }
});
