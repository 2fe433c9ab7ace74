/**
 * A name part as it appears in stat names: characters that would confuse readers of addresses become `_`
 * (`127.0.0.1:80` -> `127.0.0.1_80`, `http://x` -> `http_x`), a dot at either end goes away. Everything else is kept, dots too.
 */
export function sanitizeStatName(name: string): string {
  let start = 0;
  let end = name.length;
  if (end > start && name.charCodeAt(end - 1) === 0x2e) end--;
  if (end > start && name.charCodeAt(start) === 0x2e) start++;
  const trimmed = start === 0 && end === name.length ? name : name.slice(start, end);
  if (trimmed.indexOf(':') < 0 && trimmed.indexOf('\0') < 0) return trimmed;
  return trimmed.replaceAll('://', '_').replaceAll(':/', '_').replaceAll(':', '_').replaceAll('\0', '_');
}

/** `prefix.name`, or whichever of the two is not empty. */
export function joinStatName(prefix: string, name: string): string {
  if (prefix === '') return name;
  if (name === '') return prefix;
  return `${prefix}.${name}`;
}
