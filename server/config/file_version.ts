import { statSync } from 'node:fs';

/** Another text whenever a file may have another content; '' for no file. */
export function fileVersion(path: string): string {
  if (path === '') return '';
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return 'missing';
  }
}
