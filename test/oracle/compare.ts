/** Compares two recordings of a case, and knows which differences are meant. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { RecordedConnection, RecordedMessage, Recording } from './recording.ts';

/** One observation that differs; `undefined` where a side has none. */
export interface Difference {
  readonly path: string;
  readonly reference: string | undefined;
  readonly actual: string | undefined;
}

/** A difference that is meant. */
export interface IntendedDifference {
  /** Globs over `group/case`. */
  readonly cases: readonly string[];
  readonly reason: string;
  /** Globs over the paths that may differ; all when absent. */
  readonly paths: readonly string[];
  /** What must be observed instead, by path; undefined: nothing may be observed there. */
  readonly instead: Readonly<Record<string, string | undefined>>;
}

type Flat = Map<string, string>;

/** Turns `*` wildcards into a test; `*` stands for any characters. */
export function glob(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

function flattenHeaders(flat: Flat, path: string, headers: readonly string[]): void {
  for (const line of headers) {
    const colon = line.indexOf(':');
    const key = `${path}.${colon < 0 ? line : line.slice(0, colon)}`;
    const value = colon < 0 ? '' : line.slice(colon + 2);
    const before = flat.get(key);
    flat.set(key, before === undefined ? value : `${before} ⏎ ${value}`);
  }
}

function flattenMessage(flat: Flat, path: string, message: RecordedMessage): void {
  flat.set(`${path}.start`, message.start);
  flattenHeaders(flat, `${path}.headers`, message.headers);
  flattenHeaders(flat, `${path}.trailers`, message.trailers ?? []);
  flat.set(`${path}.framing`, message.framing ?? 'none');
  flat.set(`${path}.body`, message.body ?? '');
  if (message.spelling !== undefined) {
    flat.set(`${path}.spelling`, message.spelling);
  }
  flat.set(`${path}.complete`, String(message.incomplete !== true));
}

function flattenConnection(flat: Flat, path: string, connection: RecordedConnection): void {
  for (const [index, message] of connection.messages.entries()) {
    flattenMessage(flat, `${path}.messages.${index}`, message);
  }
  flat.set(`${path}.fate`, connection.fate);
  if (connection.rest !== undefined) {
    flat.set(`${path}.rest`, connection.rest);
  }
  for (const [name, value] of Object.entries(connection.tls ?? {})) {
    flat.set(`${path}.tls.${name}`, String(value));
  }
  if (connection.timeouts !== undefined) {
    flat.set(`${path}.timeouts`, connection.timeouts.join(', '));
  }
}

/** Every observation of `recording` under its path. Headers of one name are one observation, in order. */
export function flatten(recording: Recording): Flat {
  const flat: Flat = new Map();
  for (const [index, connection] of recording.downstream.entries()) {
    flattenConnection(flat, `downstream.${index}`, connection);
  }
  for (const [name, connections] of Object.entries(recording.upstream)) {
    for (const [index, connection] of connections.entries()) {
      flattenConnection(flat, `upstream.${name}.${index}`, connection);
    }
  }
  for (const [index, line] of recording.log.entries()) {
    if (typeof line === 'string') {
      flat.set(`log.${index}`, line);
      continue;
    }
    for (const [key, value] of Object.entries(line)) {
      flat.set(`log.${index}.${key}`, JSON.stringify(value));
    }
  }
  for (const [name, value] of Object.entries(recording.stats)) {
    flat.set(`stats.${name}`, String(value));
  }
  for (const [index, gauges] of (recording.gauges ?? []).entries()) {
    for (const [name, value] of Object.entries(gauges)) {
      flat.set(`gauges.${index}.${name}`, String(value));
    }
  }
  return flat;
}

/** All differences between the recordings, but those under the `unstable` globs. */
export function compareRecordings(reference: Recording, actual: Recording, unstable: readonly string[] = []): Difference[] {
  const left = flatten(reference);
  const right = flatten(actual);
  const ignored = unstable.map(glob);
  const differences: Difference[] = [];
  for (const path of [...new Set([...left.keys(), ...right.keys()])].sort()) {
    if (left.get(path) !== right.get(path) && !ignored.some((pattern) => pattern.test(path))) {
      differences.push({ path, reference: left.get(path), actual: right.get(path) });
    }
  }
  return differences;
}

interface WrittenDifference {
  readonly case: string | string[];
  readonly reason: string;
  readonly paths?: string[];
  readonly instead?: Record<string, string | number | null>;
}

/** Reads `differences.yaml`. */
export function readIntendedDifferences(path: string): IntendedDifference[] {
  const written = (parse(readFileSync(path, 'utf8')) ?? []) as WrittenDifference[];
  return written.map((one) => ({
    cases: Array.isArray(one.case) ? one.case : [one.case],
    reason: one.reason,
    paths: one.paths ?? ['*'],
    instead: Object.fromEntries(
      Object.entries(one.instead ?? {}).map(([key, value]) => [key, value === null ? undefined : String(value)]),
    ),
  }));
}

/**
 * The differences that are not meant, for the case called `name` (`group/case`): those that no entry of `intended`
 * covers, and those where an entry's `instead` was not observed.
 */
export function unintended(
  name: string,
  differences: readonly Difference[],
  actual: Recording,
  intended: readonly IntendedDifference[],
): Difference[] {
  const entries = intended.filter((entry) => entry.cases.some((pattern) => glob(pattern).test(name)));
  const allowed = entries.flatMap((entry) => entry.paths.map(glob));
  const left = differences.filter((one) => !allowed.some((pattern) => pattern.test(one.path)));
  const observed = flatten(actual);
  for (const entry of entries) {
    for (const [path, wanted] of Object.entries(entry.instead)) {
      if (observed.get(path) !== wanted) {
        left.push({ path, reference: `${wanted ?? '(none)'} (meant)`, actual: observed.get(path) });
      }
    }
  }
  return left;
}

/** One line per difference, for a person. */
export function describeDifferences(differences: readonly Difference[], referenceLabel = 'envoy', actualLabel = 'envoyts'): string {
  return differences
    .map((one) => `  ${one.path}\n    ${referenceLabel}: ${one.reference ?? '(none)'}\n    ${actualLabel}: ${one.actual ?? '(none)'}`)
    .join('\n');
}
