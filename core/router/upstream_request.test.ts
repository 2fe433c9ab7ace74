import { beforeEach, describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import type { ConnPool, PooledStream, PoolRequest } from '../conn_pool/conn_pool.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { type RequestEncoder, ResetReason } from '../http/codec.ts';
import type { TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import { StreamInfo } from '../stream_info/stream_info.ts';
import { UpstreamRequest } from './upstream_request.ts';

const names = new HeaderNames();

describe('UpstreamRequest', () => {
  let log: string[];
  let isFull: boolean;
  let readied: number;
  let info: StreamInfo;
  let request: UpstreamRequest;
  let headers: HeaderMap;
  let responseHeaders: HeaderMap;

  const encoder: RequestEncoder = {
    encodeHeaders: (_headers, endStream) => log.push(`headers ${endStream}`),
    encodeData: (bytes, offset, length, endStream) => log.push(`data '${Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1').slice(0, 20)}' ${endStream}`),
    encodeTrailers: () => log.push('trailers'),
    resetStream: (reason) => log.push(`reset ${reason === ResetReason.localReset}`),
    readDisable: (disable) => log.push(`readDisable ${disable}`),
    isAboveHighWatermark: () => isFull,
  };
  const stream = {
    open: () => encoder, requestHeadBytes: () => 1, responseHeadBytes: () => 2, wireBytesSent: () => 3, wireBytesReceived: () => 4,
    connection: { id: 9, localAddress: '127.0.0.1:5' }, connectStartMs: 10, connectEndMs: 11,
  } as unknown as PooledStream;
  /** A pool that is empty: requests wait. */
  const pool = {
    host: { outlier: null },
    newStream: (waiting: PoolRequest) => {
      waiting.waitingIn = pool;
    },
    cancel: (waiting: PoolRequest) => {
      log.push('cancel');
      waiting.waitingIn = null;
    },
  } as unknown as ConnPool;
  const readyPool = { host: { outlier: null }, newStream: (waiting: PoolRequest) => waiting.onPoolReady(stream) } as unknown as ConnPool;
  const bytes = (text: string) => Buffer.from(text, 'latin1');

  beforeEach(() => {
    log = [];
    isFull = false;
    readied = 0;
    info = new StreamInfo();
    info.reset(new Float64Array([100, 1000]));
    headers = headerMap(names, [[':method', 'POST'], [':path', '/']]);
    responseHeaders = headerMap(names, [[':status', '200']]);
    request = new UpstreamRequest(
      {
        onUpstreamReady: () => readied++,
        onUpstream1xxHeaders: () => log.push('got 1xx'),
        onUpstreamHeaders: (_headers, endStream) => log.push(`got headers ${endStream}`),
        onUpstreamData: (_bytes, _offset, length, endStream) => log.push(`got data ${length} ${endStream}`),
        onUpstreamTrailers: () => log.push('got trailers'),
        onUpstreamReset: (reason, text) => log.push(`failed ${reason} '${text}'`),
        onUpstreamBackpressure: (isAbove) => log.push(`backpressure ${isAbove}`),
        onPerTryTimeout: () => log.push('slow'),
        onPerTryIdleTimeout: () => log.push('silent'),
        onMaxStreamDuration: () => log.push('long'),
        onResponsePaused: (isPaused) => log.push(`paused ${isPaused}`),
      },
      new Float64Array([120, 1020]), new Uint8Array(0),
    );
  });

  const callbacks = () => ({ streamInfo: info, responseHeaderMap: responseHeaders, responseTrailerMap: responseHeaders, retainRequestHeaders: () => log.push('retain') }) as unknown as TerminalFilterCallbacks;
  const begin = (from: ConnPool, endStream: boolean) => request.begin(callbacks(), from, headers, endStream, false, null);

  it('sends at once where a connection is free, and takes down what is known of it', () => {
    begin(readyPool, true);
    expect(readied).toBe(1);
    expect(log).toEqual(['headers true']);
    expect([info.upstreamConnectionId, info.upstreamLocalAddress, info.upstreamConnectStartMs, info.upstreamConnectEndMs, info.firstUpstreamTxMs, info.lastUpstreamTxMs]).toEqual([9, '127.0.0.1:5', 10, 11, 120, 120]);
  });

  it('keeps headers, body and trailers while it waits, and sends them in order', () => {
    begin(pool, false);
    request.encodeData(bytes('ab'), 0, 2, false);
    request.encodeData(bytes('xcdx'), 1, 2, false);
    request.encodeTrailers(headerMap(names, [['x-t', '1']]));
    expect(log).toEqual(['retain']);
    request.onPoolReady(stream);
    expect(log).toEqual(['retain', 'headers false', "data 'abcd' false", 'trailers']);
  });

  it('ends a body that came whole while it waited', () => {
    begin(pool, false);
    request.encodeData(bytes('ab'), 0, 2, true);
    request.onPoolReady(stream);
    expect(log.slice(1)).toEqual(['headers false', "data 'ab' true"]);
    expect(info.lastUpstreamTxMs).toBe(120);
  });

  it('holds the sender up beyond 1 MiB of waiting body, once', () => {
    begin(pool, false);
    request.encodeData(new Uint8Array(1 << 20), 0, 1 << 20, false);
    expect(log).toEqual(['retain']);
    request.encodeData(bytes('x'), 0, 1, false);
    request.encodeData(bytes('x'), 0, 1, false);
    expect(log.slice(1)).toEqual(['backpressure true']);
    request.onPoolReady(stream);
    expect(log[2]).toBe('headers false');
    expect(log).toContain('backpressure false');
  });

  it('holds the sender up while the connection is full', () => {
    begin(readyPool, false);
    isFull = true;
    request.encodeData(bytes('a'), 0, 1, false);
    request.encodeData(bytes('b'), 0, 1, false);
    request.onBelowWriteBufferLowWatermark();
    request.onBelowWriteBufferLowWatermark();
    expect(log).toEqual(['headers false', "data 'a' false", 'backpressure true', "data 'b' false", 'backpressure false']);
  });

  it('leaves the queue when it is given up before there is a connection', () => {
    begin(pool, true);
    request.reset();
    expect(log).toEqual(['retain', 'cancel']);
  });

  it('cuts the exchange when it is given up later, and counts its bytes', () => {
    begin(readyPool, true);
    request.reset();
    request.onResetStream(ResetReason.remoteReset, '');
    expect(log).toEqual(['headers true', 'reset true']);
    expect([info.upstreamHeaderBytesSent, info.upstreamHeaderBytesReceived, info.upstreamWireBytesSent, info.upstreamWireBytesReceived]).toEqual([1, 2, 3, 4]);
  });

  it('passes a response on with its times, and nothing after its end', () => {
    begin(readyPool, true);
    request.decode1xxHeaders(responseHeaders);
    request.decodeHeaders(responseHeaders, false);
    request.decodeData(0, 5, false);
    request.decodeTrailers(responseHeaders);
    request.onResponseComplete(true);
    request.decodeData(0, 5, true);
    expect(log).toEqual(['headers true', 'got 1xx', 'got headers false', 'got data 5 false', 'got trailers']);
    expect([info.firstUpstreamRxMs, info.firstUpstreamRxBodyMs, info.lastUpstreamRxMs]).toEqual([120, 120, 120]);
  });

  it('cuts a request that its response overtook', () => {
    begin(readyPool, false);
    request.decodeHeaders(responseHeaders, true);
    request.onResponseComplete(false);
    expect(log).toEqual(['headers false', 'got headers true', 'reset true']);
  });

  it('pauses and resumes a response once each, and does not leave a connection paused', () => {
    begin(readyPool, true);
    request.pauseResponse();
    request.pauseResponse();
    request.resumeResponse();
    request.resumeResponse();
    request.pauseResponse();
    request.onResponseComplete(true);
    const once = ['readDisable true', 'paused true', 'readDisable false', 'paused false'];
    expect(log).toEqual(['headers true', ...once, ...once]);
  });

  it.each([[true, 'host'], [false, 'none']])('reports a failure of the pool; a host that was not asked (%s) is not named', (isAsked, expected) => {
    info.upstreamHost = { address: '1.1.1.1:1', hostname: '' };
    begin(pool, true);
    request.onPoolFailure(ResetReason.overflow, 'why', isAsked);
    expect(log.at(-1)).toBe(`failed ${ResetReason.overflow} 'why'`);
    expect(info.upstreamHost === null ? 'none' : 'host').toBe(expected);
  });

  describe('tells outlier detection', () => {
    let told: string[];
    const outlier = {
      isError: null, isHealthChecked: false, readLoad: () => false,
      onResponse: (status: number) => told.push(`response ${status}`), onConnected: () => told.push('connected'),
      onConnectionFailure: () => told.push('failure'), onTimeout: (status: number) => told.push(`timeout ${status}`),
    };
    const watched = (from: ConnPool) => ({ ...from, host: { outlier } }) as unknown as ConnPool;

    beforeEach(() => {
      told = [];
    });

    it('of connections, responses and cuts', () => {
      begin(watched(readyPool), true);
      responseHeaders.status = 503;
      request.decodeHeaders(responseHeaders, false);
      request.onResetStream(ResetReason.connectionTermination, '');
      expect(told).toEqual(['connected', 'response 503', 'failure']);
    });

    it.each([['14', 503], ['0', 200], ['5', 404], ['99', 500], ['', 200]])('of what grpc-status %j stands for', (grpcStatus, status) => {
      headers.setByName('content-type', 'application/grpc');
      begin(watched(readyPool), true);
      if (grpcStatus !== '') responseHeaders.setByName('grpc-status', grpcStatus);
      responseHeaders.status = 200;
      request.decodeHeaders(responseHeaders, true);
      expect(told).toEqual(['connected', `response ${status}`]);
    });

    it('of failed connects, but not of limits of ours', () => {
      for (const reason of [ResetReason.remoteConnectionFailure, ResetReason.overflow]) {
        begin(watched(pool), true);
        request.onPoolFailure(reason, '', true);
      }
      expect(told).toEqual(['failure']);
    });

    it('of a response that does not come in time, once somebody was asked for it', () => {
      begin(watched(pool), true);
      request.noteTimeout(504);
      request.onPoolReady(stream);
      request.noteTimeout(504);
      responseHeaders.status = 200;
      request.decodeHeaders(responseHeaders, false);
      request.noteTimeout(504);
      expect(told).toEqual(['connected', 'timeout 504', 'response 200']);
    });
  });

  it('is a bug to be told of a response after it went back to its pool', () => {
    begin(readyPool, true);
    request.release();
    expect(() => request.responseHeaders).toThrow('released');
  });
});
