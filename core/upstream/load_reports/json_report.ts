import { type LoadReport, parseReportNumber } from './load_report.ts';

/** Names that protobuf's JSON allows besides those of the proto. */
const PROTO_NAMES: Readonly<Record<string, string>> = {
  cpuUtilization: 'cpu_utilization', memUtilization: 'mem_utilization', applicationUtilization: 'application_utilization', rpsFractional: 'rps_fractional',
  requestCost: 'request_cost', namedMetrics: 'named_metrics',
};

/** Reads protobuf's JSON; false: it is no report, or has fields that reports have not. What was read until then stays in `report`. */
export function readJsonReport(text: string, report: LoadReport): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  if (!isObject(value)) return false;
  for (const [key, member] of Object.entries(value)) {
    if (!readMember(Object.hasOwn(PROTO_NAMES, key) ? PROTO_NAMES[key] : key, member, report)) return false;
  }
  return true;
}

function readMember(name: string, value: unknown, report: LoadReport): boolean {
  const map = report.mapOf(name);
  if (map !== null) {
    if (value === null) return true;
    if (!isObject(value)) return false;
    for (const [key, member] of Object.entries(value)) {
      const number = toDouble(member);
      if (number === null) return false;
      map.set(key, number);
    }
    return true;
  }
  if (name === 'rps') return isUint64(value);
  const number = toDouble(value);
  return number !== null && report.setNumber(name, number);
}

/** null: it is no double. */
function toDouble(value: unknown): number | null {
  if (value === null) return 0;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return typeof value === 'string' ? parseReportNumber(value) : null;
}

/** The field is deprecated and means nothing, but must be one. */
function isUint64(value: unknown): boolean {
  const number = toDouble(value);
  return number !== null && Number.isInteger(number) && number >= 0 && number < 2 ** 64;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
