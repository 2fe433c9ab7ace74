import type { DescEnum } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import ipaddr from 'ipaddr.js';
import type { BytesRules, DurationRules, EnumRules, FieldRules, StringRules } from './gen/validate/validate_pb.d.ts';

/**
 * One value against the scalar part of its rules. Returns what is wrong in protoc-gen-validate's terms, or undefined.
 * `declared` is the field's enum, for `defined_only`.
 */
export function checkValue(rules: FieldRules, value: unknown, declared: DescEnum | undefined): string | undefined {
  const type = rules.type;
  switch (type.case) {
    case undefined:
    case 'repeated':
    case 'map':
    case 'any':
    case 'timestamp':
      return undefined;
    case 'string':
      return checkString(type.value, String(value));
    case 'bytes':
      return checkBytes(type.value, value as Uint8Array);
    case 'enum':
      return checkEnum(type.value, value as number, declared);
    case 'bool':
      return Object.hasOwn(type.value, 'const') && value !== type.value.const ? `value must equal ${type.value.const}` : undefined;
    case 'duration':
      return checkDuration(type.value, value as Duration);
    default:
      return checkNumber(type.value as unknown as NumberRules<number | bigint>, value as number | bigint);
  }
}

/** True for undefined and null. */
export function isUnset(value: unknown): boolean {
  return value === undefined || value === null;
}

/** The shape that all rules with an order share. */
interface NumberRules<T> {
  const: T;
  lt: T;
  lte: T;
  gt: T;
  gte: T;
  in: T[];
  notIn: T[];
  ignoreEmpty?: boolean;
}

/** Only the bounds that are set. */
interface Bounds<T> {
  readonly lt?: T;
  readonly lte?: T;
  readonly gt?: T;
  readonly gte?: T;
}

function checkNumber(rules: NumberRules<number | bigint>, value: number | bigint): string | undefined {
  if (rules.ignoreEmpty === true && (value === 0 || value === 0n)) return undefined;
  if (Object.hasOwn(rules, 'const') && value !== rules.const) return `value must equal ${rules.const}`;
  const range = checkBounds(ownBounds(rules), value, String);
  if (range !== undefined) return range;
  return checkLists(rules.in, rules.notIn, value, String);
}

function ownBounds<T>(rules: NumberRules<T>): Bounds<T> {
  const bounds: { lt?: T; lte?: T; gt?: T; gte?: T } = {};
  for (const key of ['lt', 'lte', 'gt', 'gte'] as const) if (Object.hasOwn(rules, key)) bounds[key] = rules[key];
  return bounds;
}

function checkBounds<T extends number | bigint>(bounds: Bounds<T>, value: T, show: (bound: T) => string): string | undefined {
  const low = bounds.gt ?? bounds.gte;
  const high = bounds.lt ?? bounds.lte;
  const isAbove = bounds.gt !== undefined ? value > bounds.gt : bounds.gte === undefined || value >= bounds.gte;
  const isBelow = bounds.lt !== undefined ? value < bounds.lt : bounds.lte === undefined || value <= bounds.lte;
  if (low !== undefined && high !== undefined) {
    const text = `${bounds.gt !== undefined ? '(' : '['}${show(low)}, ${show(high)}${bounds.lt !== undefined ? ')' : ']'}`;
    // Bounds that are the wrong way round mean "outside of".
    if (high < low) return isAbove || isBelow ? undefined : `value must be outside range ${text}`;
    return isAbove && isBelow ? undefined : `value must be inside range ${text}`;
  }
  // NaN fails every bound.
  if (low !== undefined && !isAbove) return `value must be greater than ${bounds.gt !== undefined ? '' : 'or equal to '}${show(low)}`;
  if (high !== undefined && !isBelow) return `value must be less than ${bounds.lt !== undefined ? '' : 'or equal to '}${show(high)}`;
  return undefined;
}

function checkLists<T>(allowed: readonly T[], forbidden: readonly T[], value: T, show: (item: T) => string): string | undefined {
  if (allowed.length > 0 && !allowed.includes(value)) return `value must be in list [${allowed.map(show).join(', ')}]`;
  if (forbidden.includes(value)) return `value must not be in list [${forbidden.map(show).join(', ')}]`;
  return undefined;
}

function checkEnum(rules: EnumRules, value: number, declared: DescEnum | undefined): string | undefined {
  if (Object.hasOwn(rules, 'const') && value !== rules.const) return `value must equal ${rules.const}`;
  if (rules.definedOnly && declared !== undefined && declared.value[value] === undefined) return 'value must be one of the defined enum values';
  return checkLists(rules.in, rules.notIn, value, (item) => declared?.value[item]?.name ?? String(item));
}

function nanoseconds(duration: Duration): bigint {
  return BigInt(duration.seconds) * 1_000_000_000n + BigInt(duration.nanos);
}

function showNanoseconds(value: bigint): string {
  return `${Number(value) / 1e9}s`;
}

function checkDuration(rules: DurationRules, value: Duration): string | undefined {
  const exact = nanoseconds(value);
  const bounds: { lt?: bigint; lte?: bigint; gt?: bigint; gte?: bigint } = {};
  for (const key of ['lt', 'lte', 'gt', 'gte'] as const) {
    const bound = rules[key];
    if (bound !== undefined) bounds[key] = nanoseconds(bound);
  }
  if (rules.const !== undefined && nanoseconds(rules.const) !== exact) return `value must equal ${showNanoseconds(nanoseconds(rules.const))}`;
  const range = checkBounds(bounds, exact, showNanoseconds);
  if (range !== undefined) return range;
  return checkLists(rules.in.map(nanoseconds), rules.notIn.map(nanoseconds), exact, showNanoseconds);
}

function checkString(rules: StringRules, value: string): string | undefined {
  if (rules.ignoreEmpty && value === '') return undefined;
  const has = (key: keyof StringRules): boolean => Object.hasOwn(rules, key);
  if (has('const') && value !== rules.const) return `value must equal "${rules.const}"`;
  const length = checkLengths(rules, value, has);
  if (length !== undefined) return length;
  if (has('pattern') && !new RegExp(rules.pattern, 'u').test(value)) return `value does not match regex pattern "${rules.pattern}"`;
  if (has('prefix') && !value.startsWith(rules.prefix)) return `value does not have prefix "${rules.prefix}"`;
  if (has('suffix') && !value.endsWith(rules.suffix)) return `value does not have suffix "${rules.suffix}"`;
  if (has('contains') && !value.includes(rules.contains)) return `value does not contain substring "${rules.contains}"`;
  if (has('notContains') && value.includes(rules.notContains)) return `value contains substring "${rules.notContains}"`;
  const list = checkLists(rules.in, rules.notIn, value, (item) => `"${item}"`);
  if (list !== undefined) return list;
  return checkWellKnown(rules, value);
}

function checkLengths(rules: StringRules, value: string, has: (key: keyof StringRules) => boolean): string | undefined {
  // Code points, as protoc-gen-validate counts.
  let characters = 0n;
  for (const _ of value) characters++;
  const bytes = BigInt(Buffer.byteLength(value));
  if (has('len') && characters !== rules.len) return `value length must be ${rules.len} characters`;
  if (has('minLen') && characters < rules.minLen) return `value length must be at least ${rules.minLen} characters`;
  if (has('maxLen') && characters > rules.maxLen) return `value length must be at most ${rules.maxLen} characters`;
  if (has('lenBytes') && bytes !== rules.lenBytes) return `value length must be ${rules.lenBytes} bytes`;
  if (has('minBytes') && bytes < rules.minBytes) return `value length must be at least ${rules.minBytes} bytes`;
  if (has('maxBytes') && bytes > rules.maxBytes) return `value length must be at most ${rules.maxBytes} bytes`;
  return undefined;
}

function isIPv4(value: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(value);
}

function isIPv6(value: string): boolean {
  return ipaddr.IPv6.isValid(value);
}

const HOSTNAME = /^(?=.{1,253}\.?$)(?!.*[.](?:\d+)\.?$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/;
const UUID = /^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/;
const HEADER_NAME_STRICT = /^:?[0-9a-zA-Z!#$%&'*+,\-.^_|~`]+$/;

function checkWellKnown(rules: StringRules, value: string): string | undefined {
  const wellKnown = rules.wellKnown;
  switch (wellKnown.case) {
    case undefined:
      return undefined;
    case 'wellKnownRegex':
      return checkHeaderText(wellKnown.value, rules.strict, value);
    case 'ip':
      return isIPv4(value) || isIPv6(value) ? undefined : 'value must be a valid IP address';
    case 'ipv4':
      return isIPv4(value) ? undefined : 'value must be a valid IPv4 address';
    case 'ipv6':
      return isIPv6(value) ? undefined : 'value must be a valid IPv6 address';
    case 'hostname':
      return HOSTNAME.test(value) ? undefined : 'value must be a valid hostname';
    case 'address':
      return HOSTNAME.test(value) || isIPv4(value) || isIPv6(value) ? undefined : 'value must be a valid hostname, or ip address';
    case 'email':
      return /^[^@\s]+@[^@\s]+$/.test(value) ? undefined : 'value must be a valid email address';
    case 'uuid':
      return UUID.test(value) ? undefined : 'value must be a valid UUID';
    case 'uri':
      return URL.canParse(value) ? undefined : 'value must be a valid absolute URI';
    case 'uriRef':
      return URL.canParse(value, 'http://a/') ? undefined : 'value must be a valid URI';
  }
}

/** 1 is HTTP_HEADER_NAME, 2 HTTP_HEADER_VALUE. Not strict: only NUL, CR and LF are refused. */
function checkHeaderText(kind: number, isStrict: boolean, value: string): string | undefined {
  if (kind === 0) return undefined;
  const isName = kind === 1;
  const hasBreak = value.includes('\0') || value.includes('\r') || value.includes('\n');
  let isValid = !hasBreak;
  if (isStrict && isValid) isValid = isName ? HEADER_NAME_STRICT.test(value) : !hasControl(value);
  if (isValid) return undefined;
  return isName ? 'value must be a valid HTTP header name' : 'value must be a valid HTTP header value';
}

function hasControl(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true;
  }
  return false;
}

function checkBytes(rules: BytesRules, value: Uint8Array): string | undefined {
  if (rules.ignoreEmpty && value.length === 0) return undefined;
  const has = (key: keyof BytesRules): boolean => Object.hasOwn(rules, key);
  const length = BigInt(value.length);
  if (has('len') && length !== rules.len) return `value length must be ${rules.len} bytes`;
  if (has('minLen') && length < rules.minLen) return `value length must be at least ${rules.minLen} bytes`;
  if (has('maxLen') && length > rules.maxLen) return `value length must be at most ${rules.maxLen} bytes`;
  const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const text = latin(value);
  if (has('const') && text !== latin(rules.const)) return 'value must equal the constant';
  if (has('pattern') && !new RegExp(rules.pattern).test(text)) return `value does not match regex pattern "${rules.pattern}"`;
  if (has('prefix') && !text.startsWith(latin(rules.prefix))) return 'value does not have the required prefix';
  if (has('suffix') && !text.endsWith(latin(rules.suffix))) return 'value does not have the required suffix';
  if (has('contains') && !text.includes(latin(rules.contains))) return 'value does not contain the required bytes';
  return checkLists(rules.in.map(latin), rules.notIn.map(latin), text, (item) => JSON.stringify(item));
}
