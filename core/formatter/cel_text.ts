/** Values of CEL expressions as text (%CEL%) and as JSON (%TYPED_CEL%), as Envoy 1.37 prints them. */
import type { CelValue } from '@bufbuild/cel';
import { celLibrary } from './cel_library.ts';

interface SecondsAndNanos {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** A protobuf message within the evaluator. */
interface ReflectedMessage {
  readonly message: { readonly $typeName: string } & SecondsAndNanos;
}

/** The value as text. */
export function celText(value: CelValue): string {
  const { cel } = celLibrary();
  if (value === null) return 'NULL';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return sixDigits(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (cel.isCelUint(value)) return String(value.value);
  if (cel.isCelMap(value)) return 'CelMap value';
  if (cel.isCelList(value)) return 'CelList value';
  if (cel.isCelType(value)) return 'CelType value';
  const { message } = value as unknown as ReflectedMessage;
  if (message.$typeName === 'google.protobuf.Duration') return durationText(message);
  if (message.$typeName === 'google.protobuf.Timestamp') return `${timeText(message, fractionText(message.nanos))}+00:00`;
  return message.$typeName;
}

/** The value as data for JSON; undefined = it has none. */
export function celJson(value: CelValue): unknown {
  const { cel } = celLibrary();
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (cel.isCelUint(value)) return Number(value.value);
  if (cel.isCelList(value)) return Array.from(value, celJson);
  if (cel.isCelMap(value)) return mapJson(value);
  if (cel.isCelType(value)) return undefined;
  const { message } = value as unknown as ReflectedMessage;
  if (message.$typeName === 'google.protobuf.Duration') return durationJson(message);
  if (message.$typeName === 'google.protobuf.Timestamp') return `${timeText(message, thirds(message.nanos))}Z`;
  return undefined;
}

function mapJson(map: ReadonlyMap<unknown, CelValue>): unknown {
  const members: Record<string, unknown> = {};
  for (const [key, value] of map) members[String(key)] = celJson(value);
  return members;
}

/** As C's %g: six digits, an exponent of at least two. */
function sixDigits(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const exponent = Number(value.toExponential(5).split('e')[1]);
  if (exponent >= -4 && exponent < 6) return trimZeros(value.toFixed(5 - exponent));
  const [digits, power] = value.toExponential(5).split('e');
  const sign = power.startsWith('-') ? '-' : '+';
  return `${trimZeros(digits)}e${sign}${power.replace(/^[+-]/, '').padStart(2, '0')}`;
}

function trimZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}

/** `1h2m3.5s`, below a second in the largest unit that makes it more than one. */
function durationText({ seconds, nanos }: SecondsAndNanos): string {
  let rest = seconds * 1_000_000_000n + BigInt(nanos);
  if (rest === 0n) return '0';
  const sign = rest < 0n ? '-' : '';
  if (rest < 0n) rest = -rest;
  if (rest < 1_000n) return `${sign}${rest}ns`;
  if (rest < 1_000_000n) return `${sign}${decimal(rest, 1_000n)}us`;
  if (rest < 1_000_000_000n) return `${sign}${decimal(rest, 1_000_000n)}ms`;
  const hours = rest / 3_600_000_000_000n;
  const minutes = (rest / 60_000_000_000n) % 60n;
  const left = rest % 60_000_000_000n;
  return `${sign}${hours > 0n ? `${hours}h` : ''}${minutes > 0n ? `${minutes}m` : ''}${left > 0n ? `${decimal(left, 1_000_000_000n)}s` : ''}`;
}

function decimal(value: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  return trimZeros(`${value / unit}.${String(value % unit).padStart(digits, '0')}`);
}

function durationJson({ seconds, nanos }: SecondsAndNanos): string {
  const sign = seconds < 0n || nanos < 0 ? '-' : '';
  return `${sign}${seconds < 0n ? -seconds : seconds}${thirds(Math.abs(nanos))}s`;
}

function timeText({ seconds }: SecondsAndNanos, fraction: string): string {
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction}`;
}

/** `.5`, or nothing. */
function fractionText(nanos: number): string {
  return nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
}

/** In three, six or nine digits, or nothing. */
function thirds(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  return `.${digits.endsWith('000000') ? digits.slice(0, 3) : digits.endsWith('000') ? digits.slice(0, 6) : digits}`;
}
