import { describe, expect, it } from 'vitest';
import { testStream } from '../../test/support/log_context.ts';
import { compileText } from '../formatter/formatter.ts';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { RingGauge, RingReader } from '../shared_memory/spsc_ring.ts';
import { compileLogFilter } from './access_log_filter.ts';
import { DEFAULT_LOG_FORMAT } from './default_format.ts';
import { LineLogger } from './line_logger.ts';
import { RingSinkProvider } from './ring_sink.ts';

function contents(memory: SharedArrayBuffer): string {
  const reader = new RingReader(memory);
  const bytes = new Uint8Array(reader.available());
  reader.read(bytes, 0, bytes.length);
  return Buffer.from(bytes).toString();
}

function provider(ringBytes?: number): { sinks: RingSinkProvider; announced: [string, SharedArrayBuffer][] } {
  const announced: [string, SharedArrayBuffer][] = [];
  return { sinks: new RingSinkProvider((destination, memory) => announced.push([destination, memory]), ringBytes), announced };
}

describe('a line logger', () => {
  it('writes the default line', () => {
    const stream = testStream();
    const { sinks, announced } = provider();
    new LineLogger(null, compileText(DEFAULT_LOG_FORMAT, false, stream.environment), sinks.sink('/a')).log(stream.context);
    expect(contents(announced[0][1])).toBe(
      '[2026-01-02T03:04:05.678Z] "GET /a?x=1 HTTP/1.1" 200 - 0 512 7 6 "-" "curl/8.5.0" "-" "localhost:10000" "10.0.0.5:8000"\n',
    );
  });

  it('writes only what its filter lets through', () => {
    const stream = testStream();
    const { sinks, announced } = provider();
    const filter = compileLogFilter({ kind: 'status_code', op: 'GE', value: 500, runtimeKey: '' }, stream.names, new RuntimeSnapshot({}));
    const logger = new LineLogger(filter, compileText('%RESPONSE_CODE%\n', false, stream.environment), sinks.sink('/a'));
    logger.log(stream.context);
    stream.info.responseCode = 503;
    logger.log(stream.context);
    expect(contents(announced[0][1])).toBe('503\n');
  });

  it('writes lines longer than the staging area, and drops those longer than the ring', () => {
    const long = testStream({ request: [['x', 'y'.repeat(50_000)]] });
    const { sinks, announced } = provider(1 << 17);
    const once = new LineLogger(null, compileText('%REQ(X)%\n', false, long.environment), sinks.sink('/a'));
    once.log(long.context);
    expect(contents(announced[0][1])).toBe(`${'y'.repeat(50_000)}\n`);
    new LineLogger(null, compileText('%REQ(X)%%REQ(X)%%REQ(X)%\n', false, long.environment), sinks.sink('/a')).log(long.context);
    once.log(long.context);
    expect(contents(announced[0][1])).toBe(`${'y'.repeat(50_000)}\n`);
    expect(new RingGauge(announced[0][1]).dropped()).toBe(1);
  });

  it('asks for the headers that format and filter read', () => {
    const { environment, names } = testStream();
    const { sinks } = provider();
    const header = compileLogFilter({ kind: 'grpc_status', statuses: [1], exclude: false }, names, new RuntimeSnapshot({}));
    const logger = new LineLogger(header, compileText('%REQ(X)%', false, environment), sinks.sink('/a'));
    expect([logger.needsRequestHeaders, logger.needsResponseHeaders]).toEqual([true, true]);
  });
});

describe('a sink provider', () => {
  it('makes and announces one ring per destination', () => {
    const { sinks, announced } = provider();
    expect(sinks.sink('/a')).toBe(sinks.sink('/a'));
    expect(sinks.sink('/b')).not.toBe(sinks.sink('/a'));
    expect(announced.map(([destination]) => destination)).toEqual(['/a', '/b']);
  });
});
