import { describe, expect, it } from 'vitest';
import { FakeRoute, FilterBench } from '../../../../test/support/filter_harness.ts';
import { BufferFilter } from './buffer_filter.ts';

const POST = [[':method', 'POST']] as const;

function setUp(maxRequestBytes = 10) {
  const bench = new FilterBench();
  return { bench, filter: new BufferFilter({ maxRequestBytes }) };
}

describe('the buffer filter', () => {
  it('waits for the whole body and says its length', () => {
    const { bench, filter } = setUp();
    const stream = bench.stream(filter).request(POST, false).requestBody('abc');
    expect(stream.upstream.headers).toBeNull();
    stream.requestBody('de', true);
    expect(stream.upstream).toMatchObject({ body: 'abcde', isComplete: true });
    expect(stream.upstreamHeader('content-length')).toBe('5');
  });

  it('leaves a content-length that is there', () => {
    const { bench, filter } = setUp();
    const stream = bench.stream(filter).request([...POST, ['content-length', '3']], false).requestBody('abc', true);
    expect(stream.upstream.headers).toEqual([[':path', '/'], ['content-length', '3']]);
  });

  it('waits for trailers too', () => {
    const { bench, filter } = setUp();
    const stream = bench.stream(filter).request(POST, false).requestBody('abc').requestTrailersOf([['x-t', '1']]);
    expect(stream.upstream).toMatchObject({ body: 'abc', trailers: [['x-t', '1']], isComplete: true });
  });

  it('takes as much as the limit and refuses one byte more, be it in the last piece', () => {
    const { bench, filter } = setUp();
    expect(bench.stream(filter).request(POST, false).requestBody('0123456789', true).upstream.body).toBe('0123456789');
    const oneTooMany = bench.stream(filter).request(POST, false).requestBody('0123456789').requestBody('x', true);
    expect([oneTooMany.downstream.status, oneTooMany.bufferOverflows, oneTooMany.upstream.headers]).toEqual([413, 1, null]);
    const atOnce = bench.stream(filter).request(POST, false).requestBody('0123456789x', true);
    expect([atOnce.downstream.status, atOnce.upstream.headers]).toEqual([413, null]);
  });

  it('lets a request without a body through', () => {
    const { bench, filter } = setUp();
    expect(bench.stream(filter).request().upstream.headers).toEqual([[':path', '/']]);
  });

  it('does on a route what the route says', () => {
    const { bench, filter } = setUp();
    const more = bench.stream(filter, new FakeRoute([{ maxRequestBytes: 20 }])).request(POST, false).requestBody('0123456789ABC', true);
    expect(more.upstream.body).toBe('0123456789ABC');
    more.destroy();
    const off = bench.stream(filter, new FakeRoute([{ maxRequestBytes: 0 }])).request(POST, false).requestBody('0123456789ABC');
    expect([off.upstream.body, off.upstreamHeader('content-length')]).toEqual(['0123456789ABC', undefined]);
  });
});
