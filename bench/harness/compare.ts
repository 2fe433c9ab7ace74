/** Compares two results of the benchmark: `node bench/harness/compare.ts before.json after.json`. */
import { readFileSync } from 'node:fs';
import { table } from './report.ts';
import { type BenchResult, REFERENCES, type ScenarioRow } from './result.ts';
import type { Spread } from './statistics.ts';

/** How one proxy's cost, measured against a reference of the same run, changed from one result to the other. */
export interface Change {
  readonly scenario: string;
  readonly peer: string;
  readonly reference: string;
  readonly before: Spread;
  readonly after: Spread;
  /** after / before, of the medians: above 1 is dearer. */
  readonly factor: number;
  readonly verdict: 'dearer' | 'cheaper' | 'within noise';
}

/** Differences below this are noise however steady the rounds were. */
const LEAST_FACTOR = 0.02;

/**
 * The ratio of ratios for every proxy, scenario and reference that both results hold without faults. A
 * change counts when the two ranges of rounds do not touch and the medians differ by 2 %.
 */
export function compareResults(before: BenchResult, after: BenchResult): Change[] {
  const changes: Change[] = [];
  for (const scenario of after.scenarios) {
    const earlier = before.scenarios.find((candidate) => candidate.scenario === scenario.scenario);
    for (const row of scenario.rows) {
      const earlierRow = earlier?.rows.find((candidate) => candidate.peer === row.peer);
      if (earlierRow !== undefined) changes.push(...changesOf(scenario.scenario, earlierRow, row));
    }
  }
  return changes;
}

function changesOf(scenario: string, before: ScenarioRow, after: ScenarioRow): Change[] {
  const changes: Change[] = [];
  for (const reference of REFERENCES) {
    const old = before.cpuRatios[reference];
    const now = after.cpuRatios[reference];
    if (reference === after.peer || old === undefined || now === undefined) continue;
    const factor = now.median / old.median;
    const apart = now.min > old.max || now.max < old.min;
    const verdict = apart && Math.abs(factor - 1) >= LEAST_FACTOR ? (factor > 1 ? 'dearer' : 'cheaper') : 'within noise';
    changes.push({ scenario, peer: after.peer, reference, before: old, after: now, factor, verdict });
  }
  return changes;
}

/** The changes as a Markdown table. */
export function formatChanges(changes: readonly Change[]): string {
  const range = ({ median, min, max }: Spread): string => `${median.toFixed(3)} (${min.toFixed(3)}-${max.toFixed(3)})`;
  return table(
    ['scenario', 'proxy', 'CPU over', 'before', 'after', 'factor', 'verdict'],
    changes.map((change) => [
      change.scenario,
      change.peer,
      change.reference,
      range(change.before),
      range(change.after),
      change.factor.toFixed(3),
      change.verdict,
    ]),
  );
}

/** Reads a result file. Throws when it is not one. */
export function readResult(path: string): BenchResult {
  const parsed = JSON.parse(readFileSync(path, 'utf8')) as BenchResult;
  if (parsed.schema !== 1) throw new Error(`${path} is not a benchmark result of schema 1`);
  return parsed;
}

if (import.meta.main) {
  const [before, after] = process.argv.slice(2);
  if (before === undefined || after === undefined) {
    process.stderr.write('usage: node bench/harness/compare.ts before.json after.json\n');
    process.exit(2);
  }
  const [old, now] = [readResult(before), readResult(after)];
  process.stdout.write(`before: ${old.machine.commit}, ${old.machine.node}, ${old.machine.cpu}, ${old.startedAt}\n`);
  process.stdout.write(`after:  ${now.machine.commit}, ${now.machine.node}, ${now.machine.cpu}, ${now.startedAt}\n\n`);
  process.stdout.write(`${formatChanges(compareResults(old, now))}\n`);
}
