import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { allPeers } from '../peers/all_peers.ts';
import type { Peer, PeerContext } from '../peers/peer.ts';
import { type Accountant, ProbeAccountant, ProcAccountant } from './accounting.ts';
import { ask, faultsOfWork, freePort, waitFor200 } from './http_check.ts';
import { chooseDriver, type LoadDriver } from './load.ts';
import { compileProgram } from './native_programs.ts';
import type { BenchOptions } from './options.ts';
import type { ProcessGroup, RunningProcess } from './processes.ts';
import { type SecureOrigin, startSecureOrigin } from './secure_origin.ts';
import { pathOf } from '../macro/scenarios.ts';

/** A proxy that runs and answers. */
export interface StartedPeer {
  readonly peer: Peer;
  readonly context: PeerContext;
  readonly process: RunningProcess;
  readonly accountant: Accountant | undefined;
  /** Milliseconds from spawn to the first 200. */
  readonly startMs: number;
}

/** How a proxy is to be started. */
export interface StartRequest {
  readonly workers: number;
  readonly connections: number;
  readonly hasAccessLog: boolean;
  readonly isPinned: boolean;
  /** The origin is behind TLS. */
  readonly isSecured?: boolean;
}

/** A proxy must answer within this time of its start, ms. */
const START_LIMIT_MS = 20_000;

const MEMORY_FOLDER = '/dev/shm';
const FOLDER_PREFIX = `envoyts-bench-${process.pid}-`;

/** Where the repository begins. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** One benchmark run's surroundings: the run's folder, the origin, the load driver, the known proxies. */
export class BenchSession {
  readonly group: ProcessGroup;
  readonly options: BenchOptions;
  readonly folder: string;
  readonly logFolder: string;
  readonly proxyCore: number;
  readonly loadCore: number;
  readonly driver: LoadDriver;
  readonly originName: string;
  readonly originPorts: readonly [number, number];
  readonly peers: readonly Peer[];
  readonly absent: Readonly<Record<string, string>>;
  private started: number;
  private secured: SecureOrigin | undefined;

  private constructor(fields: {
    group: ProcessGroup;
    options: BenchOptions;
    folder: string;
    logFolder: string;
    cores: readonly [number, number];
    driver: LoadDriver;
    originName: string;
    originPorts: readonly [number, number];
    peers: readonly Peer[];
    absent: Readonly<Record<string, string>>;
  }) {
    this.group = fields.group;
    this.options = fields.options;
    this.folder = fields.folder;
    this.logFolder = fields.logFolder;
    this.proxyCore = fields.cores[0];
    this.loadCore = fields.cores[1];
    this.driver = fields.driver;
    this.originName = fields.originName;
    this.originPorts = fields.originPorts;
    this.peers = fields.peers;
    this.absent = fields.absent;
    this.started = 0;
    this.secured = undefined;
  }

  /** Starts the origin and looks which proxies are present. The caller closes the session, also after a throw elsewhere. */
  static async open(group: ProcessGroup, options: BenchOptions): Promise<BenchSession> {
    sweepFolders();
    const folder = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
    const logFolder = makeLogFolder(folder);
    process.once('exit', () => removeFolders(folder, logFolder));
    const cores = [0, cpus().length > 1 && availableParallelism() > 1 ? 1 : 0] as const;
    const origin = options.origin === 'node' ? undefined : await compileProgram(group, ROOT, 'origin');
    const fallback = fileURLToPath(new URL('./origin_fallback.ts', import.meta.url));
    const originArgv = origin === undefined ? [process.execPath, fallback, '0', '0'] : [origin, '0', '0'];
    const [peers, absent] = choosePeers(
      allPeers(ROOT, await compileProgram(group, ROOT, 'floor')),
      options.peers,
      options.accounting,
    );
    return new BenchSession({
      group,
      options,
      folder,
      logFolder,
      cores,
      driver: await chooseDriver(group, folder, cores[1], options.driver),
      originName: origin === undefined ? 'node:http' : 'bench/harness/origin.c',
      originPorts: await startOrigin(group, originArgv, cores[1]),
      peers,
      absent,
    });
  }

  /** Starts a proxy and waits until it serves. Throws with its last output when it does not. */
  async start(peer: Peer, request: StartRequest): Promise<StartedPeer> {
    const context = await this.contextFor(peer, request);
    const command = peer.prepare(context);
    const usesProbe = this.options.accounting === 'probe' || process.platform !== 'linux';
    const probes = usesProbe && peer.isNode;
    const argv = probes ? withProbe(command.argv) : command.argv;
    const startedNs = process.hrtime.bigint();
    const running = await this.group.start({
      argv,
      core: request.isPinned ? this.proxyCore : undefined,
      env: command.env ?? {},
      stdoutPath: command.stdoutPath,
      cwd: context.folder,
      ipc: probes,
    });
    try {
      const wait = { timeoutMs: START_LIMIT_MS, everyMs: 2, startedNs, isAlive: () => running.ended === undefined };
      if (peer.adminReadyPath !== undefined) await waitFor200(context.adminPort, peer.adminReadyPath, wait);
      const startMs = await waitFor200(context.port, pathOf('1k'), wait);
      const accountant = probes ? new ProbeAccountant(running) : usesProbe ? undefined : new ProcAccountant(running.pid);
      return { peer, context, process: running, accountant, startMs };
    } catch (error) {
      await this.group.stop(running);
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${peer.name} did not start: ${reason}: ${running.complaint}`);
    }
  }

  /** What a started proxy does other than the work asked for. */
  async faultsOf(started: StartedPeer): Promise<string[]> {
    try {
      return await faultsOfWork(started.context.port, started.peer);
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  }

  async stop(started: StartedPeer): Promise<void> {
    await this.group.stop(started.process);
    const { folder, accessLogPath } = started.context;
    removeFolders(folder, ...(accessLogPath === undefined ? [] : [accessLogPath]));
  }

  async close(): Promise<void> {
    await this.group.stopAll();
    removeFolders(this.folder, this.logFolder);
  }

  /** Started when somebody first needs it. */
  private async secureOrigin(): Promise<SecureOrigin> {
    this.secured ??= await startSecureOrigin(this.group, ROOT, this.folder, this.originPorts, this.loadCore);
    if (this.secured === undefined) throw new Error('the origin behind TLS needs haproxy, which is not installed');
    return this.secured;
  }

  private async contextFor(peer: Peer, request: StartRequest): Promise<PeerContext> {
    const name = `${peer.name.replaceAll('/', '_')}-${this.started++}`;
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const secured = request.isSecured === true ? await this.secureOrigin() : undefined;
    return {
      root: ROOT,
      folder,
      port: await freePort(),
      adminPort: await freePort(),
      originPorts: secured === undefined ? this.originPorts : secured.ports,
      originTls: secured,
      workers: peer.hasWorkers ? request.workers : 1,
      connections: request.connections,
      accessLogPath: request.hasAccessLog && peer.hasAccessLog ? join(this.logFolder, `${name}.log`) : undefined,
    };
  }
}

/** In memory where there is such a place, so that no disk takes part in the access-log scenario. */
function makeLogFolder(fallback: string): string {
  return existsSync(MEMORY_FOLDER) ? mkdtempSync(join(MEMORY_FOLDER, FOLDER_PREFIX)) : fallback;
}

/** Removes what a benchmark that was killed has left: its process id is in the folder's name. */
function sweepFolders(): void {
  for (const parent of [tmpdir(), MEMORY_FOLDER]) {
    if (!existsSync(parent)) continue;
    for (const name of readdirSync(parent)) {
      const pid = /^envoyts-bench-(\d+)-/.exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid))) removeFolders(join(parent, name));
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function removeFolders(...paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
}

function withProbe(argv: readonly string[]): string[] {
  const [node = '', ...rest] = argv;
  return [node, '--import', new URL('./usage_probe.ts', import.meta.url).href, ...rest];
}

function choosePeers(
  known: readonly Peer[],
  wanted: readonly string[],
  accounting: BenchOptions['accounting'],
): [Peer[], Record<string, string>] {
  for (const name of wanted) {
    if (!known.some((peer) => peer.name === name)) {
      throw new Error(`unknown proxy ${name}; known: ${known.map((peer) => peer.name).join(', ')}`);
    }
  }
  const present: Peer[] = [];
  const absent: Record<string, string> = {};
  for (const peer of known) {
    if (wanted.length > 0 && !wanted.includes(peer.name)) continue;
    const reason = peer.absence(ROOT);
    if (reason !== undefined) absent[peer.name] = reason;
    else if (accounting === 'probe' && !peer.isNode) absent[peer.name] = 'not a Node process (--accounting probe)';
    else present.push(peer);
  }
  return [present, absent];
}

async function startOrigin(group: ProcessGroup, argv: readonly string[], core: number): Promise<readonly [number, number]> {
  const origin = await group.start({ argv, core });
  for (let waited = 0; waited < 10_000; waited += 10) {
    const match = /ready (\d+) (\d+)/.exec(origin.output);
    if (match !== null) {
      const ports = [Number(match[1]), Number(match[2])] as const;
      for (const port of ports) {
        const answer = await ask(port, pathOf('1k'));
        if (answer.status !== 200 || answer.body.length !== 1024) throw new Error('the origin does not answer as it should');
      }
      return ports;
    }
    if (origin.ended !== undefined) break;
    await delay(10);
  }
  throw new Error(`the origin did not start: ${origin.ended ?? 'no answer'} ${origin.complaint}`);
}
