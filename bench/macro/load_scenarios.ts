import { createReadStream, truncateSync } from 'node:fs';
import { cpuBetween } from '../harness/accounting.ts';
import { faultsOf } from '../harness/load.ts';
import { REFERENCES, type RunSample, type ScenarioResult, type ScenarioRow } from '../harness/result.ts';
import type { BenchSession, StartedPeer } from '../harness/session.ts';
import { pairedRatios, type Spread } from '../harness/statistics.ts';
import type { Peer } from '../peers/peer.ts';
import type { Scenario } from './scenarios.ts';

/** One proxy's part of a scenario while it is being measured. */
interface Entry {
  readonly peer: Peer;
  started: StartedPeer | undefined;
  readonly samples: RunSample[];
  readonly faults: string[];
}

/**
 * Measures one scenario: every proxy is started fresh, checked and warmed up, then they take turns
 * (A B C A B C), so that what changes on the machine meanwhile meets all of them. A proxy that fails once
 * is out, with the reason in its row.
 */
export async function runScenario(
  session: BenchSession,
  scenario: Scenario,
  progress: (text: string) => void,
): Promise<ScenarioResult> {
  const entries: Entry[] = session.peers
    .filter((peer) => peer.speaksTls || !scenario.isSecured)
    .filter((peer) => (scenario.hasAccessLog ? peer.hasAccessLog || peer.name === 'floor' : !peer.isLogVariant))
    .map((peer) => ({ peer, started: undefined, samples: [], faults: [] }));
  try {
    for (const entry of entries) {
      progress(`${scenario.name}: starting ${entry.peer.name}`);
      await attempt(entry, () => startAndWarm(session, scenario, entry));
    }
    for (let round = 0; round < session.options.runs; round++) {
      for (const entry of entries) {
        if (entry.faults.length > 0) continue;
        progress(`${scenario.name}: round ${round + 1} of ${session.options.runs}, ${entry.peer.name}`);
        await attempt(entry, () => measure(session, scenario, entry, round));
      }
    }
  } finally {
    for (const { started } of entries) if (started !== undefined) await session.stop(started);
  }
  return { scenario: scenario.name, what: scenario.what, rows: entries.map((entry) => rowOf(entry, entries)) };
}

async function attempt(entry: Entry, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    entry.faults.push(error instanceof Error ? error.message : String(error));
  }
  const ended = entry.started?.process.ended;
  if (ended !== undefined) entry.faults.push(`it ${ended}: ${entry.started?.process.complaint ?? ''}`);
}

async function startAndWarm(session: BenchSession, scenario: Scenario, entry: Entry): Promise<void> {
  const started = await session.start(entry.peer, {
    workers: 1,
    connections: 1024,
    hasAccessLog: scenario.hasAccessLog,
    isPinned: true,
    isSecured: scenario.isSecured,
  });
  entry.started = started;
  entry.faults.push(...(await session.faultsOf(started)));
  if (entry.faults.length > 0) return;
  const warmUp = await session.driver.drive(scenario, started.context.port, entry.peer.warmUpSeconds);
  entry.faults.push(...faultsOf(scenario, warmUp).map((fault) => `warm-up: ${fault}`));
}

async function measure(session: BenchSession, scenario: Scenario, entry: Entry, round: number): Promise<void> {
  const { started } = entry;
  if (started === undefined) return;
  const { accountant, context } = started;
  if (context.accessLogPath !== undefined) truncateSync(context.accessLogPath);
  const cpuBefore = await accountant?.cpu();
  const startedNs = process.hrtime.bigint();
  const load = await session.driver.drive(scenario, context.port, session.options.seconds);
  const elapsedUs = Number(process.hrtime.bigint() - startedNs) / 1000;
  const cpuAfter = await accountant?.cpu();
  const memory = await accountant?.memory();
  entry.faults.push(...faultsOf(scenario, load));
  if (context.accessLogPath !== undefined) entry.faults.push(...(await faultsOfLog(context.accessLogPath, load.requests)));
  const used = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuBetween(cpuBefore, cpuAfter);
  entry.samples.push({
    round,
    requestsPerSecond: load.requests / load.seconds,
    p50Us: load.p50Us,
    p99Us: load.p99Us,
    cpuUs: used === undefined ? undefined : used.totalUs / load.requests,
    userUs: used === undefined ? undefined : used.userUs / load.requests,
    systemUs: used === undefined ? undefined : used.systemUs / load.requests,
    utilisation: used === undefined ? undefined : used.totalUs / elapsedUs,
    rssKib: memory?.rssKib,
    peakRssKib: memory?.peakRssKib,
    requests: load.requests,
  });
}

/** Lines that a buffering writer may still hold: 64 KiB of short lines, with room for a second buffer. */
const LINES_HELD_MAX = 2000;

/** A log that loses lines is cheap; so they are counted. */
async function faultsOfLog(path: string, requests: number): Promise<string[]> {
  let lines = 0;
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) lines++;
  }
  return lines >= requests - LINES_HELD_MAX ? [] : [`${lines} log lines for ${requests} requests`];
}

function rowOf(entry: Entry, all: readonly Entry[]): ScenarioRow {
  const cpuRatios: Record<string, Spread> = {};
  for (const name of REFERENCES) {
    const reference = all.find((candidate) => candidate.peer.name === name);
    if (reference === undefined || reference.faults.length > 0 || entry.faults.length > 0) continue;
    const ratios = pairedRatios(cpuByRound(entry), cpuByRound(reference));
    if (Number.isFinite(ratios.median)) cpuRatios[name] = ratios;
  }
  return { peer: entry.peer.name, samples: entry.samples, faults: entry.faults, cpuRatios };
}

function cpuByRound(entry: Entry): Map<number, number> {
  const byRound = new Map<number, number>();
  for (const { round, cpuUs } of entry.samples) if (cpuUs !== undefined) byRound.set(round, cpuUs);
  return byRound;
}
