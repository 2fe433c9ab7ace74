import { faultsOf } from '../harness/load.ts';
import type { SyscallResult, SyscallRow } from '../harness/result.ts';
import type { BenchSession, StartedPeer } from '../harness/session.ts';
import type { SyscallCounter } from '../harness/syscall_counter.ts';
import type { Peer } from '../peers/peer.ts';
import type { Scenario } from './scenarios.ts';

/** A call below this share of a request is not worth a column. */
const SHARE_MIN = 0.005;

/** System calls per request of each proxy in one scenario, after a warm-up. */
export async function countSyscalls(
  session: BenchSession,
  scenario: Scenario,
  counter: SyscallCounter,
  progress: (text: string) => void,
): Promise<SyscallResult> {
  const rows: SyscallRow[] = [];
  for (const peer of session.peers) {
    if (scenario.hasAccessLog ? !peer.hasAccessLog : peer.isLogVariant) continue;
    progress(`${scenario.name}: counting ${peer.name}`);
    rows.push(await countOne(session, scenario, counter, peer));
  }
  return { scenario: scenario.name, tool: counter.name, rows };
}

async function countOne(
  session: BenchSession,
  scenario: Scenario,
  counter: SyscallCounter,
  peer: Peer,
): Promise<SyscallRow> {
  let started: StartedPeer | undefined;
  try {
    started = await session.start(peer, {
      workers: 1, connections: 1024, hasAccessLog: scenario.hasAccessLog, isPinned: true,
    });
    const { port } = started.context;
    await session.driver.drive(scenario, port, Math.min(2, peer.warmUpSeconds));
    const span = await counter.attach(started.process.pid);
    const load = await session.driver.drive(scenario, port, session.options.seconds);
    const counts = await span.finish();
    const byName: Record<string, number> = {};
    let perRequest = 0;
    for (const [name, count] of Object.entries(counts).sort((a, b) => b[1] - a[1])) {
      perRequest += count / load.requests;
      if (count / load.requests >= SHARE_MIN) byName[name] = count / load.requests;
    }
    return { peer: peer.name, perRequest, byName, faults: faultsOf(scenario, load) };
  } catch (error) {
    return { peer: peer.name, perRequest: undefined, byName: {}, faults: [error instanceof Error ? error.message : String(error)] };
  } finally {
    if (started !== undefined) await session.stop(started);
  }
}
