/**
 * `npm run oracle`: runs the cases through the reference proxy that ENVOY_BIN names and through envoyts, and says where
 * they differ. `--record` writes what the reference did to `golden/`; without ENVOY_BIN, envoyts is compared with that.
 */
import { fileURLToPath } from 'node:url';
import { availableParallelism } from 'node:os';
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { readCaseGroups, unstablePaths, type CaseGroup } from './case_file.ts';
import { compareRecordings, describeDifferences, readIntendedDifferences, unintended, type IntendedDifference } from './compare.ts';
import { readGolden, writeGolden } from './golden.ts';
import { envoytsCommand, referenceCommand, type ProxyCommand } from './proxy_process.ts';
import type { Recording } from './recording.ts';
import { runGroup, type CaseOutcome } from './run_group.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const CASES = `${HERE}cases`;
const GOLDEN = `${HERE}golden`;
const DIFFERENCES = `${HERE}differences.yaml`;

const USAGE = `usage: node test/oracle/run.ts [--record] [--filter text] [--against envoy|envoyts|both] [--jobs n] [--verbose]
  --record   run the reference twice and write golden/ (needs ENVOY_BIN)
  --against  envoy: the reference alone, against its recording; envoyts: envoyts against the recording;
             both: both run now and are compared (the default with ENVOY_BIN; envoyts without)`;

interface Tally {
  passed: number;
  failed: number;
}

/** Runs `job` for each of `items`, at most `width` at a time. */
async function inParallel<Item>(items: readonly Item[], width: number, job: (item: Item) => Promise<void>): Promise<void> {
  const queue = [...items];
  const lanes = Array.from({ length: width }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      await job(item);
    }
  });
  await Promise.all(lanes);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const saidFailures = new Set<string>();

/** Says why a case gave nothing; a reason that all cases of a group share is said once. */
function sayFailure(group: string, outcome: CaseOutcome, otherwise: string): void {
  const reason = outcome.failure ?? otherwise;
  const isNew = !saidFailures.has(`${group} ${reason}`);
  saidFailures.add(`${group} ${reason}`);
  say(`FAIL ${group}/${outcome.name}: ${isNew ? reason : 'as above'}`);
}

function byName(outcomes: readonly CaseOutcome[]): Map<string, Recording> {
  return new Map(outcomes.flatMap((one) => (one.recording === undefined ? [] : [[one.name, one.recording] as const])));
}

function versionOf(command: ProxyCommand): string {
  const text = spawnSync(command.command, ['--version'], { encoding: 'utf8' }).stdout;
  return /\/(\d+\.\d+\.\d+[^/]*)\//.exec(text)?.[1] ?? 'unknown';
}

async function record(group: CaseGroup, reference: ProxyCommand, version: string, tally: Tally, isWhole: boolean): Promise<void> {
  const first = await runGroup(group, reference, new Map());
  const again = byName(await runGroup(group, reference, byName(first)));
  const recordings = isWhole ? new Map<string, Recording>() : readGolden(GOLDEN, group.name);
  for (const outcome of first) {
    const second = again.get(outcome.name);
    if (outcome.recording === undefined || second === undefined) {
      tally.failed += 1;
      sayFailure(group.name, outcome, 'failed the second time');
      continue;
    }
    recordings.set(outcome.name, outcome.recording);
    const unstable = compareRecordings(outcome.recording, second, unstablePaths(group, outcome.name));
    tally[unstable.length === 0 ? 'passed' : 'failed'] += 1;
    if (unstable.length > 0) {
      say(`UNSTABLE ${group.name}/${outcome.name}\n${describeDifferences(unstable, 'first', 'second')}`);
    }
  }
  if (again.size === 0) {
    return;
  }
  const whole = readCaseGroups(CASES).find((one) => one.name === group.name) ?? group;
  writeGolden(GOLDEN, group.name, whole.cases.map((one) => one.name), recordings, version);
}

function judge(
  group: CaseGroup,
  outcomes: readonly CaseOutcome[],
  expected: ReadonlyMap<string, Recording>,
  intended: readonly IntendedDifference[],
  tally: Tally,
  isVerbose: boolean,
  label = 'envoyts',
): void {
  for (const outcome of outcomes) {
    const name = `${group.name}/${outcome.name}`;
    const reference = expected.get(outcome.name);
    if (outcome.recording === undefined || reference === undefined) {
      tally.failed += 1;
      sayFailure(group.name, outcome, 'nothing recorded to compare with; record it first');
      continue;
    }
    const all = compareRecordings(reference, outcome.recording, unstablePaths(group, outcome.name));
    const left = unintended(name, all, outcome.recording, intended);
    tally[left.length === 0 ? 'passed' : 'failed'] += 1;
    if (left.length > 0) {
      say(`FAIL ${name}\n${describeDifferences(left, 'envoy', label)}`);
    } else if (isVerbose) {
      say(`ok   ${name}${all.length > 0 ? ` (${all.length} meant differences)` : ''}`);
    }
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      record: { type: 'boolean', default: false },
      filter: { type: 'string', default: '' },
      against: { type: 'string' },
      jobs: { type: 'string', default: String(Math.max(2, Math.min(4, availableParallelism()))) },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const reference = referenceCommand();
  const envoyts = envoytsCommand();
  const against = values.against ?? (reference === undefined ? 'envoyts' : 'both');
  const needsReference = values.record || against !== 'envoyts';
  if (needsReference && reference === undefined) {
    say('ENVOY_BIN does not name an Envoy binary');
    return 1;
  }
  if (!values.record && against !== 'envoy' && envoyts === undefined) {
    say('bin/envoyts.js is not there: build first');
    return 1;
  }
  const groups = readCaseGroups(CASES, values.filter);
  const intended = readIntendedDifferences(DIFFERENCES);
  const tally: Tally = { passed: 0, failed: 0 };
  const version = needsReference && reference !== undefined ? versionOf(reference) : '';
  await inParallel(groups, Number(values.jobs), async (group) => {
    if (values.record && reference !== undefined) {
      await record(group, reference, version, tally, values.filter === '');
      return;
    }
    const recorded = readGolden(GOLDEN, group.name);
    const live = against === 'envoyts' || reference === undefined ? recorded : byName(await runGroup(group, reference, recorded));
    if (against === 'envoy' || envoyts === undefined) {
      const outcomes = [...live].map(([name, recording]) => ({ name, recording, failure: undefined }));
      judge(group, outcomes, recorded, [], tally, values.verbose, 'envoy, now');
      return;
    }
    judge(group, await runGroup(group, envoyts, live), live, intended, tally, values.verbose);
  });
  say(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
