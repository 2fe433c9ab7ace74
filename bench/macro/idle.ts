import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../harness/http_check.ts';
import type { IdleRow } from '../harness/result.ts';
import type { BenchSession, StartedPeer } from '../harness/session.ts';
import { spreadOf } from '../harness/statistics.ts';
import type { Peer } from '../peers/peer.ts';
import { pathOf } from './scenarios.ts';

/** Workers of the idle measurements. */
const WORKERS = 2;
const STARTS = 5;
/** Connections opened at the same time. */
const OPENING = 64;
/** After a change, memory is read when it has not moved by more than this for SETTLE_STEP_MS, KiB. */
const SETTLED_KIB = 64;
/** Connections opened, and requests made, before the baseline of what a connection adds. */
const WARM_CONNECTIONS = 1000;
const WARM_REQUESTS = 20_000;
const SETTLE_STEP_MS = 500;
const SETTLE_LIMIT_MS = 5000;

/**
 * Idle memory with two workers, what each idle keep-alive connection adds to it (one request served on
 * each), and the time from spawn to the first 200. Nothing is pinned.
 */
export async function measureIdle(session: BenchSession, peer: Peer, connections: number): Promise<IdleRow> {
  const workers = peer.hasWorkers ? WORKERS : 1;
  const request = { workers, connections, hasAccessLog: false, isPinned: false };
  const startMs: number[] = [];
  let row: IdleRow = {
    peer: peer.name, workers, connections, rssKib: undefined, pssKib: undefined, kibPerConnection: undefined,
    startMs: undefined, faults: [],
  };
  try {
    for (let i = 0; i < STARTS; i++) {
      const started = await session.start(peer, request);
      startMs.push(started.startMs);
      if (i === STARTS - 1) row = { ...row, ...(await memoryOf(started, connections)) };
      await session.stop(started);
    }
    return { ...row, startMs: spreadOf(startMs) };
  } catch (error) {
    return { ...row, faults: [error instanceof Error ? error.message : String(error)] };
  }
}

async function memoryOf(started: StartedPeer, connections: number): Promise<Partial<IdleRow>> {
  const { accountant, context } = started;
  if (accountant === undefined) return {};
  await settle(started);
  const idle = await accountant.memory();
  const agents: Agent[] = [];
  try {
    // The first connections and requests also pay for what traffic needs once (buffers, the memory of the optimising compiler,
    // which comes and goes with its runs): they are the baseline.
    const warm = Math.min(WARM_CONNECTIONS, Math.floor(connections / 2));
    await openConnections(agents, context.port, warm);
    await makeRequests(context.port, WARM_REQUESTS);
    await settle(started);
    const before = await accountant.memory();
    await openConnections(agents, context.port, connections - warm);
    await settle(started);
    const held = await accountant.memory();
    return { rssKib: idle.rssKib, pssKib: idle.pssKib, kibPerConnection: (held.rssKib - before.rssKib) / (connections - warm) };
  } finally {
    for (const agent of agents) agent.destroy();
  }
}

/** Opens connections that stay open, each after one request. An agent per wave, or free sockets would be used again. */
async function openConnections(agents: Agent[], port: number, count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += OPENING) {
    const agent = new Agent({ keepAlive: true, maxFreeSockets: OPENING });
    agents.push(agent);
    const wave = Array.from({ length: Math.min(OPENING, count - opened) }, () =>
      ask(port, pathOf('1k'), { agent, timeoutMs: 20_000 }),
    );
    const bad = (await Promise.all(wave)).find((answer) => answer.status !== 200);
    if (bad !== undefined) throw new Error(`status ${bad.status} after ${opened} connections`);
  }
  let open = 0;
  for (const agent of agents.slice(-Math.ceil(count / OPENING))) for (const list of Object.values(agent.freeSockets)) open += list?.length ?? 0;
  if (open < count * 0.99) throw new Error(`only ${open} of ${count} connections stayed open`);
}

/** On connections that are closed again. */
async function makeRequests(port: number, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: OPENING });
  for (let made = 0; made < count; made += OPENING) {
    await Promise.all(Array.from({ length: OPENING }, () => ask(port, pathOf('1k'), { agent, timeoutMs: 20_000 })));
  }
  agent.destroy();
}

async function settle(started: StartedPeer): Promise<void> {
  const { accountant } = started;
  if (accountant === undefined) return;
  let last = (await accountant.memory()).rssKib;
  for (let waited = 0; waited < SETTLE_LIMIT_MS; waited += SETTLE_STEP_MS) {
    await delay(SETTLE_STEP_MS);
    const now = (await accountant.memory()).rssKib;
    if (Math.abs(now - last) <= SETTLED_KIB) return;
    last = now;
  }
}
