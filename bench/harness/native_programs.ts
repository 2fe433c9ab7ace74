import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, type ProcessGroup } from './processes.ts';

/**
 * Compiles bench/harness/<name>.c when its binary is missing or older. Returns the binary's path, or
 * undefined when there is no C compiler or the platform has no epoll.
 */
export async function compileProgram(group: ProcessGroup, root: string, name: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const source = join(root, 'bench', 'harness', `${name}.c`);
  const folder = join(root, '.bench');
  const binary = join(folder, name);
  if (modifiedMs(binary) > modifiedMs(source)) return binary;
  const compiler = findProgram('cc') ?? findProgram('gcc') ?? findProgram('clang');
  if (compiler === undefined) return undefined;
  mkdirSync(folder, { recursive: true });
  await group.run({ argv: [compiler, '-O2', '-Wall', '-Wextra', '-o', binary, source] }, 60_000);
  return binary;
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
