import type { Machine } from './machine.ts';
import type { Spread } from './statistics.ts';

/** One measured run of one proxy. */
export interface RunSample {
  readonly round: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU microseconds of the proxy per request; undefined where its accounting cannot be read. */
  readonly cpuUs: number | undefined;
  readonly userUs: number | undefined;
  readonly systemUs: number | undefined;
  /** Cores the proxy used, 0 to 1 for a pinned one: below 1 the load generator's core was the limit. */
  readonly utilisation: number | undefined;
  readonly rssKib: number | undefined;
  readonly peakRssKib: number | undefined;
  readonly requests: number;
}

/** One proxy in one scenario. A row with faults has no numbers that count. */
export interface ScenarioRow {
  readonly peer: string;
  readonly samples: readonly RunSample[];
  readonly faults: readonly string[];
  /** CPU per request over that of a reference proxy, round by round; by reference name. */
  readonly cpuRatios: Readonly<Record<string, Spread>>;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly what: string;
  readonly rows: readonly ScenarioRow[];
}

/** Memory and start of one proxy. */
export interface IdleRow {
  readonly peer: string;
  readonly workers: number;
  readonly rssKib: number | undefined;
  readonly pssKib: number | undefined;
  readonly connections: number;
  /** Growth of RSS per idle connection, KiB. */
  readonly kibPerConnection: number | undefined;
  /** Milliseconds from spawn to the first 200, five starts. */
  readonly startMs: Spread | undefined;
  readonly faults: readonly string[];
}

/** System calls of one proxy per request. */
export interface SyscallRow {
  readonly peer: string;
  readonly perRequest: number | undefined;
  readonly byName: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

export interface SyscallResult {
  readonly scenario: string;
  readonly tool: string;
  readonly rows: readonly SyscallRow[];
}

/** What a benchmark run leaves; the JSON file is this. */
export interface BenchResult {
  readonly schema: 1;
  readonly startedAt: string;
  readonly machine: Machine;
  readonly driver: string;
  readonly origin: string;
  readonly accounting: string;
  readonly isPinned: boolean;
  readonly seconds: number;
  readonly runs: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly absent: Readonly<Record<string, string>>;
  readonly scenarios: readonly ScenarioResult[];
  readonly idle: readonly IdleRow[];
  readonly syscalls: readonly SyscallResult[];
}

/** The proxies that others are compared with. */
export const REFERENCES = ['haproxy', 'nginx', 'floor'] as const;
