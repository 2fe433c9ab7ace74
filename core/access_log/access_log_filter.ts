/** Which streams are logged: envoy.config.accesslog.v3.AccessLogFilter, compiled. Evaluation allocates nothing. */
import type { HeaderNames } from '../headers/header_names.ts';
import { HeaderId } from '../headers/header_names.ts';
import { type CelExpression, type CelFeatures, compileCel } from '../formatter/cel_expression.ts';
import { GRPC_STATUS_NAMES, grpcStatusOf } from '../formatter/grpc_status_field.ts';
import { ACCESS_LOG_TYPE_TEXT, type FormatContext } from '../formatter/format_context.ts';
import { HeaderMatcher } from '../matcher/header_matcher.ts';
import type { RuntimeFraction, RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { RESPONSE_FLAG_NAMES } from '../stream_info/response_flags.ts';
import type { AccessLogFilterConfig } from './access_log_config.ts';
import { MetadataFilter } from './metadata_filter.ts';

/** A compiled filter. */
export interface LogFilter {
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  evaluate(context: FormatContext): boolean;
}

/** Compiles a filter. Thread: the one that will evaluate it (config time: header names are interned). */
export function compileLogFilter(config: AccessLogFilterConfig, names: HeaderNames, runtime: RuntimeSnapshot): LogFilter {
  switch (config.kind) {
    case 'status_code': return new StatusCodeFilter(config.op, config.value, config.runtimeKey, runtime);
    case 'duration': return new DurationFilter(config.op, config.value, config.runtimeKey, runtime);
    case 'not_health_check': return new NotHealthCheckFilter();
    // Nothing is traced, so no stream is traceable.
    case 'traceable': return new ConstantFilter(false);
    case 'runtime': return new RuntimeFilter(config.fraction, config.useIndependentRandomness, runtime);
    case 'and': return new AndFilter(config.filters.map((filter) => compileLogFilter(filter, names, runtime)));
    case 'or': return new OrFilter(config.filters.map((filter) => compileLogFilter(filter, names, runtime)));
    case 'header': return new HeaderFilter(new HeaderMatcher(config.header, names));
    case 'response_flag': return new ResponseFlagFilter(config.flags);
    case 'grpc_status': return new GrpcStatusFilter(config.statuses, config.exclude);
    case 'log_type': return new LogTypeFilter(config.types, config.exclude);
    case 'metadata': return new MetadataFilter(config);
    case 'cel': return new CelFilter(config.expression, config.features);
  }
}

/** Streams for which an expression is true; where it fails, or is no bool, there is no line. */
class CelFilter implements LogFilter {
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  private readonly expression: CelExpression;

  constructor(text: string, features: CelFeatures) {
    const expression = compileCel(text, features);
    if (typeof expression === 'string') throw new Error(`the access log filter ${JSON.stringify(text)}: ${expression}`);
    this.needsRequestHeaders = expression.readsRequest;
    this.needsResponseHeaders = expression.readsResponse;
    this.expression = expression;
  }

  evaluate(context: FormatContext): boolean {
    return this.expression.evaluate(context) === true;
  }
}

type Op = 'EQ' | 'GE' | 'LE' | 'NE';

function compare(op: Op, left: number, right: number): boolean {
  switch (op) {
    case 'EQ': return left === right;
    case 'GE': return left >= right;
    case 'LE': return left <= right;
    case 'NE': return left !== right;
  }
}

/** Compares a number of the stream with one that runtime may override. */
abstract class ComparisonFilter implements LogFilter {
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly op: Op;
  private readonly value: number;
  private readonly runtimeKey: string;
  private readonly runtime: RuntimeSnapshot;

  constructor(op: Op, value: number, runtimeKey: string, runtime: RuntimeSnapshot) {
    this.op = op;
    this.value = value;
    this.runtimeKey = runtimeKey;
    this.runtime = runtime;
  }

  abstract evaluate(context: FormatContext): boolean;

  protected accepts(number: number): boolean {
    return compare(this.op, number, this.runtime.getInteger(this.runtimeKey, this.value));
  }
}

class StatusCodeFilter extends ComparisonFilter {
  evaluate(context: FormatContext): boolean {
    return this.accepts(context.info === null ? 0 : context.info.responseCode);
  }
}

/** Total duration in whole milliseconds; a stream that has not ended does not pass. */
class DurationFilter extends ComparisonFilter {
  evaluate(context: FormatContext): boolean {
    const info = context.info;
    if (info === null || !(info.endTimeMs >= info.startTimeMs)) return false;
    return this.accepts(Math.floor(info.endTimeMs - info.startTimeMs + 1e-6));
  }
}

class NotHealthCheckFilter implements LogFilter {
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;

  evaluate(context: FormatContext): boolean {
    return context.info === null || !context.info.isHealthCheck;
  }
}

class ConstantFilter implements LogFilter {
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly result: boolean;

  constructor(result: boolean) {
    this.result = result;
  }

  evaluate(): boolean {
    return this.result;
  }
}

/** A share of streams: chosen by the request id (so that all hops choose the same ones) unless randomness is to be independent. */
class RuntimeFilter implements LogFilter {
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders = false;
  private readonly fraction: RuntimeFraction;
  private readonly isIndependent: boolean;
  private readonly runtime: RuntimeSnapshot;

  constructor(fraction: RuntimeFraction, isIndependent: boolean, runtime: RuntimeSnapshot) {
    this.needsRequestHeaders = !isIndependent;
    this.fraction = fraction;
    this.isIndependent = isIndependent;
    this.runtime = runtime;
  }

  evaluate(context: FormatContext): boolean {
    const fromId = this.isIndependent ? -1 : requestIdNumber(context);
    const random = fromId >= 0 ? fromId : context.info === null ? 0 : context.info.random;
    return this.runtime.featureEnabled(this.fraction, random);
  }
}

/** The first eight hexadecimal digits of x-request-id as a number, -1 when there are none. */
function requestIdNumber(context: FormatContext): number {
  const headers = context.requestHeaders;
  const k = headers === null ? -1 : headers.find(HeaderId.requestId);
  if (headers === null || k < 0 || headers.entries[k + 4] < 8) return -1;
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = headers.bytes[headers.entries[k + 3] + i];
    const letter = byte | 32;
    const digit = byte >= 48 && byte <= 57 ? byte - 48 : letter >= 97 && letter <= 102 ? letter - 87 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Of several: needs what any of them needs. */
abstract class CombinedFilter implements LogFilter {
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  protected readonly filters: readonly LogFilter[];

  constructor(filters: readonly LogFilter[]) {
    this.needsRequestHeaders = filters.some((filter) => filter.needsRequestHeaders);
    this.needsResponseHeaders = filters.some((filter) => filter.needsResponseHeaders);
    this.filters = filters;
  }

  abstract evaluate(context: FormatContext): boolean;
}

class AndFilter extends CombinedFilter {
  evaluate(context: FormatContext): boolean {
    for (let i = 0; i < this.filters.length; i++) if (!this.filters[i].evaluate(context)) return false;
    return true;
  }
}

class OrFilter extends CombinedFilter {
  evaluate(context: FormatContext): boolean {
    for (let i = 0; i < this.filters.length; i++) if (this.filters[i].evaluate(context)) return true;
    return false;
  }
}

class HeaderFilter implements LogFilter {
  readonly needsRequestHeaders = true;
  readonly needsResponseHeaders = false;
  private readonly matcher: HeaderMatcher;

  constructor(matcher: HeaderMatcher) {
    this.matcher = matcher;
  }

  evaluate(context: FormatContext): boolean {
    return context.requestHeaders !== null && this.matcher.matches(context.requestHeaders);
  }
}

/** Any of the flags; with none named, any flag at all. */
class ResponseFlagFilter implements LogFilter {
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly mask: number;

  constructor(flags: readonly string[]) {
    let mask = flags.length === 0 ? -1 : 0;
    for (const [bit, short] of RESPONSE_FLAG_NAMES) if (flags.includes(short)) mask |= bit;
    this.mask = mask;
  }

  evaluate(context: FormatContext): boolean {
    return context.info !== null && (context.info.responseFlags & this.mask) !== 0;
  }
}

class GrpcStatusFilter implements LogFilter {
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = true;
  private readonly wanted: boolean[];
  private readonly exclude: boolean;

  constructor(statuses: readonly number[], exclude: boolean) {
    this.wanted = GRPC_STATUS_NAMES.map((_name, status) => statuses.includes(status));
    this.exclude = exclude;
  }

  evaluate(context: FormatContext): boolean {
    const status = grpcStatusOf(context);
    // No response at all counts as Unknown.
    const found = this.wanted[status < 0 || status >= this.wanted.length ? 2 : status];
    return found !== this.exclude;
  }
}

class LogTypeFilter implements LogFilter {
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly wanted: boolean[];
  private readonly exclude: boolean;

  constructor(types: readonly string[], exclude: boolean) {
    this.wanted = ACCESS_LOG_TYPE_TEXT.map((name) => types.includes(name));
    this.exclude = exclude;
  }

  evaluate(context: FormatContext): boolean {
    return this.wanted[context.logType] !== this.exclude;
  }
}
