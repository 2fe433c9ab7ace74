import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Which reader a case is for. */
export type Subject = 'request' | 'response' | 'chunked' | 'server' | 'client';

/** One case: bytes in, events out. */
export interface ConformanceCase {
  readonly file: string;
  readonly name: string;
  readonly subject: Subject;
  readonly options: ReadonlyMap<string, string>;
  readonly bytes: Buffer;
  readonly expected: string;
}

const FOLDER = fileURLToPath(new URL('./http1/', import.meta.url));

/** Reads every case file. See http1/README.md for the format. */
export function readCases(): ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  for (const file of readdirSync(FOLDER).sort()) {
    if (!file.endsWith('.md') || file === 'README.md') continue;
    const text = readFileSync(FOLDER + file, 'utf8');
    const subject = /^subject: (\w+)$/m.exec(text)?.[1];
    if (subject === undefined) throw new Error(`${file}: no subject`);
    for (const section of text.split(/^## /m).slice(1)) cases.push(readCase(file, subject as Subject, section));
  }
  return cases;
}

function readCase(file: string, subject: Subject, section: string): ConformanceCase {
  const name = section.slice(0, section.indexOf('\n'));
  const bytes = /^```bytes\n([\s\S]*?)^```$/m.exec(section)?.[1];
  if (bytes === undefined) throw new Error(`${file}: ${name}: no bytes`);
  const options = new Map<string, string>();
  for (const option of /^options: (.*)$/m.exec(section)?.[1]?.split(' ') ?? []) {
    const [key = '', value = 'true'] = option.split('=');
    options.set(key, value);
  }
  return { file, name, subject, options, bytes: unescapeBytes(bytes), expected: /^```events\n([\s\S]*?)^```$/m.exec(section)?.[1] ?? '' };
}

/** Line breaks of the file do not count; `\r \n \t \\ \xHH` and `\{N*text}` (text N times) do. */
export function unescapeBytes(text: string): Buffer {
  const plain = text.replaceAll('\n', '').replace(/\\\{(\d+)\*([^}]*)\}/g, (_, count: string, part: string) => part.repeat(Number(count)));
  const latin1 = plain.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, code: string) => {
    switch (code[0]) {
      case 'r':
        return '\r';
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'x':
        return String.fromCharCode(Number.parseInt(code.slice(1), 16));
      default:
        return code;
    }
  });
  return Buffer.from(latin1, 'latin1');
}

/** Printable form of bytes in an event; long ones are cut. */
export function printable(text: string): string {
  const escaped = text.replace(/[\\\x00-\x1f\x7f-\xff]/g, (ch) => (ch === '\r' ? '\\r' : ch === '\n' ? '\\n' : ch === '\t' ? '\\t' : ch === '\\' ? '\\\\' : `\\x${ch.charCodeAt(0).toString(16).padStart(2, '0')}`));
  return escaped.length > 80 ? `${escaped.slice(0, 40)}… (${text.length})` : escaped;
}

/** Writes what was seen into a case's file: for new cases, to be read before it is committed. */
export function recordCase(testCase: ConformanceCase, seen: string): void {
  const path = FOLDER + testCase.file;
  const text = readFileSync(path, 'utf8');
  const start = text.indexOf(`\n## ${testCase.name}\n`);
  const next = text.indexOf('\n## ', start + 1);
  const end = next < 0 ? text.length : next;
  const section = text.slice(start, end).replace(/\n```events\n[\s\S]*?^```\n?/m, '').trimEnd();
  writeFileSync(path, `${text.slice(0, start)}${section}\n\n\`\`\`events\n${seen}\`\`\`\n${text.slice(end)}`);
}
