import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How to start a process of the benchmark. */
export interface SpawnRequest {
  readonly argv: readonly string[];
  /** Core to pin to (Linux with taskset); not pinned when undefined. */
  readonly core?: number | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** File that gets standard output, appended; otherwise its end is kept for error messages. */
  readonly stdoutPath?: string | undefined;
  readonly cwd?: string;
  /** Opens a message channel, for the usage probe. */
  readonly ipc?: boolean;
}

/** Bytes of output that are kept, from its end. */
const OUTPUT_KEPT = 4000;

/** Lines of output that may go into an error message. */
const LINES_QUOTED = 3;

/** A child process with its fate and the end of its output. */
export class RunningProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** undefined while it runs, then how it ended. */
  ended: string | undefined;
  output: string;

  /** The lines that look like the reason of an end, else the last ones; one line, at most 400 characters. */
  get complaint(): string {
    const lines = this.output.split('\n').map((line) => line.trim()).filter((line) => line !== '');
    const telling = lines.filter((line) => /error|alert|emerg|critical|fatal|cannot|refused/i.test(line));
    return (telling.length > 0 ? telling.slice(0, LINES_QUOTED) : lines.slice(-LINES_QUOTED)).join(' / ').slice(0, 400);
  }

  constructor(child: ChildProcess, pid: number) {
    this.pid = pid;
    this.child = child;
    this.ended = undefined;
    this.output = '';
    const keep = (text: Buffer): void => {
      this.output = (this.output + text.toString()).slice(-OUTPUT_KEPT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('exit', (code, signal) => {
      this.ended = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
    });
  }
}

/**
 * Every process the benchmark starts, so that none is left behind: killed by pid, with descendants, on
 * stop, on exit, on Ctrl-C, and (Linux, through setpriv) when the benchmark itself is killed.
 */
export class ProcessGroup {
  private readonly running: Set<RunningProcess>;
  private readonly wrapper: readonly string[];
  private readonly taskset: string | undefined;

  constructor() {
    this.running = new Set();
    const linux = process.platform === 'linux';
    this.taskset = linux ? findProgram('taskset') : undefined;
    const setpriv = linux ? findProgram('setpriv') : undefined;
    this.wrapper = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL'];
  }

  /** True when processes really are pinned to their cores. */
  get isPinning(): boolean {
    return this.taskset !== undefined;
  }

  /** Starts a process. Throws when the program cannot be started. */
  async start(request: SpawnRequest): Promise<RunningProcess> {
    const pin = request.core === undefined || this.taskset === undefined ? [] : [this.taskset, '-c', `${request.core}`];
    const [program = '', ...args] = [...this.wrapper, ...pin, ...request.argv];
    const stdout = request.stdoutPath === undefined ? 'pipe' : openSync(request.stdoutPath, 'a');
    try {
      const child = spawn(program, args, {
        stdio: request.ipc === true ? ['ignore', stdout, 'pipe', 'ipc'] : ['ignore', stdout, 'pipe'],
        env: { ...process.env, ...request.env },
        ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      if (child.pid === undefined) throw new Error(`${program} did not start`);
      const started = new RunningProcess(child, child.pid);
      this.running.add(started);
      return started;
    } finally {
      if (typeof stdout === 'number') closeSync(stdout);
    }
  }

  /** Runs a process to its end. Kills it after timeoutMs; throws then, or on a non-zero exit. Returns its standard output. */
  async run(request: SpawnRequest, timeoutMs: number): Promise<string> {
    const started = await this.start(request);
    let text = '';
    started.child.stdout?.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    const closed = new Promise<boolean>((resolve) => started.child.once('close', () => resolve(true)));
    const limit = new AbortController();
    const inTime = await Promise.race([closed, delay(timeoutMs, false, { signal: limit.signal })]);
    limit.abort();
    const name = request.argv[0] ?? '';
    if (!inTime) {
      await this.stop(started);
      throw new Error(`${name} did not end within ${timeoutMs} ms`);
    }
    this.running.delete(started);
    if (started.ended !== 'exited with code 0') throw new Error(`${name} ${started.ended}: ${started.complaint}`);
    return text;
  }

  /** SIGTERM, then SIGKILL after two seconds, to the process and what it started. */
  async stop(started: RunningProcess): Promise<void> {
    const pids = processTree(started.pid);
    if (started.ended === undefined) {
      signalAll([started.pid], 'SIGTERM');
      for (let waited = 0; waited < 2000 && started.ended === undefined; waited += 20) await delay(20);
    }
    if (started.ended === undefined) signalAll([started.pid], 'SIGKILL');
    signalAll(pids.filter((pid) => pid !== started.pid && isSameProcess(pid, pids)), 'SIGKILL');
    for (let waited = 0; waited < 1000 && started.ended === undefined; waited += 10) await delay(10);
    this.running.delete(started);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.running].map((started) => this.stop(started)));
  }

  /** For exit handlers: SIGKILL to everything, without waiting. */
  killAllNow(): void {
    for (const started of this.running) {
      if (started.ended === undefined) signalAll(processTree(started.pid), 'SIGKILL');
    }
    this.running.clear();
  }
}

/**
 * The process and its descendants, root first. Only the root where there is no /proc.
 * Descendants are found by parent id, so call it before the root ends.
 */
export function processTree(root: number): number[] {
  const tree = [root];
  if (process.platform !== 'linux') return tree;
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i] ?? 0) ?? []));
  return tree;
}

/** A descendant outlives its root with parent 1 or a member of the tree; any other parent means a reused id. */
function isSameProcess(pid: number, tree: readonly number[]): boolean {
  const parent = parentOf(pid);
  return parent !== undefined && (parent === 1 || parent === process.pid || tree.includes(parent));
}

function parentOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}

/** Full path of a program, searched in PATH and the system folders; undefined when it is not there. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
