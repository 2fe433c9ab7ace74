import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId, type HeaderNames } from '../../../../core/headers/header_names.ts';
import { compileHeaderMatchers, type HeaderMatcher, matchesAllHeaders } from '../../../../core/matcher/header_matcher.ts';
import type { FractionalPercent, RuntimeFraction } from '../../../../core/runtime/runtime_snapshot.ts';
import type { FaultConfig } from './fault_config.ts';
import { firstUnsigned } from './header_number.ts';

/** Ids of the headers by which a request may ask for faults. */
export interface FaultHeaderIds {
  readonly abort: number;
  readonly abortGrpc: number;
  readonly abortPercentage: number;
  readonly delay: number;
  readonly delayPercentage: number;
  readonly throughput: number;
  readonly throughputPercentage: number;
}

/** A configured fault, compiled for this thread: what both the filter and its routes give. Shared by streams, unchanging. */
export class FaultSettings {
  readonly config: FaultConfig;
  readonly ids: FaultHeaderIds;
  /** Whether any fault is configured at all. */
  readonly isEmpty: boolean;
  private readonly headers: readonly HeaderMatcher[];
  private readonly delayChance: RuntimeFraction;
  private readonly abortChance: RuntimeFraction;
  private readonly limitChance: RuntimeFraction;

  constructor(config: FaultConfig, names: HeaderNames) {
    this.config = config;
    this.ids = {
      abort: names.intern('x-envoy-fault-abort-request'),
      abortGrpc: names.intern('x-envoy-fault-abort-grpc-request'),
      abortPercentage: names.intern('x-envoy-fault-abort-request-percentage'),
      delay: names.intern('x-envoy-fault-delay-request'),
      delayPercentage: names.intern('x-envoy-fault-delay-request-percentage'),
      throughput: names.intern('x-envoy-fault-throughput-response'),
      throughputPercentage: names.intern('x-envoy-fault-throughput-response-percentage'),
    };
    this.isEmpty = config.delay === null && config.abort === null && config.responseRateLimit === null;
    this.headers = compileHeaderMatchers(config.headers, names);
    const { runtimeKeys } = config;
    this.delayChance = { defaultValue: config.delay?.percentage ?? NEVER, runtimeKey: runtimeKeys.delayPercent };
    this.abortChance = { defaultValue: config.abort?.percentage ?? NEVER, runtimeKey: runtimeKeys.abortPercent };
    this.limitChance = { defaultValue: config.responseRateLimit?.percentage ?? NEVER, runtimeKey: runtimeKeys.responseRateLimitPercent };
  }

  /** Whether a request is one of those meant, its cluster aside. */
  matches(headers: HeaderMap): boolean {
    const nodes = this.config.downstreamNodes;
    if (nodes.length > 0) {
      const node = headers.get(HeaderId.envoyDownstreamServiceNode);
      if (node === undefined || !nodes.includes(node)) return false;
    }
    return this.headers.length === 0 || matchesAllHeaders(this.headers, headers);
  }

  /** Milliseconds that the delay is configured or asked for with; -1 = none. */
  delayMs(headers: HeaderMap): number {
    const delay = this.config.delay;
    if (delay === null) return -1;
    return delay.delayMs >= 0 ? delay.delayMs : firstUnsigned(headers, this.ids.delay);
  }

  /** HTTP status of the abort, -1 = none. */
  abortHttpStatus(headers: HeaderMap): number {
    const abort = this.config.abort;
    if (abort === null || !abort.isFromHeader) return abort?.httpStatus ?? -1;
    const status = firstUnsigned(headers, this.ids.abort);
    return status >= 200 && status < 600 ? status : -1;
  }

  /** gRPC status of the abort, -1 = none. */
  abortGrpcStatus(headers: HeaderMap): number {
    const abort = this.config.abort;
    if (abort === null || !abort.isFromHeader) return abort?.grpcStatus ?? -1;
    return firstUnsigned(headers, this.ids.abortGrpc);
  }

  /** KiB/s of the response, -1 = no limit. */
  limitKbps(headers: HeaderMap): number {
    const limit = this.config.responseRateLimit;
    if (limit === null) return -1;
    if (limit.limitKbps > 0) return limit.limitKbps;
    const asked = firstUnsigned(headers, this.ids.throughput);
    return asked > 0 ? asked : -1;
  }

  /** Chances of the three faults for a request; `key` is the runtime key in place of the general one. */
  delayFraction(headers: HeaderMap, key?: string): RuntimeFraction {
    return lowered(this.delayChance, this.config.delay?.delayMs === -1 ? this.ids.delayPercentage : 0, headers, key);
  }

  abortFraction(headers: HeaderMap, key?: string): RuntimeFraction {
    return lowered(this.abortChance, this.config.abort?.isFromHeader === true ? this.ids.abortPercentage : 0, headers, key);
  }

  limitFraction(headers: HeaderMap): RuntimeFraction {
    return lowered(this.limitChance, this.config.responseRateLimit?.limitKbps === -1 ? this.ids.throughputPercentage : 0, headers, undefined);
  }
}

const NEVER: FractionalPercent = { numerator: 0, denominator: 100 };

/** A request may lower a chance, never raise it. Allocates only where request or downstream cluster change something. */
function lowered(chance: RuntimeFraction, nameId: number, headers: HeaderMap, key: string | undefined): RuntimeFraction {
  const { numerator, denominator } = chance.defaultValue;
  const asked = nameId === 0 ? -1 : firstUnsigned(headers, nameId);
  const isLower = asked >= 0 && asked < numerator;
  if (!isLower && key === undefined) return chance;
  return { defaultValue: { numerator: isLower ? asked : numerator, denominator }, runtimeKey: key ?? chance.runtimeKey };
}
