import { execFileSync } from 'node:child_process';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** What was measured on, and how quiet it was. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly commit: string;
  /** One-minute load average before the start. */
  readonly load: number;
  /** Share of all cores that others used just before the start, 0 to 1. */
  readonly busyBefore: number;
}

/** Above this share of busy cores before the start, rates and latencies mean little. */
export const BUSY_LIMIT = 0.1;

/** Describes the machine; watches it for half a second. */
export async function describeMachine(root: string): Promise<Machine> {
  const processors = cpus();
  const before = busyAndTotalMs();
  await delay(500);
  const after = busyAndTotalMs();
  const total = after.total - before.total;
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${platform()} ${release()}`,
    node: process.version,
    commit: commitOf(root),
    load: loadavg()[0] ?? 0,
    busyBefore: total > 0 ? (after.busy - before.busy) / total : 0,
  };
}

function busyAndTotalMs(): { busy: number; total: number } {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const used = times.user + times.nice + times.sys + times.irq;
    busy += used;
    total += used + times.idle;
  }
  return { busy, total };
}

function commitOf(root: string): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' with changes');
  } catch {
    return 'unknown';
  }
}
