import type { HeaderMap } from '../../headers/header_map.ts';
import { LoadReport } from './load_report.ts';
import type { LoadWeights } from './load_weights.ts';
import { type ReportHeaders, readReport } from './report_headers.ts';
import { reportWeight } from './report_weight.ts';

/** Looks for reports in the responses of a cluster's hosts, on one worker. */
export class LoadReports {
  private readonly headers: ReportHeaders;
  private readonly weights: LoadWeights;
  private readonly report: LoadReport;

  constructor(headers: ReportHeaders, weights: LoadWeights) {
    this.headers = headers;
    this.weights = weights;
    this.report = new LoadReport();
  }

  /** Headers or trailers of a response of this host; whether they had a report, be it one that gives no weight. */
  onMessage(message: HeaderMap, hostId: number): boolean {
    const { report, weights } = this;
    if (!readReport(message, this.headers, report)) return false;
    const weight = reportWeight(report, weights.config.metrics, weights.config.errorPenalty);
    if (weight >= 0) weights.note(hostId, weight);
    return true;
  }
}
