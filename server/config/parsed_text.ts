import type { ConfigNode } from '../../core/api/config_node.ts';
import type { ConfigProblem } from '../../core/api/config_problem.ts';
import { parseJsonNodes } from '../../core/api/json_nodes.ts';
import type { SourceText } from '../../core/api/source_text.ts';
import { parseYamlNodes } from '../../core/api/yaml_nodes.ts';

/** What a configuration text is written in. */
export type TextFormat = 'yaml' | 'json';

/** A configuration text after its syntax has been read and before any message type is known. */
export interface ParsedText {
  readonly source: SourceText;
  readonly format: TextFormat;
  /** Undefined when the text is not YAML or JSON at all; `problems` then says why. */
  readonly node: ConfigNode | undefined;
  /** What the reader found, in that order; every range is in `source`. */
  readonly problems: readonly ConfigProblem[];
}

/** Reads the syntax of a text. Blocks: about half a second per MB of YAML, 40 ms per MB of JSON. Thread: any. */
export function parseText(source: SourceText, format: TextFormat): ParsedText {
  const problems: ConfigProblem[] = [];
  const sink = { add: (problem: ConfigProblem) => problems.push(problem) };
  const node = format === 'yaml' ? parseYamlNodes(source, sink) : parseJsonNodes(source, sink);
  return { source, format, node, problems };
}
