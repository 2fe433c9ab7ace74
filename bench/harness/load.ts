import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { bodyOf, headersOf, pathOf, type Scenario } from '../macro/scenarios.ts';
import { findProgram, type ProcessGroup } from './processes.ts';

/** What the load generator saw in one run. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Bytes received, heads included; the last responses may be partial. */
  readonly bytes: number;
  readonly non2xx: number;
  /** Connect, read, write errors and timeouts. */
  readonly socketErrors: number;
  /** Microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** Drives one scenario at a port for some seconds and says what it saw. */
export interface LoadDriver {
  readonly name: string;
  drive(scenario: Scenario, port: number, seconds: number): Promise<LoadResult>;
}

/** The line both drivers print, behind a mark so that other output does not matter. */
const MARK = 'BENCH-RESULT ';
const NUMBERS = ['requests', 'seconds', 'bytes', 'non2xx', 'socketErrors', 'p50Us', 'p99Us', 'maxUs'] as const;

/** Reads a driver's result line. Throws when it is missing or incomplete. */
export function parseLoadResult(output: string): LoadResult {
  const line = output.split('\n').find((candidate) => candidate.startsWith(MARK));
  if (line === undefined) throw new Error(`the load generator printed no result: ${output.trim().slice(-400)}`);
  const parsed: unknown = JSON.parse(line.slice(MARK.length));
  const record = parsed as Record<string, unknown>;
  for (const name of NUMBERS) {
    if (typeof record[name] !== 'number' || !Number.isFinite(record[name])) {
      throw new Error(`the load generator's result has no ${name}: ${line}`);
    }
  }
  return parsed as LoadResult;
}

/** A driver's result line for a result. */
export function formatLoadResult(result: LoadResult): string {
  return `${MARK}${JSON.stringify(result)}`;
}

/**
 * Everything wrong with a run; empty when it counts. A run with any error does not: a proxy that refuses
 * or truncates is fast.
 */
export function faultsOf(scenario: Scenario, result: LoadResult): string[] {
  const faults: string[] = [];
  if (result.requests === 0) return ['no request completed'];
  if (result.non2xx > 0) faults.push(`${result.non2xx} responses were not 2xx`);
  if (result.socketErrors > 0) faults.push(`${result.socketErrors} socket errors or timeouts`);
  const least = result.requests * scenario.responseBytes;
  const most = (result.requests + scenario.connections) * (scenario.responseBytes + HEAD_BYTES_MAX);
  if (result.bytes < least) faults.push(`${result.bytes} bytes for ${result.requests} responses: bodies were cut`);
  if (result.bytes > most) faults.push(`${result.bytes} bytes for ${result.requests} responses: too many`);
  return faults;
}

/** No proxy here answers with a head above this. */
const HEAD_BYTES_MAX = 2048;

/**
 * The wrk script: the request as literal bytes, so that every proxy gets the same headers in the same
 * order, and built once, so that wrk stays in its static mode; the result as one line.
 */
export function wrkScript(scenario: Scenario): string {
  const head = headersOf(scenario).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const request = `${scenario.method} ${pathOf(scenario.path)} HTTP/1.1\r\n${head}\r\n${bodyOf(scenario)}`;
  return `wrk.format = function() return ${JSON.stringify(request)} end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('${MARK}{"requests":%d,"seconds":%f,"bytes":%d,"non2xx":%d,"socketErrors":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d}\\n',
    summary.requests, summary.duration / 1e6, summary.bytes, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
`;
}

/** Beyond the run itself, a driver may take this long to start and end, ms. */
const GRACE_MS = 20_000;

class WrkDriver implements LoadDriver {
  readonly name: string;
  private readonly program: string;
  private readonly group: ProcessGroup;
  private readonly folder: string;
  private readonly core: number;

  constructor(name: string, program: string, group: ProcessGroup, folder: string, core: number) {
    this.name = name;
    this.program = program;
    this.group = group;
    this.folder = folder;
    this.core = core;
  }

  async drive(scenario: Scenario, port: number, seconds: number): Promise<LoadResult> {
    const script = join(this.folder, `${scenario.name}.lua`);
    writeFileSync(script, wrkScript(scenario));
    const argv = [
      this.program, '-t', '1', '-c', `${scenario.connections}`, '-d', `${seconds}s`, '--timeout', '10s',
      '-s', script, `http://127.0.0.1:${port}/`,
    ];
    return parseLoadResult(await this.group.run({ argv, core: this.core }, seconds * 1000 + GRACE_MS));
  }
}

class AutocannonDriver implements LoadDriver {
  readonly name = 'autocannon, latency by hdr-histogram-js';
  private readonly group: ProcessGroup;
  private readonly core: number;

  constructor(group: ProcessGroup, core: number) {
    this.group = group;
    this.core = core;
  }

  async drive(scenario: Scenario, port: number, seconds: number): Promise<LoadResult> {
    const script = fileURLToPath(new URL('./autocannon_driver.ts', import.meta.url));
    const argv = [process.execPath, script, scenario.name, `${port}`, `${seconds}`];
    return parseLoadResult(await this.group.run({ argv, core: this.core }, seconds * 1000 + GRACE_MS));
  }
}

/** wrk where it is installed, else autocannon in a process of its own. */
export async function chooseDriver(
  group: ProcessGroup,
  folder: string,
  core: number,
  wanted: 'auto' | 'autocannon',
): Promise<LoadDriver> {
  const wrk = wanted === 'auto' ? findProgram('wrk') : undefined;
  if (wrk === undefined) return new AutocannonDriver(group, core);
  return new WrkDriver('wrk', wrk, group, folder, core);
}
