import { describe, expect, it } from 'vitest';
import { type ConformanceCase, readCases, recordCase } from './case_file.ts';
import { runClient, runServer } from './connection_runs.ts';
import { runChunked, runRequest, runResponse } from './parser_runs.ts';

/** Longer inputs are split at this many places only. */
const SPLITS_MAX = 700;

function run(testCase: ConformanceCase, pieces: readonly Uint8Array[]): string {
  switch (testCase.subject) {
    case 'request':
      return runRequest(pieces, Number(testCase.options.get('maxHeaders') ?? 100));
    case 'response':
      return runResponse(pieces, Number(testCase.options.get('maxHeaders') ?? 100));
    case 'chunked':
      return runChunked(pieces);
    case 'server':
      return runServer(pieces, testCase.options);
    case 'client':
      return runClient(pieces, testCase.options);
  }
}

/** The whole; cut in two at every byte; and (short inputs) byte by byte. */
function* splits(bytes: Buffer): Generator<{ name: string; pieces: Uint8Array[] }> {
  yield { name: 'whole', pieces: [bytes] };
  const step = Math.max(1, Math.floor(bytes.length / SPLITS_MAX));
  for (let at = 1; at < bytes.length; at += step) yield { name: `split at ${at}`, pieces: [bytes.subarray(0, at), bytes.subarray(at)] };
  const size = step === 1 ? 1 : step * 7;
  const small: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) small.push(bytes.subarray(at, at + size));
  yield { name: `in pieces of ${size}`, pieces: small };
}

const cases = readCases();
const isRecording = process.env['RECORD_CONFORMANCE'] === '1';

describe.each([...new Set(cases.map((testCase) => testCase.file))])('%s', (file) => {
  it.each(cases.filter((testCase) => testCase.file === file).map((testCase) => [testCase.name, testCase] as const))('%s', (_name, testCase) => {
    if (isRecording && testCase.expected === '') {
      recordCase(testCase, run(testCase, [testCase.bytes]));
      return;
    }
    for (const { name, pieces } of splits(testCase.bytes)) expect(run(testCase, pieces), name).toBe(testCase.expected);
  });
});

it('has a case for every rule', () => {
  expect(cases.length).toBeGreaterThanOrEqual(150);
  expect(new Set(cases.map((testCase) => `${testCase.file} ${testCase.name}`)).size).toBe(cases.length);
});
