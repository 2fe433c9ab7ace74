/** A runtime layer on disk: a file per key, folders are the dots in it. Thread: main, or where configuration is read. */
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RuntimeValue } from '../../core/runtime/runtime_snapshot.ts';
import { systemErrorText } from '../system_error.ts';
import { parseAdminValue } from './admin_value.ts';
import { yamlProblem } from './yaml_problem.ts';

/** `disk_layer` of layered_runtime. */
export interface DiskLayerConfig {
  /** The symbolic link that is moved to bring another version. */
  readonly root: string;
  readonly subdirectory: string;
  readonly appendsServiceCluster: boolean;
}

/** A value, and the text it came from. */
export interface TextValue {
  readonly text: string;
  readonly value: RuntimeValue;
}

/** Envoy's limit. */
const DEPTH_MAX = 16;

/** `serviceCluster`: node.cluster. */
export function diskLayerPath({ root, subdirectory, appendsServiceCluster }: DiskLayerConfig, serviceCluster: string): string {
  return join(root, subdirectory, appendsServiceCluster ? serviceCluster : '');
}

/** Why a root cannot be watched, in Envoy's words; undefined: it can. */
export function whyNotWatchable({ root }: DiskLayerConfig): string | undefined {
  try {
    accessSync(dirname(root), constants.R_OK);
    return undefined;
  } catch (error) {
    return `unable to add filesystem watch for file ${root}: ${systemErrorText(error)}`;
  }
}

/** By key; undefined: there is no such folder. Throws for what cannot be read or is no YAML: then the whole layer counts for nothing. */
export function readDiskLayer(path: string): ReadonlyMap<string, TextValue> | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  const values = new Map<string, TextValue>();
  walk(path, '', 1, values);
  return values;
}

function walk(path: string, prefix: string, depth: number, values: Map<string, TextValue>): void {
  if (depth > DEPTH_MAX) throw new Error(`Walk recursion depth exceeded ${DEPTH_MAX}`);
  for (const name of readdirSync(path)) {
    const file = join(path, name);
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (statSync(file).isDirectory()) walk(file, key, depth + 1, values);
    else values.set(key, readValue(file));
  }
}

function readValue(file: string): TextValue {
  const text = withoutComments(readFileSync(file, 'utf8').trimEnd());
  const problem = yamlProblem(text);
  if (problem !== undefined) throw new Error(`${file}: ${problem}`);
  return { text, value: parseAdminValue(text) };
}

/** Lines that begin with '#' are left out, with their ends. */
function withoutComments(text: string): string {
  return text.replace(/^#[^\n]*(?:\n|$)/gm, '');
}
