/**
 * Why Envoy refuses a value of `/runtime_modify`, in the words of the YAML library that it reads it with (yaml-cpp). What only our
 * own parser objects to is no problem: Envoy takes such a value as text. Thread: main.
 */
import { isAlias, isNode, LineCounter, parseDocument, visit, type YAMLParseError } from 'yaml';

/** Characters from the backslash to where yaml-cpp stands when it finds that an escape has no hexadecimal digits. */
const ESCAPE_LENGTHS: Readonly<Record<string, number>> = { x: 4, u: 6, U: 10 };

interface Problem {
  readonly offset: number;
  readonly reason: string;
}

/** Undefined for what Envoy takes. */
export function yamlProblem(text: string): string | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { logLevel: 'silent', lineCounter: lines });
  const problem = document.errors.map((error) => problemOf(error, text)).find((each) => each !== undefined) ?? danglingAlias(document);
  if (problem === undefined) return undefined;
  const { line, col } = lines.linePos(problem.offset);
  return `yaml-cpp: error at line ${Math.max(1, line)}, column ${Math.max(1, col)}: ${problem.reason}`;
}

function problemOf(error: YAMLParseError, text: string): Problem | undefined {
  const offset = error.pos[0];
  const unended = /^(?:.*: )?Flow (map|sequence) /.exec(error.message)?.[1];
  if (unended !== undefined) {
    // Where the text ends, yaml-cpp says so of the whole; where something else is closed, of that place.
    return offset >= text.trimEnd().length ? { offset: 0, reason: `end of ${unended} flow not found` } : { offset, reason: 'illegal flow end' };
  }
  switch (error.code) {
    case 'MISSING_CHAR':
      return error.message.startsWith('Missing closing') ? { offset, reason: 'illegal EOF in scalar' } : undefined;
    case 'BAD_SCALAR_START':
      return { offset, reason: 'unknown token' };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { offset: offset + Math.max(0, text.slice(offset).search(/:(?:\s|$)/)), reason: 'illegal map value' };
    case 'BAD_DQ_ESCAPE': {
      const letter = text[offset + 1] ?? '';
      const length = ESCAPE_LENGTHS[letter];
      return length === undefined ? { offset: offset + 2, reason: `unknown escape character: ${letter}` } : { offset: offset + length, reason: 'bad character found while scanning hex number' };
    }
    case 'UNEXPECTED_TOKEN':
      if (error.message.startsWith('Unexpected flow-')) return { offset, reason: 'illegal flow end' };
      return /^(?:Block scalar header|Not a YAML token)/.test(error.message) ? { offset, reason: 'unexpected character in block scalar' } : undefined;
    default:
      return undefined;
  }
}

/** An alias whose anchor does not stand before it. */
function danglingAlias(document: ReturnType<typeof parseDocument>): Problem | undefined {
  const anchors = new Set<string>();
  let problem: Problem | undefined;
  visit(document, (_key, node) => {
    if (isAlias(node) && !anchors.has(node.source)) {
      problem = { offset: node.range?.[0] ?? 0, reason: `the referenced anchor is not defined: ${node.source}` };
      return visit.BREAK;
    }
    if (isNode(node) && 'anchor' in node && node.anchor !== undefined) anchors.add(node.anchor);
    return undefined;
  });
  return problem;
}
