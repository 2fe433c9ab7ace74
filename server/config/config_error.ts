import type { ConfigProblem, ProblemSink } from '../../core/api/config_problem.ts';

/** Collects problems in the order found; sorts them by where they stand when asked. */
export class ProblemList implements ProblemSink {
  private readonly problems: ConfigProblem[] = [];
  private readonly seen = new Set<string>();

  /** The same text at the same place is kept once: an aliased YAML node is converted wherever it is used. */
  add(problem: ConfigProblem): void {
    const where = problem.range === undefined ? problem.path : `${problem.range.source.file}:${problem.range.start}`;
    const key = `${problem.severity} ${where} ${problem.range === undefined ? problem.text : withoutPath(problem)}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.problems.push(problem);
  }

  get hasErrors(): boolean {
    return this.problems.some((problem) => problem.severity === 'error');
  }

  errors(): ConfigProblem[] {
    return sortByPosition(this.problems.filter((problem) => problem.severity === 'error'));
  }

  warnings(): ConfigProblem[] {
    return sortByPosition(this.problems.filter((problem) => problem.severity === 'warning'));
  }
}

function withoutPath(problem: ConfigProblem): string {
  return problem.path === '' ? problem.text : problem.text.replaceAll(problem.path, '');
}

/** Stable: problems without position come last, in the order found. */
function sortByPosition(problems: ConfigProblem[]): ConfigProblem[] {
  const files: string[] = [];
  for (const problem of problems) {
    if (problem.range !== undefined && !files.includes(problem.range.source.file)) files.push(problem.range.source.file);
  }
  const rank = (problem: ConfigProblem): number => (problem.range === undefined ? files.length : files.indexOf(problem.range.source.file));
  return problems.toSorted((a, b) => rank(a) - rank(b) || (a.range?.start ?? 0) - (b.range?.start ?? 0));
}

/** A configuration that cannot be used. `message` holds every error with position and code frame, ready to print. */
export class ConfigError extends Error {
  /** One line for a log: the first error, and how many more there are. */
  readonly summary: string;

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(renderProblem).join('\n'));
    this.name = 'ConfigError';
    this.summary = summaryOf(problems);
  }

  /** One that was rendered on another thread. */
  static rendered(text: string, summary: string): ConfigError {
    return Object.assign(new ConfigError([]), { message: text, summary });
  }
}

function summaryOf(problems: readonly ConfigProblem[]): string {
  if (problems.length === 0) return '';
  const more = problems.length - 1;
  return `${renderProblemLine(problems[0])}${more === 0 ? '' : ` (and ${more} more error${more === 1 ? '' : 's'})`}`;
}

/** `file:line:column` of a problem, '' when it has no position. */
export function problemPosition(problem: ConfigProblem): string {
  if (problem.range === undefined) return '';
  const { line, column } = problem.range.source.lineColumn(problem.range.start);
  return `${problem.range.source.file}:${line}:${column}`;
}

const FRAME_WIDTH = 160;

/**
 * One problem for a person: the sentence, `file:line:column` with the field path, the line before and the line itself with
 * carets, then the hints. Several lines, no trailing newline.
 */
export function renderProblem(problem: ConfigProblem): string {
  const lines = [problem.text];
  const position = problemPosition(problem);
  const where = [position, problem.path].filter((part) => part !== '').join('  ');
  if (where !== '') lines.push(`  at ${where}`);
  if (problem.range !== undefined) lines.push(...codeFrame(problem.range));
  for (const hint of problem.hints) lines.push(`  = ${hint}`);
  return lines.join('\n');
}

/** One line: for logs. */
export function renderProblemLine(problem: ConfigProblem): string {
  const position = problemPosition(problem);
  const where = [position, problem.path].filter((part) => part !== '').join(' ');
  return where === '' ? problem.text : `${where}: ${problem.text}`;
}

function codeFrame(range: NonNullable<ConfigProblem['range']>): string[] {
  const { source, start, end } = range;
  const { line, column } = source.lineColumn(start);
  const text = source.line(line);
  if (text === '') return [];
  const gutter = String(line).length;
  // Very long lines (JSON on one line) are cut around the place that is meant.
  const from = column > FRAME_WIDTH ? column - FRAME_WIDTH / 2 : 0;
  const shown = clean(text.slice(from, from + FRAME_WIDTH));
  const length = Math.max(1, Math.min(end - start, text.length - column + 1, FRAME_WIDTH - (column - 1 - from)));
  const rows: string[] = [];
  const previous = source.line(line - 1);
  if (line > 1 && from === 0 && previous.trim() !== '') rows.push(`  ${String(line - 1).padStart(gutter)} | ${clean(previous.slice(0, FRAME_WIDTH))}`);
  rows.push(`  ${line} | ${shown}`);
  rows.push(`  ${' '.repeat(gutter)} | ${' '.repeat(column - 1 - from)}${'^'.repeat(length)}`);
  return rows;
}

/** Tabs as one space (so that carets fit) and no control characters on the user's terminal. */
function clean(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
