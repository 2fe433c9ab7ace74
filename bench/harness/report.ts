import { BUSY_LIMIT } from './machine.ts';
import { type BenchResult, type IdleRow, REFERENCES, type RunSample, type ScenarioResult, type ScenarioRow, type SyscallResult } from './result.ts';
import { spreadOf } from './statistics.ts';

/** The whole result as Markdown. */
export function formatReport(result: BenchResult): string {
  const parts = [formatHead(result)];
  for (const scenario of result.scenarios) parts.push(formatScenario(scenario));
  if (result.idle.length > 0) parts.push(formatIdle(result.idle));
  for (const syscalls of result.syscalls) parts.push(formatSyscalls(syscalls));
  return `${parts.join('\n\n')}\n`;
}

/** Machine, versions, and what is missing. */
export function formatHead(result: BenchResult): string {
  const { machine } = result;
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB; ${machine.kernel}; Node ${machine.node}; commit ${machine.commit}; ${result.startedAt}`,
    `driver ${result.driver}; origin ${result.origin}; CPU from ${result.accounting}; ${result.isPinned ? 'proxy on core 0, driver and origin on core 1' : 'not pinned'}; ${result.runs} runs of ${result.seconds} s`,
    `proxies: ${Object.entries(result.versions).map(([name, version]) => `${name} ${version}`).join(', ')}`,
  ];
  for (const [name, reason] of Object.entries(result.absent)) lines.push(`absent: ${name} (${reason})`);
  if (machine.busyBefore > BUSY_LIMIT) {
    lines.push(
      `others used ${Math.round(machine.busyBefore * 100)} % of the machine before the start: trust CPU ratios only, not rates and latencies`,
    );
  }
  return lines.join('\n');
}

/** One scenario as a table: medians, spread of CPU per request, ratios of the same run. */
export function formatScenario(result: ScenarioResult): string {
  const references = REFERENCES.filter((name) => result.rows.some((row) => row.peer === name));
  const head = [
    'proxy', 'req/s', 'p50 ms', 'p99 ms', 'CPU us/req', 'min-max', 'user', 'system', 'core used', 'RSS MiB', 'peak MiB',
    ...references.map((name) => `CPU / ${name}`),
  ];
  const rows = result.rows.map((row) => (row.faults.length > 0 ? [row.peer, 'FAILED'] : cellsOf(row, references)));
  const notes = result.rows.filter((row) => row.faults.length > 0).map((row) => `${row.peer} FAILED: ${row.faults.join('; ')}`);
  return [`### ${result.scenario}: ${result.what}`, '', table(head, rows), ...notes].join('\n');
}

function cellsOf(row: ScenarioRow, references: readonly string[]): string[] {
  const spread = (pick: (sample: RunSample) => number | undefined) =>
    spreadOf(row.samples.map(pick).filter((value) => value !== undefined));
  const cpu = spread((sample) => sample.cpuUs);
  return [
    row.peer,
    number(spread((sample) => sample.requestsPerSecond).median, 0),
    number(spread((sample) => sample.p50Us).median / 1000, 2),
    number(spread((sample) => sample.p99Us).median / 1000, 2),
    number(cpu.median, 2),
    `${number(cpu.min, 2)}-${number(cpu.max, 2)}`,
    number(spread((sample) => sample.userUs).median, 2),
    number(spread((sample) => sample.systemUs).median, 2),
    number(spread((sample) => sample.utilisation).median, 2),
    number(spread((sample) => sample.rssKib).median / 1024, 1),
    number(spread((sample) => sample.peakRssKib).max / 1024, 1),
    ...references.map((name) => {
      const ratio = row.cpuRatios[name];
      return ratio === undefined ? '-' : number(ratio.median, 2);
    }),
  ];
}

/** Memory and start. */
export function formatIdle(rows: readonly IdleRow[]): string {
  const connections = rows[0]?.connections ?? 0;
  const head = ['proxy', 'workers', 'RSS MiB', 'PSS MiB', `KiB per idle connection (${connections})`, 'start ms, median', 'min'];
  const cells = rows.map((row) =>
    row.faults.length > 0
      ? [row.peer, 'FAILED']
      : [
          row.peer,
          `${row.workers}`,
          number((row.rssKib ?? Number.NaN) / 1024, 1),
          number((row.pssKib ?? Number.NaN) / 1024, 1),
          number(row.kibPerConnection ?? Number.NaN, 2),
          number(row.startMs?.median ?? Number.NaN, 0),
          number(row.startMs?.min ?? Number.NaN, 0),
        ],
  );
  const notes = rows.filter((row) => row.faults.length > 0).map((row) => `${row.peer} FAILED: ${row.faults.join('; ')}`);
  return ['### idle: memory and start', '', table(head, cells), ...notes].join('\n');
}

/** System calls per request. */
export function formatSyscalls(result: SyscallResult): string {
  const cells = result.rows.map((row) =>
    row.faults.length > 0
      ? [row.peer, 'FAILED', row.faults.join('; ')]
      : [
          row.peer,
          number(row.perRequest ?? Number.NaN, 2),
          Object.entries(row.byName).map(([name, count]) => `${name} ${number(count, 2)}`).join(', '),
        ],
  );
  return [`### system calls per request, ${result.scenario} (${result.tool})`, '', table(['proxy', 'calls', 'which'], cells)].join('\n');
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

/** A Markdown table with aligned columns; short rows are filled up. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (column === 0 ? (cells[column] ?? '').padEnd(width) : (cells[column] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
