// Adds to the staged protos what npm's package is too old for.
//
// A file in supplements/ whose path exists among the staged protos is a patch: the bodies of its blocks marked `// patch` are put
// into the blocks of the same name and nesting (a field declared again replaces the old one), its other blocks are appended, its imports added. Any other file is a new proto.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** Applies every supplement under `dir` to the tree at `stage`; returns how many there were. */
export function applySupplements(dir, stage) {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.proto'))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
  for (const path of files) {
    const addition = readFileSync(join(dir, path), 'utf8');
    const target = join(stage, path);
    if (!existsSync(target)) {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, addition);
      continue;
    }
    writeFileSync(target, mergeProto(readFileSync(target, 'utf8'), addition, path));
  }
  return files.length;
}

/** Puts the bodies of the blocks marked `// patch` into the blocks of the same name in `original`; the rest goes to its end. */
export function mergeProto(original, addition, path) {
  let text = original;
  for (const line of addition.match(/^import "[^"]+";$/gm) ?? []) {
    if (!text.includes(line)) text = text.replace(/^(package [^;]+;)$/m, `$1\n${line}`);
  }
  for (const [scope, body] of patches(addition, [])) {
    if (body.trim() === '') continue;
    const [from, to] = bodyRange(text, scope);
    if (from < 0) throw new Error(`codegen: supplement ${path} extends ${scope.join('.')}, which the original does not have`);
    text = `${text.slice(0, from)}${withoutRedeclared(text.slice(from, to), body)}${body}${text.slice(to)}`;
  }
  return `${text}\n${withoutPatches(addition).replace(/^(import|\/\/) .*$/gm, '')}`;
}

/** [scope, body] of every block whose header ends in `// patch`; the blocks inside come first, each with its own scope. */
function patches(text, scope) {
  const found = [];
  const header = /^[ \t]*(message|enum|oneof) (\w+) \{ \/\/ patch$/gm;
  for (let match = header.exec(text); match !== null; match = header.exec(text)) {
    const start = match.index + match[0].length;
    const end = closing(text, start);
    const inner = text.slice(start, end);
    const name = [...scope, match[2]];
    found.push(...patches(inner, name));
    found.push([name, withoutPatches(inner)]);
    header.lastIndex = end;
  }
  return found;
}

function withoutPatches(text) {
  const header = /^[ \t]*(message|enum|oneof) \w+ \{ \/\/ patch$/m;
  let rest = text;
  for (let match = header.exec(rest); match !== null; match = header.exec(rest)) {
    const end = closing(rest, match.index + match[0].length);
    rest = rest.slice(0, match.index) + rest.slice(end + 1);
  }
  return rest;
}

/** Takes out of `original` the fields that `body` declares again (same name and number): newer rules, or newly deprecated. */
function withoutRedeclared(original, body) {
  let text = original;
  for (const match of directly(body).matchAll(/^ *(?:(?:repeated|optional) )?[\w.<>, ]+ (\w+) = (\d+)(?: \[.*\])?;$/gm)) {
    const field = new RegExp(`^[ \\t]*(?:(?:repeated|optional) )?[\\w.]+(?:<[^>]*>)?\\s+${match[1]}\\s*=\\s*${match[2]}\\s*(?:\\[[^;]*\\])?;`, 'm');
    const found = field.exec(directly(text));
    if (found !== null) text = text.slice(0, found.index) + text.slice(found.index + found[0].length);
  }
  return text;
}

/** The text with what stands inside nested messages and enums blanked out; positions stay. */
function directly(text) {
  let result = text;
  const header = /^[ \t]*(?:message|enum|oneof) \w+ \{/gm;
  for (let match = header.exec(text); match !== null; match = header.exec(text)) {
    const start = match.index + match[0].length;
    const end = closing(text, start);
    result = result.slice(0, start) + result.slice(start, end).replace(/[^\n]/g, ' ') + result.slice(end);
    header.lastIndex = end;
  }
  return result;
}

/** [start, end] of the body of the block at `scope` (names of messages, enums and oneofs from the outside in), or [-1, -1]. */
function bodyRange(text, scope) {
  let from = 0;
  let to = text.length;
  for (const name of scope) {
    const match = new RegExp(`^[ \\t]*(?:message|enum|oneof) ${name} \\{`, 'm').exec(text.slice(from, to));
    if (match === null) return [-1, -1];
    from += match.index + match[0].length;
    to = closing(text, from);
  }
  return [from, to];
}

/** Index of the `}` that closes the block whose body starts at `start`; skips comments and strings. */
function closing(text, start) {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    const c = text[i];
    if (c === '/' && text[i + 1] === '/') i = text.indexOf('\n', i);
    else if (c === '"') i = endOfString(text, i);
    else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return i;
    if (i < 0) break;
  }
  return text.length;
}

function endOfString(text, start) {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}
