import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, processTree, type ProcessGroup, type RunningProcess } from './processes.ts';

/** Counts of system calls by name. */
export type SyscallCounts = Readonly<Record<string, number>>;

/** Counts a process's system calls over a span. */
export interface SyscallCounter {
  readonly name: string;
  /** Attaches; the result of finish() covers what happened since. */
  attach(rootPid: number): Promise<{ finish(): Promise<SyscallCounts> }>;
}

/**
 * The calls that are counted by name with perf: those a proxy's data path can make. Others appear in the
 * total as "other".
 */
const NAMES = [
  'recvfrom', 'recvmsg', 'read', 'readv', 'sendto', 'sendmsg', 'write', 'writev', 'sendfile64', 'splice',
  'epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'epoll_ctl', 'accept4', 'connect', 'socket', 'close', 'shutdown',
  'setsockopt', 'getsockopt', 'getsockname', 'getpeername', 'ioctl', 'fcntl', 'futex', 'clock_gettime',
  'timerfd_settime', 'io_uring_enter', 'gettid', 'getpid', 'getrandom', 'gettimeofday', 'pread64', 'pwrite64',
];

/** Exact counts from the kernel's tracepoints, at little cost to the measured process. */
class PerfCounter implements SyscallCounter {
  readonly name = 'perf stat';
  private readonly group: ProcessGroup;
  private readonly program: string;
  private readonly folder: string;
  private readonly events: string;

  constructor(group: ProcessGroup, program: string, folder: string, names: readonly string[]) {
    this.group = group;
    this.program = program;
    this.folder = folder;
    this.events = ['raw_syscalls:sys_enter', ...names.map((name) => `syscalls:sys_enter_${name}`)].join(',');
  }

  async attach(rootPid: number): Promise<{ finish(): Promise<SyscallCounts> }> {
    const output = join(this.folder, `perf-${rootPid}`);
    const pids = processTree(rootPid).join(',');
    const perf = await this.group.start({ argv: [this.program, 'stat', '-x', ',', '-o', output, '-e', this.events, '-p', pids] });
    await untilAttached();
    return {
      finish: async () => {
        await interrupt(perf);
        return parsePerfStat(readFileSync(output, 'latin1'));
      },
    };
  }
}

/** strace stops the process at every call: counts hold, everything else about the run does not. */
class StraceCounter implements SyscallCounter {
  readonly name = 'strace -c -f';
  private readonly group: ProcessGroup;
  private readonly program: string;
  private readonly folder: string;

  constructor(group: ProcessGroup, program: string, folder: string) {
    this.group = group;
    this.program = program;
    this.folder = folder;
  }

  async attach(rootPid: number): Promise<{ finish(): Promise<SyscallCounts> }> {
    const output = join(this.folder, `strace-${rootPid}`);
    const pids = processTree(rootPid).flatMap((pid) => ['-p', `${pid}`]);
    const strace = await this.group.start({ argv: [this.program, '-c', '-f', '-q', '-o', output, ...pids] });
    await untilAttached();
    return {
      finish: async () => {
        await interrupt(strace);
        return parseStrace(readFileSync(output, 'latin1'));
      },
    };
  }
}

/** perf where tracepoints can be read, else strace; undefined when neither can be used. */
export function chooseCounter(group: ProcessGroup, folder: string): SyscallCounter | undefined {
  const perf = findProgram('perf');
  if (perf !== undefined) {
    const known = NAMES.filter((name) => canCount(perf, `syscalls:sys_enter_${name}`));
    if (known.length > 0 && canCount(perf, 'raw_syscalls:sys_enter')) return new PerfCounter(group, perf, folder, known);
  }
  const strace = findProgram('strace');
  return strace === undefined ? undefined : new StraceCounter(group, strace, folder);
}

function canCount(perf: string, event: string): boolean {
  return spawnSync(perf, ['stat', '-e', event, 'true'], { stdio: 'ignore', timeout: 5000 }).status === 0;
}

/** Neither tool says when it has attached; both take a few milliseconds for a handful of threads. */
async function untilAttached(): Promise<void> {
  await delay(500);
}

async function interrupt(tool: RunningProcess): Promise<void> {
  if (tool.ended !== undefined) throw new Error(`the counting tool ${tool.ended}: ${tool.complaint}`);
  const ended = new Promise((resolve) => tool.child.once('exit', resolve));
  tool.child.kill('SIGINT');
  await ended;
}

/** Counts from `perf stat -x,`; what no named event covers is "other". */
export function parsePerfStat(text: string): SyscallCounts {
  const counts: Record<string, number> = {};
  let total = 0;
  let named = 0;
  for (const line of text.split('\n')) {
    const [value = '', , event = ''] = line.split(',');
    const count = Number(value);
    if (value === '' || !Number.isFinite(count)) continue;
    if (event.startsWith('raw_syscalls:sys_enter')) total = count;
    const match = /^syscalls:sys_enter_(\w+)/.exec(event);
    if (match?.[1] === undefined) continue;
    if (count > 0) counts[match[1]] = count;
    named += count;
  }
  if (total > named) counts.other = total - named;
  return counts;
}

/** Counts from the table of `strace -c`. */
export function parseStrace(text: string): SyscallCounts {
  const counts: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const name = fields.at(-1) ?? '';
    const calls = Number(fields[3]);
    if (fields.length < 5 || name === 'total' || !Number.isInteger(calls)) continue;
    counts[name] = calls;
  }
  return counts;
}
