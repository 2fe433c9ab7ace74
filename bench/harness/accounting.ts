import { readdirSync, readFileSync } from 'node:fs';
import type { RunningProcess } from './processes.ts';
import { processTree } from './processes.ts';

/** CPU time a proxy has used so far, all its processes and threads, in microseconds. */
export interface CpuTimes {
  /** On-CPU time, from the scheduler's own nanoseconds. */
  readonly totalUs: number;
  /** Only the ratio of these two is used: they are sampled at the kernel's tick. */
  readonly userUs: number;
  readonly systemUs: number;
}

/** Resident memory in KiB, summed over the proxy's processes. */
export interface Memory {
  readonly rssKib: number;
  /** Greatest RSS since start, summed. */
  readonly peakRssKib: number;
  /** Like RSS, but a page shared by n processes counts 1/n; undefined where the kernel does not say. */
  readonly pssKib: number | undefined;
}

/** CPU and memory of one proxy, from the process's own accounting. */
export interface Accountant {
  readonly source: string;
  cpu(): Promise<CpuTimes>;
  memory(): Promise<Memory>;
}

/** CPU of one span, split. */
export interface CpuUse {
  readonly totalUs: number;
  readonly userUs: number;
  readonly systemUs: number;
}

/** What was used between two readings; user and system share the exact total in the proportion of the ticks. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): CpuUse {
  const totalUs = after.totalUs - before.totalUs;
  const user = after.userUs - before.userUs;
  const system = after.systemUs - before.systemUs;
  const share = user + system > 0 ? user / (user + system) : 0;
  return { totalUs, userUs: totalUs * share, systemUs: totalUs * (1 - share) };
}

/** utime and stime in clock ticks from /proc/PID/stat, whose second field may hold spaces and parentheses. */
export function parseStat(text: string): { user: number; system: number } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[11]), system: Number(fields[12]) };
}

/** On-CPU nanoseconds: the first number of /proc/PID/task/TID/schedstat. */
export function parseSchedstat(text: string): number {
  return Number(text.split(' ')[0]);
}

/** A "Name:   123 kB" line of /proc/PID/status or smaps_rollup; undefined when there is none. */
export function parseKib(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** Linux reports process times in units of USER_HZ, which is 100 on every architecture Node runs on. */
const TICK_US = 10_000;

/** Reads /proc for a process and its descendants, which are looked up once, at construction. */
export class ProcAccountant implements Accountant {
  readonly source = '/proc schedstat (total), utime/stime (split)';
  private readonly pids: readonly number[];

  constructor(rootPid: number) {
    this.pids = processTree(rootPid);
  }

  async cpu(): Promise<CpuTimes> {
    let onCpuNs = 0;
    let user = 0;
    let system = 0;
    for (const pid of this.pids) {
      const ticks = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      user += ticks.user;
      system += ticks.system;
      for (const thread of readdirSync(`/proc/${pid}/task`)) onCpuNs += threadNs(pid, thread);
    }
    const tickUs = (user + system) * TICK_US;
    return { totalUs: onCpuNs > 0 ? onCpuNs / 1000 : tickUs, userUs: user * TICK_US, systemUs: system * TICK_US };
  }

  async memory(): Promise<Memory> {
    let rssKib = 0;
    let peakRssKib = 0;
    let pssKib: number | undefined = 0;
    for (const pid of this.pids) {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      rssKib += parseKib(status, 'VmRSS') ?? 0;
      peakRssKib += parseKib(status, 'VmHWM') ?? 0;
      const pss = parseKib(readOrEmpty(`/proc/${pid}/smaps_rollup`), 'Pss');
      pssKib = pssKib === undefined || pss === undefined ? undefined : pssKib + pss;
    }
    return { rssKib, peakRssKib, pssKib };
  }
}

function threadNs(pid: number, thread: string): number {
  const text = readOrEmpty(`/proc/${pid}/task/${thread}/schedstat`);
  return text === '' ? 0 : parseSchedstat(text);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // A thread that has just ended, or a kernel without this file.
    return '';
  }
}

/** What usage_probe.ts answers. */
export interface ProbeAnswer {
  readonly userUs: number;
  readonly systemUs: number;
  readonly rssKib: number;
  readonly peakRssKib: number;
}

/** Asks a Node process for its process.resourceUsage(), through usage_probe.ts loaded into it. */
export class ProbeAccountant implements Accountant {
  readonly source = 'process.resourceUsage';
  private readonly target: RunningProcess;

  constructor(target: RunningProcess) {
    this.target = target;
  }

  async cpu(): Promise<CpuTimes> {
    const answer = await this.ask();
    return { totalUs: answer.userUs + answer.systemUs, userUs: answer.userUs, systemUs: answer.systemUs };
  }

  async memory(): Promise<Memory> {
    const answer = await this.ask();
    return { rssKib: answer.rssKib, peakRssKib: answer.peakRssKib, pssKib: undefined };
  }

  private ask(): Promise<ProbeAnswer> {
    const { child } = this.target;
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('the proxy ended'));
      child.once('exit', gone);
      child.once('message', (answer) => {
        child.off('exit', gone);
        resolve(answer as ProbeAnswer);
      });
      child.send('usage', (error) => {
        if (error !== null) reject(error);
      });
    });
  }
}
