import type { LoadReport } from './load_report.ts';

const MAX_WEIGHT = 0xffffffff;

/**
 * The weight that a host with this report gets: requests per second over utilization, errors making that larger. A whole number from
 * 0 to 2^32-1; -1: the report does not say how busy the host is. `metrics`: names for the utilization where the application tells
 * none; the largest of them counts, and the CPU's where they are 0.
 */
export function reportWeight(report: LoadReport, metrics: readonly string[], errorPenalty: number): number {
  const { rpsFractional: rate } = report;
  if (!(rate > 0)) return -1;
  const utilization = utilizationOf(report, metrics) + (errorPenalty * report.eps) / rate;
  if (!(utilization > 0)) return -1;
  const weight = rate / utilization;
  return Number.isNaN(weight) ? -1 : Math.floor(Math.min(weight, MAX_WEIGHT));
}

function utilizationOf(report: LoadReport, metrics: readonly string[]): number {
  if (report.applicationUtilization > 0) return report.applicationUtilization;
  let largest = 0;
  for (const name of metrics) largest = Math.max(largest, metric(report, name));
  return largest > 0 ? largest : report.cpuUtilization;
}

/** A field, `map.key`, or the largest of `map.*`. */
function metric(report: LoadReport, name: string): number {
  const dot = name.indexOf('.');
  if (dot < 0) return report.numberOf(name);
  const map = report.mapOf(name.slice(0, dot));
  const key = name.slice(dot + 1);
  if (map === null) return 0;
  if (key !== '*') return map.get(key) ?? 0;
  let largest = 0;
  for (const value of map.values()) largest = Math.max(largest, value);
  return largest;
}
