/**
 * Header mutations (request_headers_to_add and its relatives), compiled: static values are bytes made once, so that adding a
 * constant header allocates nothing; others go through a formatter given by the caller (formatting lies above headers).
 *
 * Order within a level, as Envoy's: removals; then all values are evaluated; then overwrites; then additions. So a format that
 * reads a header which the same level overwrites sees the old value.
 */
import type { HeaderMap } from './header_map.ts';
import { FIRST_REGULAR_ID, type HeaderNames } from './header_names.ts';

export interface HeaderAddConfig {
  readonly name: string;
  /** Substitution format string. */
  readonly value: string;
  readonly action: 'append_if_exists_or_add' | 'add_if_absent' | 'overwrite_if_exists_or_add' | 'overwrite_if_exists';
  readonly keepEmptyValue: boolean;
}

/** Header mutations of one level; values are substitution format strings. */
export interface HeaderMutationsConfig {
  readonly add: readonly HeaderAddConfig[];
  /** Lower case. */
  readonly remove: readonly string[];
}

export const NO_HEADER_MUTATIONS: HeaderMutationsConfig = Object.freeze({ add: Object.freeze([]), remove: Object.freeze([]) });

/** Makes a value from what a stream knows; '' when there is none. Returns Latin-1 characters. */
export interface ValueFormatter<Context> {
  formatToString(context: Context): string;
}

/** Compiles a substitution format string that is not constant. Config time; throws on a bad format (checked where it was read). */
export type CompileValue<Context> = (format: string) => ValueFormatter<Context>;

const Action = { append: 0, addIfAbsent: 1, overwrite: 2, overwriteIfExists: 3 } as const;

const ACTIONS = {
  append_if_exists_or_add: Action.append,
  add_if_absent: Action.addIfAbsent,
  overwrite_if_exists_or_add: Action.overwrite,
  overwrite_if_exists: Action.overwriteIfExists,
} as const;

/** What a compiled addition will do this time. */
const Decision = { skip: 0, add: 1, replace: 2, join: 3 } as const;

class CompiledAdd<Context> {
  readonly nameId: number;
  readonly action: number;
  readonly keepEmptyValue: boolean;
  /** The constant value; unused with a formatter. */
  readonly bytes: Uint8Array;
  readonly formatter: ValueFormatter<Context> | null;
  readonly joinsValues: boolean;
  /** Between evaluation and application, within one call. */
  decision: number;
  text: string;

  constructor(config: HeaderAddConfig, names: HeaderNames, compileValue: CompileValue<Context>) {
    const constant = constantValue(config.value);
    this.nameId = names.intern(config.name);
    this.action = ACTIONS[config.action];
    this.keepEmptyValue = config.keepEmptyValue;
    this.bytes = constant === null ? EMPTY : new Uint8Array(Buffer.from(constant));
    this.formatter = constant === null ? compileValue(config.value) : null;
    this.joinsValues = isJoinedHeader(config.name.toLowerCase());
    this.decision = Decision.skip;
    this.text = '';
  }

  evaluate(headers: HeaderMap, context: Context): void {
    let isEmpty: boolean;
    if (this.formatter === null) isEmpty = this.bytes.length === 0;
    else {
      this.text = this.formatter.formatToString(context);
      isEmpty = this.text.length === 0;
    }
    this.decision = isEmpty && !this.keepEmptyValue ? Decision.skip : this.decide(headers.has(this.nameId));
  }

  apply(headers: HeaderMap): void {
    const nameId = this.nameId;
    if (this.formatter !== null) {
      this.applyText(headers);
      return;
    }
    const bytes = this.bytes;
    const length = bytes.length;
    if (this.decision === Decision.join && headers.has(nameId)) {
      joinBytes(headers, nameId, bytes);
      return;
    }
    // A replaced header moves to the end.
    if (this.decision === Decision.replace) headers.remove(nameId);
    const at = headers.beginValue(nameId, length);
    // After beginValue: it may replace `headers.bytes`.
    const target = headers.bytes;
    for (let i = 0; i < length; i++) target[at + i] = bytes[i];
    headers.endAddedValue(nameId, length);
  }

  private applyText(headers: HeaderMap): void {
    const text = this.text;
    this.text = '';
    if (this.decision === Decision.join && headers.has(this.nameId)) {
      headers.set(this.nameId, `${headers.getAll(this.nameId)},${text}`);
      return;
    }
    if (this.decision === Decision.replace) headers.remove(this.nameId);
    headers.add(this.nameId, text);
  }

  private decide(exists: boolean): number {
    switch (this.action) {
      case Action.append:
        return this.joinsValues ? Decision.join : Decision.add;
      case Action.addIfAbsent:
        return exists ? Decision.skip : Decision.add;
      case Action.overwriteIfExists:
        return exists ? Decision.replace : Decision.skip;
      default:
        return Decision.replace;
    }
  }
}

/** One level. */
class MutationLevel<Context> {
  private readonly removeIds: Int32Array;
  private readonly adds: readonly CompiledAdd<Context>[];

  constructor(config: HeaderMutationsConfig, names: HeaderNames, compileValue: CompileValue<Context>) {
    this.removeIds = Int32Array.from(config.remove, (name) => names.intern(name));
    this.adds = config.add.map((add) => new CompiledAdd(add, names, compileValue));
  }

  evaluate(headers: HeaderMap, context: Context): void {
    const removeIds = this.removeIds;
    for (let i = 0; i < removeIds.length; i++) if (removeIds[i] >= FIRST_REGULAR_ID) headers.remove(removeIds[i]);
    const adds = this.adds;
    for (let i = 0; i < adds.length; i++) adds[i].evaluate(headers, context);
    for (let i = 0; i < adds.length; i++) if (adds[i].decision === Decision.replace) adds[i].apply(headers);
    for (let i = 0; i < adds.length; i++) {
      const decision = adds[i].decision;
      if (decision === Decision.add || decision === Decision.join) adds[i].apply(headers);
    }
  }
}

/** Mutations of several levels, applied in the given order. One per route entry and direction; shared by all its streams. */
export class HeaderMutator<Context> {
  /** Nothing to do: `evaluate` need not be called. */
  readonly isEmpty: boolean;
  private readonly levels: readonly MutationLevel<Context>[];

  constructor(configs: readonly HeaderMutationsConfig[], names: HeaderNames, compileValue: CompileValue<Context>) {
    this.levels = configs.filter(hasMutations).map((config) => new MutationLevel(config, names, compileValue));
    this.isEmpty = this.levels.length === 0;
  }

  /** Applies all levels. Allocates only for values that are formatted. */
  evaluate(headers: HeaderMap, context: Context): void {
    const levels = this.levels;
    for (let i = 0; i < levels.length; i++) levels[i].evaluate(headers, context);
  }
}

/** Whether a level changes anything. */
export function hasMutations(config: HeaderMutationsConfig): boolean {
  return config.add.length > 0 || config.remove.length > 0;
}

/** Whether mutations may touch a header: not pseudo-headers, not Host (those have routing fields of their own). */
export function isModifiableHeader(name: string): boolean {
  return !name.startsWith(':') && name.toLowerCase() !== 'host';
}

/** Whether a format string says the same for every stream. */
export function isConstantFormat(format: string): boolean {
  return constantValue(format) !== null;
}

/** The text of a format string without operators, or null. `%%` is a percent sign. */
function constantValue(format: string): string | null {
  const rest = format.replaceAll('%%', '');
  return rest.includes('%') ? null : format.replaceAll('%%', '%');
}

function joinBytes(headers: HeaderMap, nameId: number, bytes: Uint8Array): void {
  const old = Buffer.from(headers.getAll(nameId) ?? '', 'latin1');
  const length = old.length + 1 + bytes.length;
  const at = headers.beginValue(nameId, length);
  const target = headers.bytes;
  for (let i = 0; i < old.length; i++) target[at + i] = old[i];
  target[at + old.length] = 44;
  for (let i = 0; i < bytes.length; i++) target[at + old.length + 1 + i] = bytes[i];
  headers.endValue(nameId, length);
}

const EMPTY = new Uint8Array(0);

/**
 * Headers of which a message has one line at most: a second value is joined to the first with ','. Envoy keeps one list for
 * requests and one for responses; they are merged here, as the names are of use in one direction only.
 */
const JOINED_NAMES: ReadonlySet<string> = new Set([
  'accept', 'accept-encoding', 'access-control-allow-credentials', 'access-control-allow-headers', 'access-control-allow-methods',
  'access-control-allow-origin', 'access-control-allow-private-network', 'access-control-expose-headers', 'access-control-max-age',
  'access-control-request-headers', 'access-control-request-method', 'access-control-request-private-network', 'age', 'authorization',
  'cache-control', 'connection', 'content-encoding', 'content-length', 'content-type', 'date', 'etag', 'expect', 'expires',
  'grpc-accept-encoding', 'grpc-message', 'grpc-status', 'grpc-timeout', 'if-match', 'if-modified-since', 'if-none-match', 'if-range',
  'if-unmodified-since', 'keep-alive', 'last-modified', 'location', 'origin', 'pragma', 'proxy-connection', 'proxy-status', 'referer',
  'server', 'te', 'transfer-encoding', 'upgrade', 'user-agent', 'vary', 'via', 'x-client-trace-id', 'x-envoy-attempt-count',
  'x-envoy-decorator-operation', 'x-envoy-degraded', 'x-envoy-downstream-service-cluster', 'x-envoy-downstream-service-node',
  'x-envoy-expected-rq-timeout-ms', 'x-envoy-external-address', 'x-envoy-force-trace', 'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-immediate-health-check-fail', 'x-envoy-internal', 'x-envoy-ip-tags', 'x-envoy-is-timeout-retry', 'x-envoy-max-retries',
  'x-envoy-original-host', 'x-envoy-original-path', 'x-envoy-ratelimited', 'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes', 'x-envoy-retry-grpc-on', 'x-envoy-retry-on', 'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-canary', 'x-envoy-upstream-healthchecked-cluster', 'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response', 'x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-service-time',
  'x-envoy-upstream-stream-duration-ms', 'x-forwarded-client-cert', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port',
  'x-forwarded-proto', 'x-request-id',
]);

/** Whether several values of a header (lower-case name) are kept in one line, joined with ','. */
export function isJoinedHeader(name: string): boolean {
  return JOINED_NAMES.has(name);
}
