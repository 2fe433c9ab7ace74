import { describe, expect, it } from 'vitest';
import { HeaderNames } from '../headers/header_names.ts';
import { createSharedSlabs, HOST_LOAD_WORDS, HostLoad, OutlierWord } from '../shared_memory/layout.ts';
import { compileErrorPredicate, type ErrorPredicateConfig, parseErrorPredicate } from '../upstream/error_predicate.ts';
import { LoadReports } from '../upstream/load_reports/load_reports.ts';
import { LoadWeights } from '../upstream/load_reports/load_weights.ts';
import { internReportHeaders } from '../upstream/load_reports/report_headers.ts';
import { OutlierMonitor } from '../upstream/outlier_monitor.ts';
import type { MatchPredicate } from '../api/gen/envoy/config/common/matcher/v3/matcher_pb.d.ts';
import { headerMap } from '../../test/support/header_map.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { noteLoad, noteResponse } from './note_response.ts';

const names = new HeaderNames();

/** Notes one response; what was counted of it. */
function note(errors: ErrorPredicateConfig | null, headers: readonly (readonly [string, string])[], { isGrpc = false, isHealthChecked = true } = {}) {
  const slabs = createSharedSlabs(1);
  const counts = new Float64Array(slabs.outliers.counts[0]);
  const shared = {
    workerIndex: 0, counts: [counts], resets: new Int32Array(slabs.outliers.resets), thresholds: new Int32Array(slabs.outliers.thresholds),
    health: new Int32Array(slabs.hostHealth), report: () => {},
  };
  const isError = errors === null ? null : compileErrorPredicate(errors, names);
  noteResponse(new OutlierMonitor({ shared, clusterId: 0, splitsLocalOrigin: false, isError, isHealthChecked, loads: null }, 0), headerMap(names, headers), isGrpc);
  return { isSuccess: counts[OutlierWord.success] === 1, isGatewayFailure: counts[OutlierWord.success] + counts[OutlierWord.nonGateway] === 0, passive: counts[OutlierWord.passiveFailures] };
}

function predicate(yaml: string): ErrorPredicateConfig {
  const parsed = parseYamlMessage(yaml, 'envoy.config.common.matcher.v3.MatchPredicate');
  return parseErrorPredicate(parsed.message as MatchPredicate, parsed.context);
}

const TEAPOT = 'http_response_headers_match: { headers: [{ name: ":status", string_match: { exact: "418" } }] }';
const SAD = 'http_response_headers_match: { headers: [{ name: mood, string_match: { exact: sad } }] }';

describe('what a response counts as', () => {
  it.each([
    ['200', null, [[':status', '200']], true],
    ['404', null, [[':status', '404']], true],
    ['500', null, [[':status', '500']], false],
    ['an error by its header', SAD, [[':status', '200'], ['mood', 'sad']], false],
    ['none by its header', SAD, [[':status', '503'], ['mood', 'fine']], true],
    ['an error by its status', TEAPOT, [[':status', '418']], false],
    ['any', 'any_match: true', [[':status', '200']], false],
    ['not', `not_match: { ${TEAPOT} }`, [[':status', '418']], true],
    ['or', `or_match: { rules: [{ ${TEAPOT} }, { ${SAD} }] }`, [[':status', '200'], ['mood', 'sad']], false],
    ['and', `and_match: { rules: [{ ${TEAPOT} }, { ${SAD} }] }`, [[':status', '200'], ['mood', 'sad']], true],
    ['what is not looked at', 'http_request_headers_match: { headers: [{ name: ":status", present_match: true }] }', [[':status', '500']], true],
  ] as const)('%s', (_name, yaml, headers, isSuccess) => {
    expect(note(yaml === null ? null : predicate(yaml), headers).isSuccess).toBe(isSuccess);
  });

  it('is a gateway failure when it is one and an error', () => {
    expect(note(predicate(SAD), [[':status', '503'], ['mood', 'sad']]).isGatewayFailure).toBe(true);
    expect(note(predicate(SAD), [[':status', '200'], ['mood', 'sad']]).isGatewayFailure).toBe(false);
  });

  it('is what grpc-status stands for', () => {
    expect(note(null, [[':status', '200'], ['grpc-status', '14']], { isGrpc: true }).isGatewayFailure).toBe(true);
    expect(note(null, [[':status', '200'], ['grpc-status', '14']]).isSuccess).toBe(true);
  });
});

describe('x-envoy-immediate-health-check-fail', () => {
  it('is noticed where hosts are checked, whatever the status and the value', () => {
    const headers = [[':status', '200'], ['x-envoy-immediate-health-check-fail', '']] as const;
    expect([note(null, headers).passive, note(null, headers, { isHealthChecked: false }).passive, note(null, [[':status', '500']]).passive]).toEqual([1, 0, 0]);
  });
});

describe('reports of load', () => {
  const messages = {
    good: [['endpoint-load-metrics', 'TEXT rps_fractional=100,cpu_utilization=0.5']],
    other: [['endpoint-load-metrics', 'TEXT rps_fractional=100,cpu_utilization=0.1']],
    useless: [['endpoint-load-metrics', 'TEXT cpu_utilization=0.1']],
    malformed: [['endpoint-load-metrics', 'TEXT x']],
    none: [['x', 'y']],
  } as const;

  it.each<[readonly (keyof typeof messages)[], number]>([
    [['good'], 200],
    [['none', 'good'], 200],
    [['malformed', 'good'], 200],
    [['good', 'other'], 200],
    [['useless', 'good'], 0],
    [['none', 'none'], 0],
  ])('of the messages %j of one request the first one that can be read counts: weight %d', (sent, expected) => {
    const names = new HeaderNames();
    const words = new Float64Array(2 * HOST_LOAD_WORDS);
    const weights = new LoadWeights({ metrics: [], errorPenalty: 0, blackoutMs: 0, expirationMs: 1000, updateMs: 1 }, words, [words], () => 1000);
    const slabs = createSharedSlabs(1);
    const shared = {
      workerIndex: 0, counts: [new Float64Array(slabs.outliers.counts[0])], resets: new Int32Array(slabs.outliers.resets), thresholds: new Int32Array(slabs.outliers.thresholds),
      health: new Int32Array(slabs.hostHealth), report: () => {},
    };
    const loads = new LoadReports(internReportHeaders(names), weights);
    const monitor = new OutlierMonitor({ shared, clusterId: 0, splitsLocalOrigin: false, isError: null, isHealthChecked: false, loads }, 1);
    const request = { hasLoadReport: false };
    for (const name of sent) noteLoad(monitor, headerMap(names, messages[name]), request);
    expect(words[HOST_LOAD_WORDS + HostLoad.weight]).toBe(expected);
    expect(request.hasLoadReport).toBe(sent.some((name) => name === 'good' || name === 'useless'));
  });
});
