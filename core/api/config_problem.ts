import type { SourceRange } from './source_text.ts';

/** Something to tell the user about a configuration; rendered with its code frame by server/config. */
export interface ConfigProblem {
  readonly severity: 'error' | 'warning';
  /** One sentence (or Envoy's text for the case) without position. */
  readonly text: string;
  /** What the code frame shows; undefined where nothing of a source text is meant. */
  readonly range: SourceRange | undefined;
  /** Field path in proto names, '' for the whole. */
  readonly path: string;
  /** What would have been right, or the nearest valid name: each becomes a line under the frame. */
  readonly hints: readonly string[];
}

/** Receives problems while a configuration is read. */
export interface ProblemSink {
  add(problem: ConfigProblem): void;
}
