/**
 * Reads the syntax of large configuration files on a thread of their own, so that main's loop keeps turning. Nothing of it is
 * loaded or started for files of usual size, and no thread stays behind. Thread: main.
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SourceText } from '../core/api/source_text.ts';
import { formatOf } from './bootstrap/load_bootstrap.ts';
import { decodeNodes } from './config/node_table.ts';
import type { ParseTask, ParseTaskResult } from './config/parse_task.ts';
import type { ParsedText, TextFormat } from './config/parsed_text.ts';

/**
 * Files above this many bytes are read by the pool. A thread adds 0.1 s to the start and more on a busy machine, so it has to
 * take a multiple of that off main: half a MiB of YAML (1,000 clusters) holds main up for half a second, as much JSON for 30 ms.
 */
export const LARGE_FILE_BYTES: Readonly<Record<TextFormat, number>> = { yaml: 512 * 1024, json: 4 * 1024 * 1024 };

const SUFFIX = import.meta.url.endsWith('.js') ? 'js' : 'ts';
const TASK_FILE = fileURLToPath(new URL(`./config/parse_task.${SUFFIX}`, import.meta.url));

/**
 * Reads a large YAML or JSON file ahead of `loadBootstrap`.
 * @returns undefined for everything that is better read in place: small files, other formats, what cannot be read (which then is
 * `loadBootstrap`'s to report).
 */
export async function parseLargeFile(path: string): Promise<ParsedText | undefined> {
  const format = formatOf(path);
  if (format !== 'yaml' && format !== 'json') return undefined;
  let text: string;
  try {
    if (statSync(path).size <= LARGE_FILE_BYTES[format]) return undefined;
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  return parseInPool(new SourceText(path, text), format);
}

/** What `parseText` returns, from a thread that lives as long as this takes. Rejects when there can be no such thread. */
export async function parseInPool(source: SourceText, format: TextFormat): Promise<ParsedText> {
  const { table, problems } = await runInPool({ text: source.text, format });
  return {
    source, format,
    node: table === undefined ? undefined : await decodeNodes(table, source),
    problems: problems.map(({ severity, text, start, end, path, hints }) => ({ severity, text, range: { source, start, end }, path, hints })),
  };
}

async function runInPool(task: ParseTask): Promise<ParseTaskResult> {
  const { Piscina } = await import('piscina');
  const pool = new Piscina<ParseTask, ParseTaskResult>({
    filename: TASK_FILE, name: 'runParseTask', minThreads: 1, maxThreads: 1,
    // Main's stack size: a nesting that main refuses as too deep is refused here as well.
    resourceLimits: { stackSizeMb: 1 },
  });
  try {
    return await pool.run(task);
  } finally {
    await pool.destroy();
  }
}
