import { readObject, type Scalar } from './json_reader.ts';
import { type LoadReport, parseReportNumber } from './load_report.ts';

/** Names that protobuf's JSON allows besides those of the proto. */
const PROTO_NAMES: ReadonlyMap<string, string> = new Map([
  ['cpuUtilization', 'cpu_utilization'], ['memUtilization', 'mem_utilization'], ['applicationUtilization', 'application_utilization'],
  ['rpsFractional', 'rps_fractional'], ['requestCost', 'request_cost'], ['namedMetrics', 'named_metrics'],
]);

/** Reads protobuf's JSON; false: it is no report, or has fields that reports have not. What was read until then stays in `report`. */
export function readJsonReport(text: string, report: LoadReport): boolean {
  const members = readObject(text);
  if (members === null) return false;
  for (const [name, value] of members) {
    if (!readMember(PROTO_NAMES.get(name) ?? name, value, report)) return false;
  }
  return true;
}

function readMember(name: string, value: Scalar | Map<string, Scalar>, report: LoadReport): boolean {
  const map = report.mapOf(name);
  if (map !== null) return value === null || (value instanceof Map && readMap(value, map));
  if (value instanceof Map) return false;
  const number = toDouble(value);
  if (number === null) return false;
  // Deprecated and without a meaning, but it must be a uint64.
  if (name === 'rps') return Number.isInteger(number) && number >= 0 && number < 2 ** 64;
  return report.setNumber(name, number);
}

function readMap(members: Map<string, Scalar>, map: Map<string, number>): boolean {
  for (const [key, member] of members) {
    const number = toDouble(member);
    if (number === null) return false;
    map.set(key, number);
  }
  return true;
}

/** null: it is no double. */
function toDouble(value: Scalar): number | null {
  if (value === null) return 0;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return parseReportNumber(value);
}
