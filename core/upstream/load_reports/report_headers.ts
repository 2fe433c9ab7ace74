import { isUtf8 } from 'node:buffer';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { HeaderNames } from '../../headers/header_names.ts';
import { readBase64Report } from './binary_report.ts';
import { readJsonReport } from './json_report.ts';
import type { LoadReport } from './load_report.ts';
import { readTextReport } from './text_report.ts';

const BINARY = 'endpoint-load-metrics-bin';
const ANY_FORMAT = 'endpoint-load-metrics';

/** Where a thread finds load reports in headers and trailers. */
export interface ReportHeaders {
  readonly binary: number;
  readonly anyFormat: number;
}

/** Thread: worker, before messages with those names are parsed. */
export function internReportHeaders(names: HeaderNames): ReportHeaders {
  return { binary: names.intern(BINARY), anyFormat: names.intern(ANY_FORMAT) };
}

/**
 * Reads the report of a message into `report`; false: there is none, or it is malformed. Of several values of a header the first one
 * counts, and `-bin` before the other header, whether or not it can be read. Cost: two look-ups without a report. A report is as
 * long as headers may be. Semantics: Envoy docs, api xds/data/orca/v3/orca_load_report.proto.
 */
export function readReport(message: HeaderMap, { binary, anyFormat }: ReportHeaders, report: LoadReport): boolean {
  const encoded = message.get(binary);
  const text = encoded === undefined ? message.get(anyFormat) : undefined;
  if (encoded === undefined && text === undefined) return false;
  report.clear();
  if (encoded !== undefined) return readBase64Report(encoded, report);
  return text !== undefined && readFormat(text, report);
}

function readFormat(text: string, report: LoadReport): boolean {
  const format = text.slice(0, 5);
  if (format === 'TEXT ') return readTextReport(asUtf8(text.slice(5)), report);
  if (format === 'JSON ') return isUtf8(Buffer.from(text, 'latin1')) && readJsonReport(asUtf8(text.slice(5)), report);
  return text.startsWith('BIN ') && readBase64Report(text.slice(4), report);
}

/** Values of headers are read as Latin-1; names of metrics are compared with those of the configuration. */
function asUtf8(text: string): string {
  return /[\x80-\xff]/.test(text) ? Buffer.from(text, 'latin1').toString() : text;
}
