/** The macro benchmark: `npm run bench -- --help`. What the numbers mean: bench/README.md. */
import { writeFileSync } from 'node:fs';
import { describeMachine } from './harness/machine.ts';
import { type BenchOptions, parseOptions, USAGE } from './harness/options.ts';
import { ProcessGroup } from './harness/processes.ts';
import { formatHead, formatIdle, formatScenario, formatSyscalls } from './harness/report.ts';
import type { BenchResult, IdleRow, ScenarioResult, SyscallResult } from './harness/result.ts';
import { BenchSession, ROOT } from './harness/session.ts';
import { chooseCounter } from './harness/syscall_counter.ts';
import { measureIdle } from './macro/idle.ts';
import { runScenario } from './macro/load_scenarios.ts';
import { SCENARIOS, type Scenario } from './macro/scenarios.ts';
import { countSyscalls } from './macro/syscalls.ts';

const group = new ProcessGroup();
process.once('exit', () => group.killAllNow());
// Kept listening: a terminal and npm both deliver Ctrl-C, and the second must not cut the cleaning up short.
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
  process.on(signal, () => process.exit(code));
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) print(USAGE);
  else await main(options);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function main(options: BenchOptions): Promise<void> {
  const scenarios = chooseScenarios(options);
  const startedAt = new Date().toISOString();
  const machine = await describeMachine(ROOT);
  const session = await BenchSession.open(group, options);
  const head: BenchResult = {
    schema: 1,
    startedAt,
    machine,
    driver: session.driver.name,
    origin: session.originName,
    accounting:
      options.accounting === 'probe' || process.platform !== 'linux'
        ? 'process.resourceUsage, Node proxies only'
        : '/proc: schedstat, split by utime and stime',
    isPinned: group.isPinning,
    seconds: options.seconds,
    runs: options.runs,
    versions: Object.fromEntries(session.peers.map((peer) => [peer.name, peer.version()])),
    absent: session.absent,
    scenarios: [],
    idle: [],
    syscalls: [],
  };
  print(formatHead(head));
  const scenarioResults: ScenarioResult[] = [];
  const idle: IdleRow[] = [];
  const syscalls: SyscallResult[] = [];
  try {
    if (options.mode === 'macro') await runMacro(session, scenarios, scenarioResults);
    else if (options.mode === 'idle') await runIdle(session, options.connections, idle);
    else await runSyscalls(session, scenarios, syscalls);
  } finally {
    clearProgress();
    await session.close();
    const result: BenchResult = { ...head, scenarios: scenarioResults, idle, syscalls };
    if (options.jsonPath !== undefined) writeFileSync(options.jsonPath, `${JSON.stringify(result, undefined, 1)}\n`);
  }
  const rows = [...scenarioResults.flatMap(({ rows }) => rows), ...idle, ...syscalls.flatMap(({ rows }) => rows)];
  if (rows.some((row) => row.faults.length > 0)) process.exitCode = 1;
}

async function runMacro(session: BenchSession, scenarios: readonly Scenario[], results: ScenarioResult[]): Promise<void> {
  for (const scenario of scenarios) {
    const result = await runScenario(session, scenario, showProgress);
    results.push(result);
    clearProgress();
    print(`\n${formatScenario(result)}`);
  }
}

async function runIdle(session: BenchSession, connections: number, rows: IdleRow[]): Promise<void> {
  for (const peer of session.peers) {
    if (peer.isLogVariant) continue;
    showProgress(`idle: ${peer.name}`);
    rows.push(await measureIdle(session, peer, connections));
  }
  clearProgress();
  print(`\n${formatIdle(rows)}`);
}

async function runSyscalls(session: BenchSession, scenarios: readonly Scenario[], results: SyscallResult[]): Promise<void> {
  const counter = chooseCounter(group, session.folder);
  if (counter === undefined) throw new Error('neither perf nor strace can be used here');
  for (const scenario of scenarios) {
    const result = await countSyscalls(session, scenario, counter, showProgress);
    results.push(result);
    clearProgress();
    print(`\n${formatSyscalls(result)}`);
  }
}

/** System calls are counted on the 1 KiB case unless others are named. */
function chooseScenarios(options: BenchOptions): Scenario[] {
  const names = options.scenarios.length === 0 && options.mode === 'syscalls' ? ['get1k'] : options.scenarios;
  for (const name of names) {
    if (!SCENARIOS.some((scenario) => scenario.name === name)) {
      throw new Error(`unknown scenario ${name}; known: ${SCENARIOS.map((scenario) => scenario.name).join(', ')}`);
    }
  }
  return SCENARIOS.filter((scenario) => names.length === 0 || names.includes(scenario.name));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}
