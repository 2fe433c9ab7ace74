import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode, systemErrorText } from '../system_error.ts';

/**
 * Why lines cannot be appended to a file (the system's words); undefined when they can, or when the file can be made. Opens and
 * makes nothing: validating leaves no trace, and the reader of a named pipe sees no end.
 */
export function whyNotAppendable(path: string): string | undefined {
  try {
    if (statSync(path).isDirectory()) return 'Is a directory';
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') return systemErrorText(error);
  }
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const text = systemErrorText(error);
    return systemErrorCode(error) === 'ENOENT' ? `${text} (the folder '${folder}' does not exist)` : text;
  }
}
