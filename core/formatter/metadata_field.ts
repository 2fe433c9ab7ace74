import type { StreamInfo } from '../stream_info/stream_info.ts';
import { type Field, JsonKind, MISSING, writeText } from './field.ts';
import type { FormatContext } from './format_context.ts';

/** Whose metadata: namespaces to structs. */
export const MetadataSource = { dynamic: 0, cluster: 1, upstreamHost: 2, route: 3, virtualHost: 4, listener: 5, filterChain: 6 } as const;
export type MetadataSource = (typeof MetadataSource)[keyof typeof MetadataSource];

/** A value in metadata by namespace and path. Costs a look-up and, for structs, a JSON text: only formats that ask pay. */
export class MetadataField implements Field {
  readonly jsonKind = JsonKind.value;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly source: MetadataSource;
  private readonly namespace: string;
  private readonly path: readonly string[];
  /** In bytes, -1 = none. */
  private readonly maxLength: number;

  constructor(source: MetadataSource, namespace: string, path: readonly string[], maxLength: number) {
    this.maxLength = maxLength;
    this.source = source;
    this.namespace = namespace;
    this.path = path;
  }

  /** Strings as they are, everything else as JSON. */
  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const value = this.valueOf(context);
    if (value === undefined) return MISSING;
    return writeText(bytes, at, typeof value === 'object' || typeof value === 'number' ? jsonText(value) : String(value));
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    const value = this.valueOf(context);
    return value === undefined ? MISSING : writeText(bytes, at, jsonText(cut(value, this.maxLength)));
  }

  private valueOf(context: FormatContext): unknown {
    const info = context.info;
    let value: unknown = info === null ? undefined : namespaceOf(this.source, info, this.namespace);
    for (let i = 0; i < this.path.length && value !== undefined; i++) {
      value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[this.path[i]] : undefined;
    }
    return value === null ? undefined : value;
  }
}

function namespaceOf(source: MetadataSource, info: StreamInfo, namespace: string): unknown {
  switch (source) {
    case MetadataSource.dynamic: return info.dynamicMetadata?.get(namespace);
    case MetadataSource.cluster: return info.upstreamClusterMetadata?.[namespace];
    case MetadataSource.upstreamHost: return info.upstreamHost?.metadata?.[namespace];
    case MetadataSource.route: return info.route?.metadata?.[namespace];
    case MetadataSource.virtualHost: return info.route?.virtualHostMetadata?.[namespace];
    case MetadataSource.listener: return info.connection?.listenerMetadata?.[namespace];
    case MetadataSource.filterChain: return info.connection?.filterChainMetadata?.[namespace];
  }
}

/** %FILTER_STATE(key:how)%: PLAIN prints strings as they are, TYPED as JSON, FIELD one field of an object. */
export class FilterStateField implements Field {
  readonly jsonKind = JsonKind.value;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly key: string;
  private readonly isPlain: boolean;
  /** '' = the whole object. */
  private readonly field: string;
  private readonly maxLength: number;

  constructor(key: string, isPlain: boolean, field: string, maxLength: number) {
    this.maxLength = maxLength;
    this.key = key;
    this.isPlain = isPlain;
    this.field = field;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const value = this.valueOf(context);
    if (value === undefined) return MISSING;
    return writeText(bytes, at, typeof value === 'string' && this.isPlain ? value : jsonText(value));
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    const value = this.valueOf(context);
    if (value === undefined) return MISSING;
    if (!this.isPlain) return writeText(bytes, at, jsonText(value));
    const plain = typeof value === 'object' ? jsonText(value) : String(value);
    return writeText(bytes, at, jsonText(cut(plain, this.maxLength)));
  }

  private valueOf(context: FormatContext): unknown {
    const value = context.info?.filterState?.get(this.key);
    if (this.field === '' || value === undefined) return value;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[this.field] : undefined;
  }
}

/** A scalar cut to a length becomes text; structs and lists are not cut (they would be no JSON). */
export function cut(value: unknown, maxLength: number): unknown {
  if (maxLength < 0 || (typeof value !== 'string' && typeof value !== 'number')) return value;
  return Buffer.from(String(value)).subarray(0, maxLength).toString();
}

/** Compact JSON with sorted keys, so that equal values print equally. */
export function jsonText(value: unknown): string {
  if (typeof value === 'number') return numberText(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const record = value as Record<string, unknown>;
  const members = Object.keys(record).sort().map((key) => `${JSON.stringify(key)}:${jsonText(record[key])}`);
  return `{${members.join(',')}}`;
}

/** The shortest digits that give the number back, plain or with an exponent of two digits, whichever is shorter. */
function numberText(value: number): string {
  const scientific = value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  const plain = Number.isInteger(value) ? BigInt(value).toString() : String(value);
  return plain.length <= scientific.length && !plain.includes('e') ? plain : scientific;
}
