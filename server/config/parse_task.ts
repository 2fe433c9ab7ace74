/** What a thread of the configuration pool runs. Imports the readers only, so that the thread starts quickly. Thread: pool. */
import { SourceText } from '../../core/api/source_text.ts';
import { encodeNodes, type NodeTable } from './node_table.ts';
import { parseText, type TextFormat } from './parsed_text.ts';

/** A text to read. Plain data. */
export interface ParseTask {
  readonly text: string;
  readonly format: TextFormat;
}

/** A ConfigProblem without its source text. */
export interface ParseTaskProblem {
  readonly severity: 'error' | 'warning';
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly path: string;
  readonly hints: readonly string[];
}

/** What came of it. Plain data. */
export interface ParseTaskResult {
  /** Undefined when the text is not YAML or JSON at all. */
  readonly table: NodeTable | undefined;
  readonly problems: readonly ParseTaskProblem[];
}

/** Reads a text; never throws on bad input. The pool calls it by this name. */
export function runParseTask(task: ParseTask): ParseTaskResult {
  const { node, problems } = parseText(new SourceText('', task.text), task.format);
  return {
    table: node === undefined ? undefined : encodeNodes(node),
    problems: problems.map(({ severity, text, range, path, hints }) => ({ severity, text, start: range?.start ?? 0, end: range?.end ?? 0, path, hints })),
  };
}
