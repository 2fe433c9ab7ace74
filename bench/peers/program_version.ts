import { spawnSync } from 'node:child_process';

/** First match of the pattern in what a program says about its version, on either stream. */
export function programVersion(program: string, flag: string, pattern: RegExp): string {
  const result = spawnSync(program, [flag], { encoding: 'utf8', timeout: 5000 });
  const match = pattern.exec(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  return match?.[1] ?? 'unknown version';
}
