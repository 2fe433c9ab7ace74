/** What weights come of reports. Every line was compared with Envoy 1.37 (`/clusters` of a cluster with one host that answers so). */
import { describe, expect, it } from 'vitest';
import { headerMap } from '../../../test/support/header_map.ts';
import { HeaderNames } from '../../headers/header_names.ts';
import { readBinaryReport } from './binary_report.ts';
import { LoadReport } from './load_report.ts';
import { internReportHeaders, readReport } from './report_headers.ts';
import { reportWeight } from './report_weight.ts';

const ANY = 'endpoint-load-metrics';
const BIN = 'endpoint-load-metrics-bin';
const METRICS = ['named_metrics.foo', 'utilization.bar', 'mem_utilization'];

const double = (field: number, value: number): Buffer => {
  const bytes = Buffer.alloc(9, (field << 3) | 1);
  bytes.writeDoubleLE(value, 1);
  return bytes;
};
const part = (field: number, ...bytes: Buffer[]): Buffer => Buffer.concat([Buffer.from([(field << 3) | 2, Buffer.concat(bytes).length]), ...bytes]);
const entry = (field: number, key: Buffer | string, value: number): Buffer => part(field, part(1, Buffer.from(key)), double(2, value));
const REPORT = Buffer.concat([double(6, 1000), double(9, 0.5)]);
const bin = (...more: Buffer[]): string => Buffer.concat([REPORT, ...more]).toString('base64');

/** undefined: no report; -1: one without a weight. */
function weightOf(headers: [string, string][], metrics: readonly string[] = [], penalty = 0): number | undefined {
  const names = new HeaderNames();
  const ids = internReportHeaders(names);
  const report = new LoadReport();
  return readReport(headerMap(names, headers), ids, report) ? reportWeight(report, metrics, penalty) : undefined;
}

describe('the header of a report', () => {
  it.each<[string, [string, string][], number | undefined]>([
    ['none', [['x', 'y']], undefined],
    ['binary', [[BIN, bin()]], 2000],
    ['binary, by its prefix', [[ANY, `BIN ${bin()}`]], 2000],
    ['another spelling of the prefix', [[ANY, `bin ${bin()}`]], undefined],
    ['no prefix', [[ANY, 'rps_fractional=1000,application_utilization=0.5']], undefined],
    ['nothing but the prefix', [[ANY, 'TEXT']], undefined],
    ['both: the binary one', [[BIN, bin()], [ANY, 'TEXT rps_fractional=10,cpu_utilization=1']], 2000],
    ['both: the binary one, be it malformed', [[BIN, '!!'], [ANY, 'TEXT rps_fractional=10,cpu_utilization=1']], undefined],
    ['two values: the first one', [[ANY, 'TEXT rps_fractional=1000,cpu_utilization=0.5'], [ANY, 'TEXT rps_fractional=10,cpu_utilization=1']], 2000],
    ['two values: the first one, be it malformed', [[ANY, 'x'], [ANY, 'TEXT rps_fractional=10,cpu_utilization=1']], undefined],
  ])('%s', (_name, headers, expected) => {
    expect(weightOf(headers)).toBe(expected);
  });
});

describe('a binary report', () => {
  it.each<[string, string, number | undefined]>([
    ['empty', '', undefined],
    ['no base64', '!!!!', undefined],
    ['without its padding', bin(Buffer.from([0x10, 1])).replace(/=+$/, ''), undefined],
    ['in base64url', bin(entry(8, '>???', -1e300)).replaceAll('+', '-').replaceAll('/', '_'), undefined],
    ['cut off', Buffer.from(REPORT.subarray(0, -1)).toString('base64'), undefined],
    ['a field twice: the last one', bin(double(6, 500)), 1000],
    ['an unknown field', bin(Buffer.from([0x50, 1])), 2000],
    ['a known field of another type', bin(Buffer.from([(6 << 3) | 0, 1])), 2000],
    ['a group', bin(Buffer.from([(15 << 3) | 3, (15 << 3) | 4])), 2000],
    ['a group that does not end', bin(Buffer.from([(15 << 3) | 3])), undefined],
    ['a group that ends another', bin(Buffer.from([(15 << 3) | 3, (14 << 3) | 4])), undefined],
    ['groups, too deep', bin(Buffer.alloc(300, (15 << 3) | 3), Buffer.alloc(300, (15 << 3) | 4)), undefined],
    ['field 0', bin(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0])), undefined],
    ['a varint that does not end', bin(Buffer.alloc(11, 0xff)), undefined],
    ['a name that is not UTF-8', bin(entry(8, Buffer.from([0xff, 0xfe]), 1)), undefined],
    ['the old whole number of requests', Buffer.concat([Buffer.from([0x18, 100]), double(9, 0.5)]).toString('base64'), -1],
  ])('%s', (_name, value, expected) => {
    expect(weightOf([[BIN, value]])).toBe(expected);
  });

  it('is read or refused wherever it is cut', () => {
    const whole = Buffer.concat([REPORT, entry(5, 'bar', 0.25), entry(8, 'foo', 0.5), Buffer.from([0x50, 1])]);
    const ends = new Set<number>();
    for (let length = 0; length <= whole.length; length++) {
      if (readBinaryReport(whole.subarray(0, length), new LoadReport())) ends.add(length);
    }
    expect([...ends]).toEqual([0, 9, 18, 34, 50, 52]);
  });
});

describe('a report as text', () => {
  it.each<[string, number | undefined]>([
    ['rps_fractional=1000,application_utilization=0.5', 2000],
    ['rps_fractional:1000,application_utilization:0.5', 2000],
    [' rps_fractional: 1000 , application_utilization: 0.5 ', 2000],
    ['rps_fractional :1000,cpu_utilization:0.5', undefined],
    ['rps_fractional:1000,,cpu_utilization:0.5,', 2000],
    ['rps_fractional:1000,rps_fractional:1000,cpu_utilization:0.5', undefined],
    ['rps_fractional:1000,cpu_utilization:0.5,foo:1', undefined],
    ['rps_fractional:1000,cpu_utilization:0.5,named_metrics.foo:1', 2000],
    ['rps_fractional:1000,cpu_utilization:0.5,named_metrics.:1', undefined],
    ['rps_fractional:1000,cpu_utilization:0.5,utilization.foo:0.1', 2000],
    ['rps_fractional:1000,cpu_utilization:0.5,request_cost.foo:0.1', undefined],
    ['rps:1000,cpu_utilization:0.5', undefined],
    ['rps_fractional:nan,cpu_utilization:0.5', undefined],
    ['rps_fractional:inf,cpu_utilization:0.5', undefined],
    ['rps_fractional:1e999,cpu_utilization:0.5', undefined],
    ['rps_fractional:1000,cpu_utilization:0.5,eps:1e-999', 2000],
    ['rps_fractional:+1e3,cpu_utilization:.5', 2000],
    ['rps_fractional:1000.,cpu_utilization:5e-1', 2000],
    ['rps_fractional:0x3e8,cpu_utilization:0.5', 2000],
    ['rps_fractional=0x1p10,cpu_utilization=0x.8p0', 2048],
    ['rps_fractional=1000,cpu_utilization=0.5,eps=-0x1', undefined],
    ['rps_fractional= ,cpu_utilization=0.5', undefined],
    ['rps_fractional=0x,cpu_utilization=0.5', undefined],
    ['rps_fractional=1000,cpu_utilization=\t0.5', 2000],
    ['rps_fractional=:1000,cpu_utilization=0.5', undefined],
    ['=rps_fractional=1000,cpu_utilization=0.5', undefined],
    ['"rps_fractional=1000",cpu_utilization=0.5', undefined],
    ['rps_fractional:1000x,cpu_utilization:0.5', undefined],
    ['rps_fractional:1000e,cpu_utilization:0.5', undefined],
    ['rps_fractional:+-1000,cpu_utilization:0.5', undefined],
    ['rps_fractional,cpu_utilization:0.5', undefined],
    ['rps_fractional:1000:1,cpu_utilization:0.5', undefined],
    ['rps_fractional:1000,:,cpu_utilization:0.5', undefined],
  ])('%s', (text, expected) => {
    expect(weightOf([[ANY, `TEXT ${text}`]])).toBe(expected);
  });
});

describe('a report as JSON', () => {
  it.each<[string, number | undefined]>([
    ['{"rps_fractional":1000,"application_utilization":0.5}', 2000],
    ['{"rpsFractional":1000,"applicationUtilization":0.5}', 2000],
    ['{"rps_fractional":"1000","cpu_utilization":" 0.5"}', 2000],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"foo":1}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"eps":null}', 2000],
    ['{"rps_fractional":"Infinity","cpu_utilization":0.5}', 4_294_967_295],
    ['{"rps_fractional":"NaN","cpu_utilization":0.5}', -1],
    ['{"rps_fractional":1e999,"cpu_utilization":0.5}', undefined],
    ['{"rps_fractional":1000,', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5} x', undefined],
    ['{"rps_fractional":true,"cpu_utilization":0.5}', undefined],
    ['{"rps_fractional":"1000x","cpu_utilization":0.5}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"named_metrics":{"foo":0.25,"bar":null}}', 2000],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"namedMetrics":[]}', undefined],
    ['{"rps":"12","rps_fractional":1000,"cpu_utilization":0.5}', 2000],
    ['{"rps":-1,"rps_fractional":1000,"cpu_utilization":0.5}', undefined],
    ['{"rps":1.5,"rps_fractional":1000,"cpu_utilization":0.5}', undefined],
    ['{"rps_fractional":1000,"rps_fractional":500,"cpu_utilization":0.5}', 1000],
    ['{"constructor":1,"rps_fractional":1000,"cpu_utilization":0.5}', undefined],
    ['{"rps_fractional":"inf","cpu_utilization":0.5}', 4_294_967_295],
    ['{"rps_fractional":"1e999","cpu_utilization":0.5}', 4_294_967_295],
    ['{"rps":"1.0","rps_fractional":1000,"cpu_utilization":0.5}', 2000],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"eps":""}', undefined],
    ['{"rps_fractional":"0x3e8","cpu_utilization":0.5}', 2000],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"named_metrics":{"a":"x"}}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"named_metrics":null}', 2000],
    ['null', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,named_metrics:{null:1}}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,named_metrics:{a$b:1}}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,named_metrics:{"a\tb":1}}', 2000],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,named_metrics:{"\\ud800":1}}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,named_metrics:{"\u00ff":1}}', undefined],
    ["{'rps_fractional':1000,'cpu_utilization':'0.5'}", 2000],
    ['{rps_fractional:1000,cpu_utilization:0.5}', 2000],
    [' { "rps_fractional" : 1000 , "cpu_utilization":0.5 , } ', 2000],
    ['{"rps_fractional":1000,,"cpu_utilization":0.5}', undefined],
    ['{,"rps_fractional":1000,"cpu_utilization":0.5}', undefined],
    ['{"rps_fractional":1000 "cpu_utilization":0.5}', undefined],
    ['{"rps_fractional":01000,"cpu_utilization":0.5}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":.5}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"named_metrics":{"a":{"b":1}}}', undefined],
    ['{"rps_fractional":1000,"cpu_utilization":0.5,"named_metrics":{"a":1,}}', 2000],
    ['{"rps_fracti\\u006fnal":1000,"cpu_utilization":0.5}', 2000],
    ['{"rps_fractional":1000,"cpu_utilization":0.5', undefined],
    ['', undefined],
    ['[1]', undefined],
  ])('%s', (text, expected) => {
    expect(weightOf([[ANY, `JSON ${text}`]])).toBe(expected);
  });
});

describe('the weight of a report', () => {
  const text = (metrics: string): [string, string][] => [[ANY, `TEXT ${metrics}`]];
  it.each<[string, [string, string][], readonly string[], number]>([
    ['rate over utilization, rounded down', text('rps_fractional=10,cpu_utilization=3'), [], 3],
    ['below 1', text('rps_fractional=1,cpu_utilization=4'), [], 0],
    ['beyond 32 bits', text('rps_fractional=1e300,cpu_utilization=1e-10'), [], 4_294_967_295],
    ['no rate', text('cpu_utilization=0.5'), [], -1],
    ['no utilization', text('rps_fractional=1000'), [], -1],
    ['negative utilization', text('rps_fractional=1000,cpu_utilization=-1'), [], -1],
    ['a named metric', text('rps_fractional=1000,cpu_utilization=0.5,named_metrics.foo=0.25'), METRICS, 4000],
    ['the application before named metrics', text('rps_fractional=1000,application_utilization=0.5,named_metrics.foo=0.25'), METRICS, 2000],
    ['the largest of named metrics', text('rps_fractional=1000,cpu_utilization=0.5,utilization.bar=0.1,named_metrics.foo=0.05'), METRICS, 10_000],
    ['a field as a metric', text('rps_fractional=1000,cpu_utilization=0.5,mem_utilization=0.9'), METRICS, 1111],
    ['named metrics of 0', text('rps_fractional=1000,cpu_utilization=0.5,named_metrics.foo=0'), METRICS, 2000],
    ['a metric without its map', text('rps_fractional=1000,cpu_utilization=0.5,named_metrics.foo=0.25'), ['foo'], 2000],
    ['all of a map', [[BIN, Buffer.concat([double(6, 1000), entry(5, 'a', 0.1), entry(5, 'b', 0.2)]).toString('base64')]], ['utilization.*'], 5000],
    ['a name in UTF-8', text('rps_fractional=1000,cpu_utilization=0.5,named_metrics.\u00c3\u00a9=0.25'), ['named_metrics.é'], 4000],
    ['costs', [[BIN, Buffer.concat([double(6, 1000), entry(4, 'a', 8)]).toString('base64')]], ['request_cost.a'], 125],
  ])('%s', (_name, headers, metrics, expected) => {
    expect(weightOf(headers, metrics)).toBe(expected);
  });

  it('is lower by the penalty for errors', () => {
    const headers = text('rps_fractional=1000,cpu_utilization=0.5,eps=500');
    expect([weightOf(headers), weightOf(headers, [], 1), weightOf(headers, [], 3)]).toEqual([2000, 1000, 500]);
  });
});
