/** Runs the cases of a group through one proxy process and records what happened. */
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBootstrap, upstreamNames, type GroupPlaces } from './bootstrap.ts';
import { downstreamScripts, type CaseGroup, type OracleCase, type Step } from './case_file.ts';
import { maskNumbers, Normalizer, serviceTimeExtraDigits } from './normalize.ts';
import { delay, parseStats, ProxyProcess, type ProxyCommand } from './proxy_process.ts';
import { recordMessage, type RecordedConnection, type Recording } from './recording.ts';
import { ScriptedConnection } from './scripted_connection.ts';
import { type ScriptContext, type ScriptedPeer, Signals } from './scripted_peer.ts';
import { freePort, UpstreamSet } from './scripted_upstream.ts';

/** Without a recording to compare with, a case is over when nothing has been logged for this long, ms. */
const QUIET_MS = 90;
/** With one, it is over when the expected lines and fates are there, or when nothing has changed for this long, ms. */
const PATIENCE_MS = 250;
/** Or, whatever happens, after this, ms. */
const SETTLE_LIMIT_MS = 1500;
/** After so many cases in a row that waited in vain for what the recording has, the rest of the group is not tried. */
const HOPELESS_CASES = 6;
const POLL_MS = 4;

/** The outcome of one case. */
export interface CaseOutcome {
  readonly name: string;
  readonly recording: Recording | undefined;
  /** Why there is no recording. */
  readonly failure: string | undefined;
}

/** State of the case that is running. */
interface RunningCase {
  readonly spec: OracleCase;
  readonly expected: Recording | undefined;
  readonly downstream: ScriptedConnection[];
  readonly gauges: Record<string, number>[];
  readonly statsBefore: ReadonlyMap<string, number>;
  readonly logBefore: number;
  readonly stdoutBefore: number;
  baseline?: ReadonlyMap<string, number>;
}

class GroupRun {
  private readonly group: CaseGroup;
  private readonly directory: string;
  private readonly upstreams = new UpstreamSet();
  private readonly listenerPorts = new Map<string, number>();
  private places: GroupPlaces;
  private normalizer: Normalizer;
  private proxy: ProxyProcess | undefined = undefined;

  constructor(group: CaseGroup) {
    this.group = group;
    this.directory = mkdtempSync(join(tmpdir(), 'envoyts-oracle-'));
    this.places = { listenerPorts: this.listenerPorts, upstreamPorts: this.upstreams.ports, accessLogPath: join(this.directory, 'access.log') };
    this.normalizer = new Normalizer(this.places);
  }

  async start(command: ProxyCommand): Promise<void> {
    await this.upstreams.start(upstreamNames(this.group), this.group.upstreams);
    for (const name of Object.keys(this.group.listeners)) {
      this.listenerPorts.set(name, await freePort());
    }
    this.normalizer = new Normalizer(this.places);
    this.proxy = new ProxyProcess(command, buildBootstrap(this.group, this.places), this.directory);
    await this.proxy.ready();
  }

  async stop(): Promise<void> {
    await this.proxy?.stop();
    await this.upstreams.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Why the proxy is no longer there, if it is not. */
  deathNote(): string | undefined {
    const exit = this.proxy?.exited();
    return exit === undefined ? undefined : `the proxy has ended (${exit}): ${this.proxy?.lastWords() ?? ''}`;
  }

  async runCase(spec: OracleCase, expected: Recording | undefined): Promise<Recording> {
    const signals = new Signals();
    const running: RunningCase = {
      spec,
      expected,
      downstream: [],
      gauges: [],
      statsBefore: await this.stats(),
      logBefore: this.logText().length,
      stdoutBefore: this.proxy?.stdout.length ?? 0,
    };
    const context: ScriptContext = {
      signals,
      recordGauges: async (names) => {
        const stats = await this.stats();
        running.gauges.push(Object.fromEntries(names.map((name) => [name, stats.get(name) ?? 0])));
      },
      takeBaseline: async () => {
        running.baseline = await this.stats();
      },
      recordChanges: async (names) => {
        const stats = await this.stats();
        running.gauges.push(Object.fromEntries(names.map((name) => [name, (stats.get(name) ?? 0) - (running.baseline?.get(name) ?? 0)])));
      },
      untilGauge: (name, value) => this.untilStat(name, (now) => now === value),
      untilCounter: (name, least) => this.untilStat(name, (now) => now >= least),
    };
    for (const upstream of this.upstreams.scripted.values()) {
      upstream.begin(spec.upstream?.[upstream.name], context);
    }
    await Promise.all(downstreamScripts(spec).map((steps) => this.runDownstream(running, steps, context)));
    await this.awaitAnnouncedCloses(running);
    await this.settle(running);
    const connections = this.connections(running);
    const extraDigits = this.extraDigits(running);
    await this.cleanUp(running);
    return { ...connections, ...(await this.aftermath(running, extraDigits)) };
  }

  private async runDownstream(running: RunningCase, steps: readonly Step[], context: ScriptContext): Promise<void> {
    const port = this.listenerPorts.get(running.spec.listener ?? 'main') ?? 0;
    const socket = await this.connectTo(port);
    const connection = new ScriptedConnection(socket, 'downstream');
    running.downstream.push(connection);
    await connection.run(steps, context);
  }

  private connectTo(port: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(socket);
      });
    });
  }

  /** A response that says `connection: close` is followed by the close: the fate to record. */
  private async awaitAnnouncedCloses(running: RunningCase): Promise<void> {
    const context: ScriptContext = {
      signals: new Signals(),
      recordGauges: () => Promise.resolve(),
      takeBaseline: () => Promise.resolve(),
      recordChanges: () => Promise.resolve(),
      untilGauge: () => Promise.resolve(true),
      untilCounter: () => Promise.resolve(true),
    };
    for (const connection of running.downstream) {
      const last = connection.reading().messages.at(-1);
      if (connection.fate === 'open' && last?.headers.includes('connection: close') === true) {
        await connection.run([{ read: 'close' }], context);
      }
    }
  }

  private logText(): string {
    return existsSync(this.places.accessLogPath) ? readFileSync(this.places.accessLogPath, 'latin1') : '';
  }

  private newLogLines(running: RunningCase): string[] {
    const text = this.logText().slice(running.logBefore) + (this.proxy?.stdout ?? '').slice(running.stdoutBefore);
    return text.split('\n').filter((line) => line !== '');
  }

  private async settle(running: RunningCase): Promise<void> {
    const started = Date.now();
    let quietSince = started;
    let seen = '';
    for (;;) {
      const lines = this.newLogLines(running).length;
      const state = `${lines} ${this.fates(running)}`;
      const now = Date.now();
      if (state !== seen) {
        seen = state;
        quietSince = now;
      }
      const { expected } = running;
      const isThere = expected !== undefined && state === `${expected.log.length} ${fatesOf(expected)}`;
      const patience = expected === undefined ? QUIET_MS : PATIENCE_MS;
      if (isThere || now - quietSince > patience || now - started > SETTLE_LIMIT_MS) {
        return;
      }
      await delay(POLL_MS);
    }
  }

  private fates(running: RunningCase): string {
    const upstream = [...this.upstreams.scripted.values()].flatMap((one) => one.connections);
    return [...running.downstream, ...upstream]
      .map((connection) => progress(connection.fate, connection.reading().messages.filter((message) => message.isComplete).length))
      .sort().join(',');
  }

  private connections(running: RunningCase): Pick<Recording, 'downstream' | 'upstream'> {
    const upstream: Record<string, RecordedConnection[]> = {};
    for (const one of this.upstreams.scripted.values()) {
      if (one.connections.length > 0) {
        upstream[one.name] = one.connections.map((connection) => this.recordConnection(connection));
      }
    }
    return { downstream: running.downstream.map((connection) => this.recordConnection(connection)), upstream };
  }

  private recordConnection(connection: ScriptedPeer): RecordedConnection {
    const reading = connection.reading();
    const clean = (text: string): string => this.normalizer.text(text);
    return {
      messages: reading.messages.map((message) => recordMessage(message, clean, this.group.spelling)),
      ...(reading.rest === '' ? {} : { rest: clean(reading.rest) }),
      fate: connection.fate,
      ...(connection.tls === undefined ? {} : { tls: { ...connection.tls, ...(connection.tls.sni === undefined ? {} : { sni: clean(connection.tls.sni) }) } }),
      ...(connection.timeouts.length === 0 ? {} : { timeouts: [...connection.timeouts] }),
    };
  }

  private extraDigits(running: RunningCase): number {
    const headers = running.downstream.flatMap((one) => one.reading().messages.flatMap((message) => message.headers));
    return serviceTimeExtraDigits(headers.join('\n'));
  }

  /** Closes downstream first, then upstream, each followed by the proxy noticing: so the counters end the same each time. */
  private async cleanUp(running: RunningCase): Promise<void> {
    for (const connection of running.downstream) {
      connection.destroy();
    }
    await this.untilGone(/^http\.\w+\.downstream_cx_active$/);
    for (const upstream of this.upstreams.scripted.values()) {
      upstream.endCase();
    }
    await this.untilGone(/^cluster\.\w+\.upstream_cx_active$/);
  }

  private async untilStat(name: string, isThere: (value: number) => boolean): Promise<boolean> {
    const until = Date.now() + SETTLE_LIMIT_MS;
    while (Date.now() < until) {
      if (isThere((await this.stats()).get(name) ?? 0)) {
        return true;
      }
      await delay(POLL_MS);
    }
    return false;
  }

  private async untilGone(gauge: RegExp): Promise<void> {
    const until = Date.now() + SETTLE_LIMIT_MS;
    while (Date.now() < until) {
      const stats = await this.stats();
      if (![...stats].some(([name, value]) => value > 0 && gauge.test(name))) {
        return;
      }
      await delay(POLL_MS);
    }
  }

  private async stats(): Promise<Map<string, number>> {
    const kept = new Map<string, number>();
    for (const [name, value] of parseStats((await this.proxy?.admin('/stats?usedonly')) ?? '')) {
      if (/^(cluster|http|listener|vhost)\./.test(name) && !/^(http|listener)\.admin\./.test(name)) {
        kept.set(this.normalizer.statName(name), value);
      }
    }
    return kept;
  }

  private async aftermath(running: RunningCase, extraDigits: number): Promise<Pick<Recording, 'log' | 'stats' | 'gauges'>> {
    const started = Date.now();
    let changedAt = started;
    let stats = await this.changes(running, extraDigits);
    let lines = this.newLogLines(running);
    const { expected } = running;
    while (expected !== undefined && (!sameStats(stats, expected.stats) || lines.length < expected.log.length)) {
      const now = Date.now();
      if (now - changedAt > PATIENCE_MS || now - started > SETTLE_LIMIT_MS) {
        break;
      }
      await delay(POLL_MS * 5);
      const next = await this.changes(running, extraDigits);
      const nextLines = this.newLogLines(running);
      changedAt = sameStats(stats, next) && nextLines.length === lines.length ? changedAt : Date.now();
      stats = next;
      lines = nextLines;
    }
    const isMasked = running.spec.mask_log_numbers === true;
    const log = lines.map((line) => this.normalizer.logLine(isMasked ? maskNumbers(line) : line));
    return { log, stats, ...(running.gauges.length === 0 ? {} : { gauges: running.gauges }) };
  }

  private async changes(running: RunningCase, extraDigits: number): Promise<Record<string, number>> {
    const changes: Record<string, number> = {};
    if (this.group.withoutStats) {
      return changes;
    }
    for (const [name, value] of await this.stats()) {
      const change = value - (running.statsBefore.get(name) ?? 0);
      if (change !== 0) {
        changes[name] = /^http\..*\.downstream_cx_tx_bytes_total$/.test(name) ? change - extraDigits : change;
      }
    }
    return changes;
  }
}

function fatesOf(recording: Recording): string {
  const upstream = Object.values(recording.upstream).flat();
  return [...recording.downstream, ...upstream]
    .map((connection) => progress(connection.fate, connection.messages.filter((message) => message.incomplete !== true).length))
    .sort().join(',');
}

/** How each connection stands and how many whole messages it has seen: what has not arrived yet is waited for. */
function progress(fate: string, wholeMessages: number): string {
  return `${fate} ${wholeMessages}`;
}

function hasTimeouts(recording: Recording): boolean {
  return [...recording.downstream, ...Object.values(recording.upstream).flat()].some((connection) => connection.timeouts !== undefined);
}

function sameStats(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

/**
 * Runs all cases of `group` one after the other in one process of `command`.
 *
 * @param expected what each case is going to be compared with: lets a case end as soon as that has been seen
 * @returns an outcome for each case; when the proxy does not start, each has that failure
 */
export async function runGroup(
  group: CaseGroup,
  command: ProxyCommand,
  expected: ReadonlyMap<string, Recording>,
): Promise<CaseOutcome[]> {
  let run: GroupRun;
  const outcomes: CaseOutcome[] = [];
  try {
    run = await startGroup(group, command);
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return group.cases.map((one) => ({ name: one.name, recording: undefined, failure }));
  }
  let hopeless = 0;
  for (const one of group.cases) {
    const reference = expected.get(one.name);
    if (hopeless >= HOPELESS_CASES) {
      outcomes.push({ name: one.name, recording: undefined, failure: `not tried: ${HOPELESS_CASES} cases in a row before it got no answer` });
      continue;
    }
    try {
      const recording = await run.runCase(one, reference);
      hopeless = hasTimeouts(recording) && (reference === undefined || !hasTimeouts(reference)) ? hopeless + 1 : 0;
      outcomes.push({ name: one.name, recording, failure: undefined });
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      outcomes.push({ name: one.name, recording: undefined, failure: run.deathNote() ?? failure });
    }
  }
  await run.stop();
  return outcomes;
}

/** Starts a group's process; with other ports when somebody else was quicker to take one. */
async function startGroup(group: CaseGroup, command: ProxyCommand): Promise<GroupRun> {
  for (let attempt = 1; ; attempt++) {
    const run = new GroupRun(group);
    try {
      await run.start(command);
      return run;
    } catch (error) {
      await run.stop();
      if (attempt === START_ATTEMPTS || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

const START_ATTEMPTS = 4;
