import { type DescEnum, ScalarType } from '@bufbuild/protobuf';
import type { ConfigNode } from './config_node.ts';
import { describeNode } from './config_node.ts';
import { nearestName } from './nearest_name.ts';

/** Why a value does not fit its field: text in Envoy's manner, and what to write instead. */
export class Misfit {
  readonly text: string;
  readonly hints: readonly string[];
  /** An unknown enum value counts as an unknown field: a warning where those are allowed. */
  readonly isUnknownEnum: boolean;

  constructor(text: string, hints: readonly string[], isUnknownEnum = false) {
    this.text = text;
    this.hints = hints;
    this.isUnknownEnum = isUnknownEnum;
  }
}

const RANGES = new Map<ScalarType, readonly [bigint, bigint, string]>();
for (const type of [ScalarType.INT32, ScalarType.SINT32, ScalarType.SFIXED32]) RANGES.set(type, [-(2n ** 31n), 2n ** 31n - 1n, '32-bit integer']);
for (const type of [ScalarType.UINT32, ScalarType.FIXED32]) RANGES.set(type, [0n, 2n ** 32n - 1n, 'non-negative 32-bit integer']);
for (const type of [ScalarType.INT64, ScalarType.SINT64, ScalarType.SFIXED64]) RANGES.set(type, [-(2n ** 63n), 2n ** 63n - 1n, '64-bit integer']);
for (const type of [ScalarType.UINT64, ScalarType.FIXED64]) RANGES.set(type, [0n, 2n ** 64n - 1n, 'non-negative 64-bit integer']);
const WIDE = new Set<ScalarType>([ScalarType.INT64, ScalarType.SINT64, ScalarType.SFIXED64, ScalarType.UINT64, ScalarType.FIXED64]);

/** A node as a scalar in protobuf-es' representation, with the leniencies of Envoy's JSON parser. */
export function convertScalar(type: ScalarType, node: ConfigNode): unknown {
  if (type === ScalarType.STRING) return convertString(node);
  if (type === ScalarType.BOOL) return convertBool(node);
  if (type === ScalarType.BYTES) return convertBytes(node);
  if (type === ScalarType.DOUBLE || type === ScalarType.FLOAT) return convertFloat(node, type === ScalarType.FLOAT);
  return convertInteger(type, node);
}

/** The value of a scalar field that is `null` inside a list. */
export function zeroScalar(type: ScalarType): unknown {
  if (type === ScalarType.STRING) return '';
  if (type === ScalarType.BOOL) return false;
  if (type === ScalarType.BYTES) return new Uint8Array(0);
  return WIDE.has(type) ? 0n : 0;
}

function convertString(node: ConfigNode): string | Misfit {
  if (node.kind === 'string') {
    return node.text.isWellFormed() ? node.text : new Misfit('the string is not valid Unicode', []);
  }
  const hints: string[] = [];
  if (node.kind === 'bool' || node.kind === 'number') {
    const spelled = node.range.source.text.slice(node.range.start, node.range.end);
    const what = node.kind === 'bool' ? 'boolean' : 'number';
    hints.push(`without quotes this is a ${what}: write "${spelled}" with the quotes`);
  }
  return new Misfit(`expected a string, found ${describeNode(node)}`, hints);
}

const TRUE_WORDS = new Set(['true', 't', 'yes', 'y', '1']);
const FALSE_WORDS = new Set(['false', 'f', 'no', 'n', '0']);

function convertBool(node: ConfigNode): boolean | Misfit {
  if (node.kind === 'bool') return node.value;
  if (node.kind === 'string') {
    const word = node.text.toLowerCase();
    if (TRUE_WORDS.has(word)) return true;
    if (FALSE_WORDS.has(word)) return false;
  }
  return new Misfit(`expected true or false, found ${describeNode(node)}`, []);
}

function convertInteger(type: ScalarType, node: ConfigNode): number | bigint | Misfit {
  const [min, max, name] = RANGES.get(type) ?? [0n, 0n, 'integer'];
  if (node.kind !== 'number' && node.kind !== 'string') return new Misfit(`expected a ${name}, found ${describeNode(node)}`, []);
  const value = exactInteger(node.text);
  if (value === undefined) {
    const fractional = Number.isFinite(Number(node.text)) && node.text.trim() !== '';
    return new Misfit(`expected a ${name}, found ${describeNode(node)}`, fractional ? ['the number must not have a fraction'] : []);
  }
  if (value < min || value > max) return new Misfit(`integer out of range: ${node.text}`, [`expected a ${name} between ${min} and ${max}`]);
  return WIDE.has(type) ? value : Number(value);
}

/** Decimal or hexadecimal digits, or a floating point number without a fraction. */
function exactInteger(text: string): bigint | undefined {
  const plain = /^([+-]?)(\d+|0[xX][0-9a-fA-F]+)$/.exec(text);
  if (plain !== null) {
    if (text.length > 80) return undefined;
    return plain[1] === '-' ? -BigInt(plain[2]) : BigInt(plain[2]);
  }
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) || (Number.isInteger(value) && Math.abs(value) < 2 ** 64) ? BigInt(value) : undefined;
}

const SPECIAL_FLOATS = new Map([
  ['NaN', Number.NaN],
  ['nan', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
]);

function convertFloat(node: ConfigNode, isSingle: boolean): number | Misfit {
  if (node.kind === 'number' || node.kind === 'string') {
    const special = node.kind === 'string' ? SPECIAL_FLOATS.get(node.text) : undefined;
    if (special !== undefined) return special;
    if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(node.text)) {
      const value = Number(node.text);
      if (Number.isFinite(value) && (!isSingle || Math.abs(value) <= 3.4028234663852886e38)) return value;
      return new Misfit(`number out of range: ${node.text}`, []);
    }
  }
  return new Misfit(`expected a number, found ${describeNode(node)}`, []);
}

function convertBytes(node: ConfigNode): Uint8Array | Misfit {
  if (node.kind !== 'string') return new Misfit(`expected base64 text, found ${describeNode(node)}`, []);
  const text = node.text.replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/_-]*$/.test(text) || text.length % 4 === 1) return new Misfit('corrupt base64', ['bytes are written as base64']);
  return new Uint8Array(Buffer.from(text.replaceAll('-', '+').replaceAll('_', '/'), 'base64'));
}

/** An enum by name in any case, or by number (also quoted). */
export function convertEnum(desc: DescEnum, node: ConfigNode): number | Misfit {
  if (node.kind === 'number' || node.kind === 'string') {
    if (node.kind === 'string') {
      const wanted = node.text.toUpperCase();
      for (const value of desc.values) if (value.name.toUpperCase() === wanted) return value.number;
    }
    if (/^-?\d{1,10}$/.test(node.text)) {
      const number = Number(node.text);
      if (number >= -(2 ** 31) && number < 2 ** 31) return number;
    }
    const names = desc.values.map((value) => value.name);
    const nearest = nearestName(node.text, names);
    const hints = nearest === undefined ? [] : [`did you mean '${nearest}'?`];
    return new Misfit(`unknown enum value: '${node.text}'`, [...hints, `values of ${desc.name}: ${listNames(names)}`], true);
  }
  return new Misfit(`expected a value of enum ${desc.name}, found ${describeNode(node)}`, [`values: ${listNames(desc.values.map((value) => value.name))}`]);
}

/** Names for a message, cut where the list gets long. */
export function listNames(names: readonly string[]): string {
  return names.length > 24 ? `${names.slice(0, 24).join(', ')} and ${names.length - 24} more` : names.join(', ');
}

/** Seconds and nanoseconds of a duration text such as `0.25s`. */
export function parseDuration(text: string): { seconds: bigint; nanos: number } | Misfit {
  const match = /^(-?)(\d{1,18})(?:\.(\d{1,9}))?s$/.exec(text);
  if (match === null) {
    const number = /^-?\d+(\.\d+)?$/.test(text);
    const wrongUnit = /^(\d+(?:\.\d+)?) ?(ms|us|m|h|min|sec)$/.exec(text);
    const hints = number ? [`write "${text}s"`] : wrongUnit !== null ? [`write seconds: "${inSeconds(Number(wrongUnit[1]), wrongUnit[2])}s"`] : [];
    return new Misfit(`"${text}" is not a duration`, [...hints, 'a duration is a number of seconds followed by "s", such as "5s" or "0.25s"']);
  }
  const sign = match[1] === '-' ? -1 : 1;
  const seconds = BigInt(match[2]);
  if (seconds > 315576000000n) return new Misfit('duration out of range', ['at most 315576000000s']);
  const nanos = Number((match[3] ?? '').padEnd(9, '0'));
  return { seconds: sign < 0 ? -seconds : seconds, nanos: nanos === 0 ? 0 : sign * nanos };
}

function inSeconds(amount: number, unit: string): number {
  const factors: Record<string, number> = { us: 1e-6, ms: 1e-3, sec: 1, m: 60, min: 60, h: 3600 };
  return Number((amount * (factors[unit] ?? 1)).toFixed(9));
}
