/** What a host says of its load: xds.data.orca.v3.OrcaLoadReport. One object per cluster and worker, filled anew for each report. */
export class LoadReport {
  cpuUtilization: number;
  memUtilization: number;
  applicationUtilization: number;
  rpsFractional: number;
  eps: number;
  readonly requestCost: Map<string, number>;
  readonly utilization: Map<string, number>;
  readonly namedMetrics: Map<string, number>;

  constructor() {
    this.cpuUtilization = 0;
    this.memUtilization = 0;
    this.applicationUtilization = 0;
    this.rpsFractional = 0;
    this.eps = 0;
    this.requestCost = new Map();
    this.utilization = new Map();
    this.namedMetrics = new Map();
  }

  clear(): void {
    this.cpuUtilization = 0;
    this.memUtilization = 0;
    this.applicationUtilization = 0;
    this.rpsFractional = 0;
    this.eps = 0;
    this.requestCost.clear();
    this.utilization.clear();
    this.namedMetrics.clear();
  }

  /** Sets a number by its name in the proto; false: there is none of that name. */
  setNumber(name: string, value: number): boolean {
    switch (name) {
      case 'cpu_utilization':
        this.cpuUtilization = value;
        return true;
      case 'mem_utilization':
        this.memUtilization = value;
        return true;
      case 'application_utilization':
        this.applicationUtilization = value;
        return true;
      case 'rps_fractional':
        this.rpsFractional = value;
        return true;
      case 'eps':
        this.eps = value;
        return true;
      default:
        return false;
    }
  }

  /** By its name in the proto; 0 = there is none of that name. */
  numberOf(name: string): number {
    switch (name) {
      case 'cpu_utilization':
        return this.cpuUtilization;
      case 'mem_utilization':
        return this.memUtilization;
      case 'application_utilization':
        return this.applicationUtilization;
      case 'rps_fractional':
        return this.rpsFractional;
      case 'eps':
        return this.eps;
      default:
        return 0;
    }
  }

  /** The map of that name in the proto; null: there is none. */
  mapOf(name: string): Map<string, number> | null {
    switch (name) {
      case 'request_cost':
        return this.requestCost;
      case 'utilization':
        return this.utilization;
      case 'named_metrics':
        return this.namedMetrics;
      default:
        return null;
    }
  }
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^\+?0x([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i;
const WORD = /^([+-]?)(?:(inf|infinity)|nan)$/i;

/**
 * A number as absl::SimpleAtod reads it: decimal, hexadecimal (not a negative one) or a word, blanks around it allowed. May be infinite
 * or NaN; null: it is none.
 */
export function parseReportNumber(text: string): number | null {
  const trimmed = text.trim();
  if (DECIMAL.test(trimmed)) return Number(trimmed);
  const hex = HEXADECIMAL.exec(trimmed);
  if (hex !== null) {
    const [, whole, fraction, exponent = '0'] = hex;
    if (whole === '' && fraction === '') return null;
    return Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  }
  const word = WORD.exec(trimmed);
  if (word === null) return null;
  return word[2] === undefined ? NaN : word[1] === '-' ? -Infinity : Infinity;
}
