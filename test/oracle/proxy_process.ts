/** Starts a proxy on a bootstrap and reads its admin interface. The same code serves both sides of a comparison. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { YamlMap } from './case_file.ts';

/** What can be run: a command with the arguments that only it needs. */
export interface ProxyCommand {
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
}

const ENVOYTS_ENTRY = fileURLToPath(new URL('../../bin/envoyts.js', import.meta.url));
const START_LIMIT_MS = 20000;
const POLL_MS = 20;

/** The proxy of this repository, or undefined when its entry file is not there. */
export function envoytsCommand(): ProxyCommand | undefined {
  return existsSync(ENVOYTS_ENTRY) ? { label: 'envoyts', command: process.execPath, args: [ENVOYTS_ENTRY] } : undefined;
}

/** The reference proxy, when the environment names its binary. */
export function referenceCommand(): ProxyCommand | undefined {
  const binary = process.env.ENVOY_BIN;
  return binary === undefined || binary === '' ? undefined : { label: 'envoy', command: binary, args: ['--disable-hot-restart'] };
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function fetchText(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('latin1');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`admin ${path} did not answer`)));
    sent.on('error', reject);
    sent.end();
  });
}

export class ProxyProcess {
  readonly label: string;
  adminPort = 0;
  stdout = '';
  stderr = '';
  private exit: string | undefined = undefined;
  private readonly child: ChildProcess;
  private readonly addressPath: string;

  /** Spawns the proxy; `directory` receives its bootstrap and admin address. */
  constructor(proxy: ProxyCommand, bootstrap: YamlMap, directory: string) {
    this.label = proxy.label;
    const configPath = join(directory, `${proxy.label}.json`);
    this.addressPath = join(directory, `${proxy.label}.admin`);
    writeFileSync(configPath, `${JSON.stringify(bootstrap, null, 1)}\n`);
    this.child = spawn(
      proxy.command,
      [
        ...proxy.args,
        ...['--concurrency', '1', '-c', configPath, '--admin-address-path', this.addressPath],
        ...['--file-flush-interval-msec', '20', '-l', 'warning'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString('latin1');
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk.toString('latin1')).slice(-20000);
    });
    this.child.on('error', (error) => {
      this.exit = error.message;
    });
    this.child.on('exit', (code, signal) => {
      this.exit = `exit ${code ?? signal}`;
    });
  }

  /** Waits until the admin interface says LIVE. Throws with the process's own words when it ends before. */
  async ready(): Promise<void> {
    const until = Date.now() + START_LIMIT_MS;
    while (Date.now() < until) {
      if (this.exit !== undefined) {
        throw new Error(`${this.label} did not start (${this.exit}):\n${this.lastWords()}`);
      }
      if (await this.isLive()) {
        return;
      }
      await delay(POLL_MS);
    }
    throw new Error(`${this.label} was not ready within ${START_LIMIT_MS} ms:\n${this.lastWords()}`);
  }

  /** Why the process has ended, if it has. */
  exited(): string | undefined {
    return this.exit;
  }

  admin(path: string): Promise<string> {
    return fetchText(this.adminPort, path);
  }

  /** Ends the process and waits for it. */
  async stop(): Promise<void> {
    if (this.exit !== undefined) {
      return;
    }
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const killer = setTimeout(() => this.child.kill('SIGKILL'), 3000);
    await gone;
    clearTimeout(killer);
  }

  /** The last lines of stderr. */
  lastWords(): string {
    return this.stderr.trimEnd().split('\n').slice(-5).join('\n').slice(-2000);
  }

  private async isLive(): Promise<boolean> {
    if (this.adminPort === 0) {
      const text = existsSync(this.addressPath) ? readFileSync(this.addressPath, 'utf8') : '';
      const match = /:(\d+)\s*$/.exec(text);
      if (match === null) {
        return false;
      }
      this.adminPort = Number(match[1]);
    }
    try {
      return (await this.admin('/ready')).trim() === 'LIVE';
    } catch {
      return false;
    }
  }
}

/** `name: integer` lines of /stats: counters and gauges. */
export function parseStats(text: string): Map<string, number> {
  const stats = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(.*): (\d+)$/.exec(line);
    if (match !== null) {
      stats.set(match[1] ?? '', Number(match[2]));
    }
  }
  return stats;
}
