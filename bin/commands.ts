/** The commands beside serving: each answers a question and ends. */
import { writeFileSync } from 'node:fs';
import { FactoryRegistry } from '../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../extensions/all_extensions.ts';
import { loadDescriptors } from '../server/bootstrap/load_descriptors.ts';
import type { CommandEnvironment } from '../server/explain/command_environment.ts';
import { runExplain } from '../server/explain/explain_command.ts';
import { runRouteCheck } from '../server/route_check/route_check_command.ts';
import { createDryRun } from '../workers/worker/dry_run.ts';

/** Runs a command with its arguments. Returns the exit code. */
export function runCommand(name: 'explain' | 'router-check', argv: readonly string[]): number {
  const registry = new FactoryRegistry();
  registerAllExtensions(registry);
  const environment: CommandEnvironment = {
    registry, loadDescriptors,
    nowMs: () => Date.now(),
    writeFile: (path, content) => writeFileSync(path, content),
    writeStdout: (text) => process.stdout.write(text),
    writeStderr: (text) => process.stderr.write(text),
  };
  if (name === 'router-check') return runRouteCheck(argv, environment);
  return runExplain(argv, environment, createDryRun(registry));
}
