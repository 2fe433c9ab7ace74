/** Finds where in the project a log line was written, from the call stack. Costs some microseconds: only for lines that print. */
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import type { SourceLocation } from './log_pattern.ts';

/** Two folders up from here: the sources' root, or dist/, whose source maps lead to the folder above it. */
const HERE = fileURLToPath(new URL('../../', import.meta.url));
const ROOT = import.meta.url.endsWith('.ts') ? HERE : dirname(HERE) + sep;
const UNKNOWN: SourceLocation = { file: '', line: 0, functionName: '' };

/** Frames above the caller of a Logger method: this function, LogWriter.write, Logger.<level>. */
const FRAMES_ABOVE = 3;

/** For `LogThread.locate`. */
export function locateCaller(): SourceLocation {
  const frame = getCallSites(FRAMES_ABOVE + 1, { sourceMap: true })[FRAMES_ABOVE];
  if (frame === undefined) return UNKNOWN;
  const path = frame.scriptName.startsWith('file:') ? fileURLToPath(frame.scriptName) : frame.scriptName;
  return { file: path.startsWith(ROOT) ? path.slice(ROOT.length) : path, line: frame.lineNumber, functionName: frame.functionName };
}
