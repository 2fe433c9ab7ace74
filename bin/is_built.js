// Whether dist/ is what a checkout's sources would build now.
import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Whether a file, or anything below a folder, was written, renamed or removed after a time (ms): ctime, which no tool sets back. */
function hasChangedSince(path, time) {
  if (path.endsWith('.test.ts') || path.endsWith('.md')) return false;
  const stat = statSync(path);
  if (stat.ctimeMs >= time) return true;
  return stat.isDirectory() && readdirSync(path).some((name) => hasChangedSince(`${path}/${name}`, time));
}

/** `root`: the checkout, ends with a slash. Looks at every source's time: some 10 ms. */
export function isBuilt(root) {
  try {
    const info = JSON.parse(readFileSync(`${root}dist/build_info.json`, 'utf8'));
    return info.sources.every((source) => !hasChangedSince(root + source, info.startedMs));
  } catch {
    return false;
  }
}
