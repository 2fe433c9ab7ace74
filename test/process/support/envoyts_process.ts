/** A whole envoyts process for one test: started, watched, and never left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `real`: bin/envoyts.js. `fake`: the same with a tiny worker in place of the data path. A launcher: that of an installed package. */
export type Entry = 'real' | 'fake' | { readonly launcher: string };

const ENTRIES: Readonly<Record<'real' | 'fake', string>> = {
  real: fileURLToPath(new URL('../../../bin/envoyts.js', import.meta.url)),
  fake: fileURLToPath(new URL('./fake_main.ts', import.meta.url)),
};

const WAIT_MS = 15_000;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class EnvoytsProcess {
  readonly folder: string;
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;
  private readonly exited: Promise<Exit>;
  private hasExited = false;

  /** `bootstrap`: text of a YAML file, or undefined for none. `{folder}` in arguments is this process's own folder. */
  constructor(entry: Entry, bootstrap: string | undefined, argv: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'envoyts-process-'));
    const inFolder = (argument: string): string => argument.replaceAll('{folder}', this.folder);
    const args = argv.map(inFolder);
    if (bootstrap !== undefined) {
      writeFileSync(join(this.folder, 'bootstrap.yaml'), inFolder(bootstrap));
      args.push('-c', join(this.folder, 'bootstrap.yaml'), '--admin-address-path', join(this.folder, 'admin'));
    }
    const script = typeof entry === 'string' ? ENTRIES[entry] : entry.launcher;
    this.child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (bytes: Buffer) => {
      this.stdout += bytes.toString();
    });
    this.child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.hasExited = true;
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for the end of the process; kills it after a while. */
  async exit(): Promise<Exit> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), WAIT_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  /** For afterEach: nothing stays. */
  async dispose(): Promise<void> {
    if (!this.hasExited) this.child.kill('SIGKILL');
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Waits until a condition holds; fails with the process's output when it does not, or when the process ends. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!(await condition())) {
      if (this.hasExited || performance.now() > deadline) throw new Error(`waited in vain for ${what}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Waits until /ready says LIVE. */
  async ready(): Promise<void> {
    await this.until('LIVE', async () => {
      try {
        return (await this.admin('/ready')).status === 200;
      } catch {
        return false;
      }
    });
  }

  /** Asks the admin interface. */
  admin(path: string, method = 'GET'): Promise<Answer> {
    return ask(readFileSync(join(this.folder, 'admin'), 'utf8'), path, method);
  }

  /** The address of a listener by name, as /listeners tells it. */
  async listener(name: string): Promise<string> {
    const { body } = await this.admin('/listeners');
    const line = body.split('\n').find((each) => each.startsWith(`${name}::`));
    if (line === undefined) throw new Error(`no listener ${name} in: ${body}`);
    return line.slice(name.length + 2);
  }

  /** The value of a counter or gauge. */
  async stat(name: string): Promise<number | undefined> {
    const { body } = await this.admin(`/stats?filter=${encodeURIComponent(`^${name.replaceAll('.', '\\.')}$`)}`);
    return body === '' ? undefined : Number(body.slice(body.indexOf(': ') + 2));
  }
}

/** One request on a connection of its own; rejects when the connection ends without an answer. */
export function ask(address: string, path: string, method = 'GET', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const colon = address.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: address.slice(0, colon), port: Number(address.slice(colon + 1)), path, method, headers, agent: false, timeout: WAIT_MS },
      (response) => {
        let body = '';
        response.on('data', (bytes: Buffer) => {
          body += bytes.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
    request.end();
  });
}
