// Random load reports, in each format. node test/fuzz/load_reports/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { HeaderNames } from '../../../core/headers/header_names.ts';
import { readBinaryReport } from '../../../core/upstream/load_reports/binary_report.ts';
import { LoadReport } from '../../../core/upstream/load_reports/load_report.ts';
import { internReportHeaders, readReport } from '../../../core/upstream/load_reports/report_headers.ts';
import { reportWeight } from '../../../core/upstream/load_reports/report_weight.ts';
import { headerMap } from '../../support/header_map.ts';
import { fuzz, fuzzArguments, type FuzzResult, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));
const METRICS = ['named_metrics.*', 'utilization.a', 'request_cost.*', 'eps', 'nothing'];

/** Nothing throws, what is read gives a weight or none, and a second reading says the same as the first. */
export function run(seconds: number, seed: number): FuzzResult {
  const names = new HeaderNames();
  const ids = internReportHeaders(names);
  const report = new LoadReport();
  const check = (): number => {
    const weight = reportWeight(report, METRICS, 1);
    assert(Number.isInteger(weight) && weight >= -1 && weight <= 0xffffffff, `weight ${weight}`);
    return weight;
  };
  return fuzz(seconds, seed, CORPUS, (input) => {
    const binary = input.toString('base64');
    report.clear();
    const isReport = readBinaryReport(input, report);
    if (isReport) {
      const weight = check();
      assert(readReport(headerMap(names, [['endpoint-load-metrics-bin', binary]]), ids, report) === (binary !== ''));
      if (binary !== '') assert.equal(check(), weight);
    }
    const text = input.toString('latin1').replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
    for (const value of [text, `TEXT ${text}`, `JSON ${text}`, `BIN ${text}`]) {
      const message = headerMap(names, [['endpoint-load-metrics', value]]);
      if (!readReport(message, ids, report)) continue;
      const weight = check();
      assert(readReport(message, ids, report));
      assert.equal(check(), weight);
    }
  });
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
