import { describe, expect, it } from 'vitest';
import { testStream, type TestStreamOptions } from '../../test/support/log_context.ts';
import { RuntimeSnapshot, type RuntimeValues } from '../runtime/runtime_snapshot.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import { ACCESS_LOG_TYPE_TEXT } from '../formatter/format_context.ts';
import { AccessLogType } from './access_log.ts';
import type { AccessLogFilterConfig, ValueMatcherConfig } from './access_log_config.ts';
import { compileLogFilter } from './access_log_filter.ts';

interface Options extends TestStreamOptions {
  readonly change?: (info: StreamInfo) => void;
  readonly runtime?: RuntimeValues;
  readonly logType?: AccessLogType;
}

function passes(config: AccessLogFilterConfig, options: Options = {}): boolean {
  const stream = testStream(options);
  options.change?.(stream.info);
  if (options.logType !== undefined) stream.context.logType = options.logType;
  return compileLogFilter(config, stream.names, new RuntimeSnapshot(options.runtime ?? {})).evaluate(stream.context);
}

const yes: AccessLogFilterConfig = { kind: 'not_health_check' };
const no: AccessLogFilterConfig = { kind: 'traceable' };

describe('status and duration filters', () => {
  const ops = [['EQ', [false, true, false]], ['NE', [true, false, true]], ['GE', [true, true, false]], ['LE', [false, true, true]]] as const;
  it.each(ops)('compares with %s', (op, expected) => {
    expect([199, 200, 201].map((value) => passes({ kind: 'status_code', op, value, runtimeKey: 'k' }))).toEqual(expected);
    expect([6, 7, 8].map((value) => passes({ kind: 'duration', op, value, runtimeKey: 'k' }))).toEqual(expected);
  });

  it('takes the number from runtime when it is there', () => {
    const config: AccessLogFilterConfig = { kind: 'status_code', op: 'GE', value: 400, runtimeKey: 'log.min' };
    expect(passes(config)).toBe(false);
    expect(passes(config, { runtime: { 'log.min': 200 } })).toBe(true);
  });

  it('counts no response as status 0, and lets no unfinished stream through by duration', () => {
    const unfinished = (info: StreamInfo): void => {
      info.responseCode = 0;
      info.endTimeMs = NaN;
    };
    expect(passes({ kind: 'status_code', op: 'EQ', value: 0, runtimeKey: '' }, { change: unfinished })).toBe(true);
    expect(passes({ kind: 'duration', op: 'GE', value: 0, runtimeKey: '' }, { change: unfinished })).toBe(false);
  });
});

describe('boolean filters', () => {
  it('combines with and, or', () => {
    expect([[yes, yes], [yes, no], [no, no]].map((filters) => passes({ kind: 'and', filters }))).toEqual([true, false, false]);
    expect([[yes, yes], [yes, no], [no, no]].map((filters) => passes({ kind: 'or', filters }))).toEqual([true, true, false]);
  });

  it('leaves health checks out', () => {
    expect(passes(yes, { change: (info) => { info.isHealthCheck = true; } })).toBe(false);
  });

  it('asks for the headers that its parts read', () => {
    const { names } = testStream();
    const header: AccessLogFilterConfig = { kind: 'header', header: { name: 'x', invert: false, treatMissingAsEmpty: false, kind: 'present', present: true } };
    const filter = compileLogFilter({ kind: 'or', filters: [yes, { kind: 'and', filters: [header] }] }, names, new RuntimeSnapshot({}));
    expect([filter.needsRequestHeaders, filter.needsResponseHeaders]).toEqual([true, false]);
  });
});

describe('a runtime filter', () => {
  const config = (numerator: number, useIndependentRandomness = false): AccessLogFilterConfig => ({
    kind: 'runtime', fraction: { defaultValue: { numerator, denominator: 100 }, runtimeKey: 'log.share' }, useIndependentRandomness,
  });
  // 0x00000132 = 306, of 100: 6.
  const request = [['x-request-id', '00000132-0d5a-9c07-8b7f-0f2d0c6a4a11']] as const;

  it('chooses by request id, so that every hop chooses alike', () => {
    expect(passes(config(7), { request })).toBe(true);
    expect(passes(config(6), { request })).toBe(false);
    expect(passes(config(6), { request, runtime: { 'log.share': 50 } })).toBe(true);
  });

  it('chooses by the stream’s own random number without an id, or when told to', () => {
    const change = (info: StreamInfo): void => {
      info.random = 40;
    };
    expect(passes(config(41), { change })).toBe(true);
    expect(passes(config(40), { change, request: [['x-request-id', 'not-hex!']] })).toBe(false);
    expect(passes(config(7, true), { change, request })).toBe(false);
  });
});

describe('filters on what a stream carries', () => {
  it('matches a request header', () => {
    const config: AccessLogFilterConfig = { kind: 'header', header: { name: 'x-a', invert: false, treatMissingAsEmpty: false, kind: 'string', matcher: { kind: 'prefix', value: 'ab', ignoreCase: false } } };
    expect(passes(config, { request: [['x-a', 'abc']] })).toBe(true);
    expect(passes(config, { request: [['x-a', 'bc']] })).toBe(false);
    expect(passes(config, { request: null })).toBe(false);
  });

  it('matches any flag, or those named', () => {
    const change = (info: StreamInfo): void => {
      info.responseFlags = 1 << 5;
    };
    expect(passes({ kind: 'response_flag', flags: [] })).toBe(false);
    expect(passes({ kind: 'response_flag', flags: [] }, { change })).toBe(true);
    expect(passes({ kind: 'response_flag', flags: ['UH', 'UF'] }, { change })).toBe(true);
    expect(passes({ kind: 'response_flag', flags: ['UH'] }, { change })).toBe(false);
  });

  it('matches a gRPC status, or its absence from a list', () => {
    const options = { trailers: [['grpc-status', '5']] } as const;
    expect(passes({ kind: 'grpc_status', statuses: [5], exclude: false }, options)).toBe(true);
    expect(passes({ kind: 'grpc_status', statuses: [5], exclude: true }, options)).toBe(false);
    expect(passes({ kind: 'grpc_status', statuses: [0], exclude: true }, options)).toBe(true);
  });

  it('matches the moment of logging', () => {
    const config: AccessLogFilterConfig = { kind: 'log_type', types: ['DownstreamEnd'], exclude: false };
    expect(passes(config, { logType: AccessLogType.downstreamEnd })).toBe(true);
    expect(passes(config, { logType: AccessLogType.downstreamStart })).toBe(false);
    expect(passes({ ...config, exclude: true }, { logType: AccessLogType.downstreamStart })).toBe(true);
  });

  it('names every moment as the log prints it', () => {
    for (const [name, type] of Object.entries(AccessLogType)) expect(ACCESS_LOG_TYPE_TEXT[type]).toBe(name[0].toUpperCase() + name.slice(1));
  });
});

describe('a metadata filter', () => {
  const change = (info: StreamInfo): void => {
    info.dynamicMetadata = new Map([['ns', { n: 5, s: 'text', b: true, z: null, l: ['a', 'b'], o: { k: 'v' } }]]);
  };
  const config = (path: readonly string[], value: ValueMatcherConfig, more = {}): AccessLogFilterConfig =>
    ({ kind: 'metadata', namespace: 'ns', path, value, invert: false, matchIfKeyNotFound: false, ...more });
  const exact = (value: string): ValueMatcherConfig => ({ kind: 'string', matcher: { kind: 'exact', value, ignoreCase: false } });

  const cases: readonly (readonly [string, AccessLogFilterConfig, boolean])[] = [
    ['an equal number', config(['n'], { kind: 'number', value: 5 }), true],
    ['a number in a range', config(['n'], { kind: 'number_range', start: 5, end: 6 }), true],
    ['a number at the end of a range', config(['n'], { kind: 'number_range', start: 4, end: 5 }), false],
    ['a string', config(['s'], exact('text')), true],
    ['a string where a number is', config(['n'], exact('5')), false],
    ['a boolean', config(['b'], { kind: 'bool', value: true }), true],
    ['null', config(['z'], { kind: 'null' }), true],
    ['presence', config(['o'], { kind: 'present', present: true }), true],
    ['an element of a list', config(['l'], { kind: 'list', oneOf: exact('b') }), true],
    ['one of several matchers', config(['s'], { kind: 'or', matchers: [exact('x'), exact('text')] }), true],
    ['a nested value', config(['o', 'k'], exact('v')), true],
    ['an inverted match', config(['s'], exact('text'), { invert: true }), false],
    ['a missing key', config(['nope'], exact('v')), false],
    ['a missing key that is to pass', config(['nope'], exact('v'), { matchIfKeyNotFound: true }), true],
  ];
  it.each(cases)('decides on %s', (_name, filter, expected) => {
    expect(passes(filter, { change })).toBe(expected);
  });
});
