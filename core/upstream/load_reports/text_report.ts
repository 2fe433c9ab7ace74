import { type LoadReport, parseReportNumber } from './load_report.ts';

const MAP_PREFIXES = ['named_metrics', 'utilization'] as const;

/**
 * Reads `name=value` or `name:value`, separated by commas; false: something of it is no metric. What was read until then stays in
 * `report`. Maps are `named_metrics.x` and `utilization.x`.
 */
export function readTextReport(text: string, report: LoadReport): boolean {
  const names = new Set<string>();
  for (const item of text.split(',')) {
    const pair = item.trim();
    if (pair === '') continue;
    const at = pair.search(/[=:]/);
    if (at <= 0) return false;
    const name = pair.slice(0, at);
    if (names.has(name)) return false;
    names.add(name);
    const value = parseReportNumber(pair.slice(at + 1));
    if (value === null || !Number.isFinite(value) || !setMetric(report, name, value)) return false;
  }
  return true;
}

function setMetric(report: LoadReport, name: string, value: number): boolean {
  for (const prefix of MAP_PREFIXES) {
    if (!name.startsWith(`${prefix}.`)) continue;
    const key = name.slice(prefix.length + 1);
    if (key === '') return false;
    report.mapOf(prefix)?.set(key, value);
    return true;
  }
  return report.setNumber(name, value);
}
