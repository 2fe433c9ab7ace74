import { create, toBinary, toJson } from '@bufbuild/protobuf';
import type { ProtoRegistry } from '../../core/api/proto_registry.ts';
import type { CheckFailure, CheckResult } from './route_checker.ts';

const RESULT_TYPE = 'envoy.RouterCheckToolSchema.ValidationResult';

/** Fields that a ValidationFailure has as `expected_…` and `actual_…`, by their name in a test file. */
const COMPARED: Readonly<Record<string, string>> = {
  cluster_name: 'ClusterName', virtual_cluster_name: 'VirtualClusterName', virtual_host_name: 'VirtualHostName', host_rewrite: 'HostRewrite',
  path_rewrite: 'PathRewrite', path_redirect: 'PathRedirect', code_redirect: 'CodeRedirect',
};

/** Results as an envoy.RouterCheckToolSchema.ValidationResult: JSON, or binary as Envoy's tool writes it. */
export function encodeResults(results: readonly CheckResult[], asJson: boolean, descriptors: ProtoRegistry): Uint8Array | string {
  const desc = descriptors.requireMessage(RESULT_TYPE);
  const message = create(desc, {
    testResults: results.map(({ name, failures }) => ({
      testName: name, testPassed: failures.length === 0, ...(failures.length === 0 ? {} : { failure: failureFields(failures) }),
    })),
  });
  return asJson ? `${JSON.stringify(toJson(desc, message, { useProtoFieldName: true }), null, 2)}\n` : toBinary(desc, message);
}

function failureFields(failures: readonly CheckFailure[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const failure of failures) {
    const name = COMPARED[failure.field];
    if (name !== undefined) {
      const isNumber = failure.field === 'code_redirect';
      fields[`expected${name}`] = isNumber ? Number(failure.expected) : failure.expected;
      fields[`actual${name}`] = isNumber ? Number(failure.actual) : failure.actual;
    }
    if (failure.header === undefined) continue;
    const list = failure.field.startsWith('request_') ? 'requestHeaderMatchFailures' : 'responseHeaderMatchFailures';
    const known = (fields[list] ?? []) as unknown[];
    fields[list] = [...known, { headerMatcher: failure.header.matcher, actualHeaderValue: failure.header.value }];
  }
  return fields;
}
