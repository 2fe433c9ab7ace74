/**
 * The golden files: what the reference proxy did, one JSON file per case group. What most log lines of a group have in
 * common stands once, in `log_defaults`; a line then holds only what is different (null: the value was absent).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogValue, RecordedLogLine, Recording } from './recording.ts';

type LogObject = Record<string, LogValue>;

/** A recording as it is written. */
interface PackedRecording extends Omit<Recording, 'stats'> {
  readonly stats: PackedStats;
}

interface GoldenFile {
  readonly recorded_with: string;
  readonly log_defaults: LogObject;
  /** By family of prefixes: what a prefix has unless a case says otherwise (0: not). */
  readonly stats_defaults: PackedStats;
  readonly cases: Record<string, PackedRecording>;
}

function isObject(line: RecordedLogLine): line is Readonly<LogObject> {
  return typeof line !== 'string';
}

/** The members that more than half of `lines` have with the same value. */
function mostCommon(lines: readonly Readonly<LogObject>[]): LogObject {
  const counts = new Map<string, Map<string, number>>();
  for (const line of lines) {
    for (const [key, value] of Object.entries(line)) {
      const values = counts.get(key) ?? new Map<string, number>();
      const text = JSON.stringify(value);
      values.set(text, (values.get(text) ?? 0) + 1);
      counts.set(key, values);
    }
  }
  const common: LogObject = {};
  for (const [key, values] of [...counts].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const [text, count] = [...values].sort((one, other) => other[1] - one[1])[0] ?? ['null', 0];
    if (count * 2 > lines.length) {
      common[key] = JSON.parse(text) as LogValue;
    }
  }
  return common;
}

function packLine(line: RecordedLogLine, defaults: LogObject): RecordedLogLine {
  if (!isObject(line)) {
    return line;
  }
  const packed: LogObject = {};
  for (const key of new Set([...Object.keys(defaults), ...Object.keys(line)])) {
    if (line[key] !== defaults[key]) {
      packed[key] = line[key] ?? null;
    }
  }
  return packed;
}

function unpackLine(line: RecordedLogLine, defaults: LogObject): RecordedLogLine {
  if (!isObject(line)) {
    return line;
  }
  return Object.fromEntries(Object.entries({ ...defaults, ...line }).filter(([, value]) => value !== null));
}

/** Line length that the files keep to where they can. */
const COLUMNS = 120;

/** Joins `items` into lines of at most COLUMNS, each beginning with `indent`. */
function fill(items: readonly string[], indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const item of items) {
    if (line !== '' && indent.length + line.length + item.length + 2 > COLUMNS) {
      lines.push(`${indent}${line},`);
      line = '';
    }
    line += line === '' ? item : `, ${item}`;
  }
  return [...lines, indent + line].join('\n');
}

/** JSON in which short values share lines and long ones have lines of their own. */
function layOut(value: unknown, indent = ''): string {
  const flat = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || flat.length + indent.length < COLUMNS) {
    return flat;
  }
  const inner = `${indent} `;
  const isScalars = Object.values(value).every((item) => typeof item !== 'object' || item === null);
  const members = Array.isArray(value)
    ? value.map((item) => layOut(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${layOut(item, inner)}`);
  const text = isScalars && !Array.isArray(value) ? fill(members, inner) : members.map((member) => inner + member).join(',\n');
  return Array.isArray(value) ? `[\n${text}\n${indent}]` : `{\n${text}\n${indent}}`;
}

/** Stats by the first two parts of their names: `http.main` → rest → change, where it is not the usual one. */
type PackedStats = Record<string, Record<string, number>>;

/** `http` of `http.main`: prefixes of one family have the usual changes in common. */
function familyOf(prefix: string): string {
  return prefix.slice(0, prefix.indexOf('.'));
}

function groupStats(stats: Readonly<Record<string, number>>): PackedStats {
  const grouped: PackedStats = {};
  for (const [name, value] of Object.entries(stats)) {
    const end = name.indexOf('.', name.indexOf('.') + 1);
    const prefix = name.slice(0, end);
    const group = grouped[prefix] ?? {};
    group[name.slice(end + 1)] = value;
    grouped[prefix] = group;
  }
  return grouped;
}

function commonStats(all: readonly PackedStats[]): PackedStats {
  const families = new Map<string, Record<string, number>[]>();
  for (const [prefix, group] of all.flatMap((grouped) => Object.entries(grouped))) {
    const members = families.get(familyOf(prefix)) ?? [];
    members.push(group);
    families.set(familyOf(prefix), members);
  }
  return Object.fromEntries([...families].map(([family, groups]) => [family, mostCommon(groups) as Record<string, number>]));
}

function packStats(grouped: PackedStats, common: PackedStats): PackedStats {
  return Object.fromEntries(
    Object.entries(grouped).map(([prefix, group]) => {
      const usual = common[familyOf(prefix)] ?? {};
      const names = new Set([...Object.keys(usual), ...Object.keys(group)]);
      return [prefix, Object.fromEntries([...names].filter((name) => usual[name] !== group[name]).map((name) => [name, group[name] ?? 0]))];
    }),
  );
}

function unpackStats(packed: PackedStats, common: PackedStats): Record<string, number> {
  const stats: Record<string, number> = {};
  for (const [prefix, group] of Object.entries(packed)) {
    for (const [name, value] of Object.entries({ ...common[familyOf(prefix)], ...group })) {
      if (value !== 0) {
        stats[`${prefix}.${name}`] = value;
      }
    }
  }
  return stats;
}

function goldenPath(directory: string, group: string): string {
  return join(directory, `${group}.json`);
}

/** The recordings of `group` by case name; empty when nothing has been recorded. */
export function readGolden(directory: string, group: string): Map<string, Recording> {
  const path = goldenPath(directory, group);
  if (!existsSync(path)) {
    return new Map();
  }
  const file = JSON.parse(readFileSync(path, 'utf8')) as GoldenFile;
  return new Map(
    Object.entries(file.cases).map(([name, recording]) => [
      name,
      {
        ...recording,
        log: recording.log.map((line) => unpackLine(line, file.log_defaults)),
        stats: unpackStats(recording.stats, file.stats_defaults),
      },
    ]),
  );
}

/** Writes the recordings of `group`, in the order of `names`; recordings of cases that are gone are dropped. */
export function writeGolden(
  directory: string,
  group: string,
  names: readonly string[],
  recordings: ReadonlyMap<string, Recording>,
  version: string,
): void {
  const kept = names.flatMap((name): [string, Recording][] => {
    const recording = recordings.get(name);
    return recording === undefined ? [] : [[name, recording]];
  });
  const lines = kept.flatMap(([, recording]) => recording.log.filter(isObject));
  const defaults = mostCommon(lines);
  const common = commonStats(kept.map(([, recording]) => groupStats(recording.stats)));
  const file: GoldenFile = {
    recorded_with: version,
    log_defaults: defaults,
    stats_defaults: common,
    cases: Object.fromEntries(
      kept.map(([name, recording]) => [
        name,
        {
          ...recording,
          log: recording.log.map((line) => packLine(line, defaults)),
          stats: packStats(groupStats(recording.stats), common),
        },
      ]),
    ),
  };
  writeFileSync(goldenPath(directory, group), `${layOut(file)}\n`);
}
