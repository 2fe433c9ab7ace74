/**
 * Replays the cases of test/oracle against envoyts and compares with what the reference proxy was recorded to do. One
 * process serves all cases of a group; groups run a few at a time. What differs on purpose stands in
 * test/oracle/differences.yaml.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCaseGroups, unstablePaths, type CaseGroup } from '../oracle/case_file.ts';
import { compareRecordings, describeDifferences, readIntendedDifferences, unintended } from '../oracle/compare.ts';
import { readGolden } from '../oracle/golden.ts';
import { envoytsCommand, type ProxyCommand } from '../oracle/proxy_process.ts';
import { runGroup, type CaseOutcome } from '../oracle/run_group.ts';

const ORACLE = fileURLToPath(new URL('../oracle/', import.meta.url));
const GOLDEN = `${ORACLE}golden`;
/** Processes at a time. */
const WIDTH = 3;
/** Far above what it takes: a busy machine must not make it fail. */
const REPLAY_LIMIT_MS = 900_000;

/** Why envoyts cannot be started at all, or the command that starts it. */
function findEnvoyts(): ProxyCommand | string {
  const command = envoytsCommand();
  if (command === undefined) {
    return 'bin/envoyts.js is not there';
  }
  const tried = spawnSync(command.command, [...command.args, '--version'], { encoding: 'utf8', timeout: 20_000 });
  return tried.status === 0 ? command : `bin/envoyts.js --version does not work yet: ${tried.stderr.slice(-500)}`;
}

async function runAll(groups: readonly CaseGroup[], command: ProxyCommand): Promise<Map<string, CaseOutcome>> {
  const outcomes = new Map<string, CaseOutcome>();
  const queue = [...groups];
  const lanes = Array.from({ length: WIDTH }, async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      for (const outcome of await runGroup(group, command, readGolden(GOLDEN, group.name))) {
        outcomes.set(`${group.name}/${outcome.name}`, outcome);
      }
    }
  });
  await Promise.all(lanes);
  return outcomes;
}

const groups = readCaseGroups(`${ORACLE}cases`);
const intended = readIntendedDifferences(`${ORACLE}differences.yaml`);
const envoyts = findEnvoyts();
if (typeof envoyts === 'string') {
  console.warn(`oracle replay SKIPPED, no case was compared: ${envoyts}`);
}

describe.skipIf(typeof envoyts === 'string')('what envoyts does in each recorded case', () => {
  let outcomes = new Map<string, CaseOutcome>();

  beforeAll(async () => {
    if (typeof envoyts !== 'string') {
      outcomes = await runAll(groups, envoyts);
    }
  }, REPLAY_LIMIT_MS);

  for (const group of groups) {
    const golden = readGolden(GOLDEN, group.name);
    describe(group.name, () => {
      it.each(group.cases.map((one) => one.name))('%s', (name) => {
        const outcome = outcomes.get(`${group.name}/${name}`);
        const reference = golden.get(name);
        expect(reference, 'the case has no recording: record it').toBeDefined();
        expect(outcome?.failure).toBeUndefined();
        if (reference === undefined || outcome?.recording === undefined) {
          return;
        }
        const all = compareRecordings(reference, outcome.recording, unstablePaths(group, name));
        const left = unintended(`${group.name}/${name}`, all, outcome.recording, intended);
        expect(left, describeDifferences(left)).toEqual([]);
      });
    });
  }
});

describe('the case files', () => {
  it('are each recorded', () => {
    const missing = groups.flatMap((group) => {
      const golden = readGolden(GOLDEN, group.name);
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
