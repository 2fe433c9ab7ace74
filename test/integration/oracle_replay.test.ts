/**
 * Replays the cases of test/oracle against envoyts and compares with what the reference proxy was recorded to do. One
 * process serves all cases of a group; groups run a few at a time. What differs on purpose stands in
 * test/oracle/differences.yaml.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCaseGroups, unstablePaths, type CaseGroup } from '../oracle/case_file.ts';
import { compareRecordings, describeDifferences, type Difference, readIntendedDifferences, unintended } from '../oracle/compare.ts';
import { readGolden } from '../oracle/golden.ts';
import { envoytsCommand, type ProxyCommand } from '../oracle/proxy_process.ts';
import { runGroup, type CaseOutcome } from '../oracle/run_group.ts';

const ORACLE = fileURLToPath(new URL('../oracle/', import.meta.url));
const GOLDEN = `${ORACLE}golden`;
/** Processes at a time. */
const WIDTH = 3;
/** Far above what it takes: a busy machine must not make it fail. */
const REPLAY_LIMIT_MS = 900_000;

type Golden = ReturnType<typeof readGolden>;

/** Why envoyts cannot be started at all, or the command that starts it. */
function findEnvoyts(): ProxyCommand | string {
  const command = envoytsCommand();
  if (command === undefined) {
    return 'bin/envoyts.js is not there';
  }
  const tried = spawnSync(command.command, [...command.args, '--version'], { encoding: 'utf8', timeout: 20_000 });
  return tried.status === 0 ? command : `bin/envoyts.js --version does not work yet: ${tried.stderr.slice(-500)}`;
}

function goldenOf(group: CaseGroup): Golden {
  return goldens.get(group.name) ?? new Map();
}

/** What of an outcome is not as recorded, and not meant to differ. */
function differences(group: CaseGroup, name: string, outcome: CaseOutcome | undefined): readonly Difference[] {
  const reference = goldenOf(group).get(name);
  if (reference === undefined || outcome?.recording === undefined) return [];
  const all = compareRecordings(reference, outcome.recording, unstablePaths(group, name));
  return unintended(`${group.name}/${name}`, all, outcome.recording, intended);
}

/**
 * Cases in which time passes (a second try must answer within 200 ms) come out differently when the machine stands still for so
 * long: what differs is run once more when nothing else of the replay runs, and said. What differs again fails.
 */
async function runAgain(outcomes: Map<string, CaseOutcome>, command: ProxyCommand): Promise<void> {
  for (const group of groups) {
    const cases = group.cases.filter(({ name }) => {
      const outcome = outcomes.get(`${group.name}/${name}`);
      return outcome?.failure !== undefined || differences(group, name, outcome).length > 0;
    });
    if (cases.length === 0) continue;
    console.warn(`oracle replay: run again, as they differed the first time: ${cases.map(({ name }) => `${group.name}/${name}`).join(', ')}`);
    for (const outcome of await runGroup({ ...group, cases }, command, goldenOf(group))) outcomes.set(`${group.name}/${outcome.name}`, outcome);
  }
}

async function runAll(command: ProxyCommand): Promise<Map<string, CaseOutcome>> {
  const outcomes = new Map<string, CaseOutcome>();
  const queue = [...groups];
  const lanes = Array.from({ length: WIDTH }, async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      for (const outcome of await runGroup(group, command, goldenOf(group))) {
        outcomes.set(`${group.name}/${outcome.name}`, outcome);
      }
    }
  });
  await Promise.all(lanes);
  await runAgain(outcomes, command);
  return outcomes;
}

const groups = readCaseGroups(`${ORACLE}cases`);
const goldens = new Map(groups.map((group) => [group.name, readGolden(GOLDEN, group.name)]));
const intended = readIntendedDifferences(`${ORACLE}differences.yaml`);
const envoyts = findEnvoyts();
if (typeof envoyts === 'string') {
  console.warn(`oracle replay SKIPPED, no case was compared: ${envoyts}`);
}

describe.skipIf(typeof envoyts === 'string')('what envoyts does in each recorded case', () => {
  let outcomes = new Map<string, CaseOutcome>();

  beforeAll(async () => {
    if (typeof envoyts !== 'string') {
      outcomes = await runAll(envoyts);
    }
  }, REPLAY_LIMIT_MS);

  for (const group of groups) {
    const golden = goldenOf(group);
    describe(group.name, () => {
      it.each(group.cases.map((one) => one.name))('%s', (name) => {
        const outcome = outcomes.get(`${group.name}/${name}`);
        const reference = golden.get(name);
        expect(reference, 'the case has no recording: record it').toBeDefined();
        expect(outcome?.failure).toBeUndefined();
        const left = differences(group, name, outcome);
        expect(left, describeDifferences(left)).toEqual([]);
      });
    });
  }
});

describe('the case files', () => {
  it('are each recorded', () => {
    const missing = groups.flatMap((group) => {
      const golden = goldenOf(group);
      return group.cases.filter((one) => !golden.has(one.name)).map((one) => `${group.name}/${one.name}`);
    });
    expect(missing).toEqual([]);
  });

  it('give every intended difference a reason and a case it applies to', () => {
    const names = groups.flatMap((group) => group.cases.map((one) => `${group.name}/${one.name}`));
    for (const entry of intended) {
      expect(entry.reason.length).toBeGreaterThan(20);
      for (const pattern of entry.cases) {
        expect(names.some((name) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name)), pattern).toBe(true);
      }
    }
  });
});
