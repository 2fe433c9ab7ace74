/** Project rules beyond Biome's: one per past mistake, each message names what to do instead. */

/** A finding in one file. */
export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** A file as the rules see it. */
export interface SourceFile {
  /** Relative to the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

interface PatternRule {
  readonly name: string;
  /** Which files, by path. */
  readonly in: RegExp;
  readonly except?: RegExp;
  readonly pattern: RegExp;
  readonly message: string;
}

const PRODUCT = /^(core|extensions|server|workers|admin|bin|native)\//;
/** Folders whose code runs per request. */
const HOT = /^core\/(base|buffer|event|network|http|conn_pool|router|upstream|stats)\//;
const TEST_FILE = /\.test\.ts$/;
export const MAX_LINES = 600;

const PATTERN_RULES: readonly PatternRule[] = [
  { name: 'no-global-timers', in: /^(core|extensions)\//, except: /^core\/(event|io)\//, pattern: /\b(setTimeout|setInterval|setImmediate)\s*\(/, message: 'use the thread\'s timers (core/event): global timers cannot be simulated' },
  { name: 'no-global-clock', in: /^(core|extensions)\//, except: /^core\/(event|io)\//, pattern: /\b(Date\.now|performance\.now|process\.hrtime)\b/, message: 'read the turn\'s clock: one clock read per loop turn' },
  { name: 'no-math-random', in: PRODUCT, except: /^core\/base\/random\.ts$/, pattern: /\bMath\.random\b/, message: 'take a random source as a parameter: tests seed it' },
  { name: 'no-event-emitter-in-hot-code', in: HOT, pattern: /\bEventEmitter\b/, message: 'call methods directly (1 ns instead of 12)' },
  { name: 'no-promises-in-hot-code', in: HOT, pattern: /\b(async|await)\b(?=\s|\()|\bnew Promise\b/, message: 'no promises on the data path: completions are methods' },
  { name: 'no-bind-in-hot-code', in: HOT, pattern: /\.bind\(/, message: 'store an object with named methods instead of a bound function' },
  { name: 'no-delete-in-hot-code', in: HOT, pattern: /^\s*delete\s/, message: 'deleting a property makes the object a dictionary: assign null' },
  { name: 'no-private-hash', in: PRODUCT, pattern: /^\s*#\w+\s*[=;(:]/, message: 'use `private x`: erased, and the same for V8' },
  { name: 'no-process-exit-below-bin', in: /^(core|extensions|admin)\//, pattern: /\bprocess\.exit\s*\(/, message: 'the proxy is a library inside other processes too: report upwards' },
  { name: 'todo-needs-issue', in: PRODUCT, pattern: /\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/, message: 'write TODO(#issue)' },
  { name: 'no-ts-ignore', in: /\.ts$/, except: /^tools\/lint\//, pattern: /@ts-(ignore|nocheck)|biome-ignore/, message: 'mend the cause' },
  { name: 'no-sleep-in-tests', in: TEST_FILE, except: /^tools\/lint\//, pattern: /await\s+(sleep|delay)\s*\(|setTimeout\(\s*(resolve|r|ok|done)\s*,/, message: 'wait for a condition and name it' },
  { name: 'no-only', in: TEST_FILE, pattern: /\b(it|test|describe)\.(only|todo)\b/, message: 'a test is run or it is not there' },
];

const BAD_NAME = /(^|\/)(utils?|helpers?|misc|common|types|index)\.ts$/;

/** All findings of one file. */
export function lintFile(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const lines = file.text.split('\n');
  if (PRODUCT.test(file.path) && BAD_NAME.test(file.path) && file.path !== 'native/index.ts') {
    findings.push({ file: file.path, line: 1, rule: 'telling-file-names', message: 'name the file for the one thing it exports' });
  }
  if (PRODUCT.test(file.path) && !/[-/]?[a-z0-9_]+(\.test|\.bench)?(\.d)?\.ts$/.test(file.path)) {
    findings.push({ file: file.path, line: 1, rule: 'snake-case-files', message: 'file names are snake_case' });
  }
  if (PRODUCT.test(file.path) && lines.length > MAX_LINES && !TEST_FILE.test(file.path)) {
    findings.push({ file: file.path, line: MAX_LINES, rule: 'max-lines', message: `${lines.length} lines: split by concept (limit ${MAX_LINES})` });
  }
  for (const rule of PATTERN_RULES) {
    if (!rule.in.test(file.path) || rule.except?.test(file.path) === true) continue;
    if (TEST_FILE.test(file.path) && rule.in !== TEST_FILE && rule.name !== 'no-ts-ignore') continue;
    lines.forEach((line, i) => {
      if (rule.pattern.test(withoutComment(line))) findings.push({ file: file.path, line: i + 1, rule: rule.name, message: rule.message });
    });
  }
  return findings;
}

/** The code of a line: comments say what they like, but for the rules about comments. */
function withoutComment(line: string): string {
  if (/@ts-|biome-ignore|TODO|FIXME|XXX/.test(line)) return line;
  const trimmed = line.trimStart();
  if (trimmed.startsWith('*') || trimmed.startsWith('//') || trimmed.startsWith('/*')) return '';
  return line.replace(/\s\/\/.*$/, '');
}

/** Paths that documents name in backticks must exist. `exists` tells. */
export function lintDocument(path: string, text: string, exists: (file: string) => boolean): Finding[] {
  const findings: Finding[] = [];
  text.split('\n').forEach((line, i) => {
    for (const match of line.matchAll(/`((?:core|extensions|server|workers|admin|native|bin|bench|test|docs|tools|examples)\/[\w./-]*[\w/])`/g)) {
      const named = match[1].replace(/\/$/, '');
      if (!exists(named)) findings.push({ file: path, line: i + 1, rule: 'docs-paths', message: `${named} does not exist` });
    }
  });
  return findings;
}
