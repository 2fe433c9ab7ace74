import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../core/log/logger.ts';

/** Files in `flags_path` switch things on when the server starts. `drain`: it begins as after `/healthcheck/fail`. */
export function startsDraining(flagsPath: string, log: Logger): boolean {
  if (flagsPath === '') return false;
  log.info(`server flags path: ${flagsPath}`);
  const drains = existsSync(join(flagsPath, 'drain'));
  if (drains) log.info('starting server in drain mode');
  return drains;
}
