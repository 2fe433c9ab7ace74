import { describe, expect, it } from 'vitest';
import { HeaderNames } from '../headers/header_names.ts';
import { createSharedSlabs, OutlierWord } from '../shared_memory/layout.ts';
import { compileErrorPredicate, type ErrorPredicateConfig, parseErrorPredicate } from '../upstream/error_predicate.ts';
import { OutlierMonitor } from '../upstream/outlier_monitor.ts';
import type { MatchPredicate } from '../api/gen/envoy/config/common/matcher/v3/matcher_pb.d.ts';
import { headerMap } from '../../test/support/header_map.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { noteResponse } from './note_response.ts';

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
  noteResponse(new OutlierMonitor({ shared, clusterId: 0, splitsLocalOrigin: false, isError, isHealthChecked }, 0), headerMap(names, headers), isGrpc);
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
