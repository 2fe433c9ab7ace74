import { LogContext } from '../access_log/access_log.ts';
import type { Formatter } from '../formatter/formatter.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import { compileRateLimitAction, type DescriptorEntry, metadataValue, type RateLimitAction, type RateLimitCompileContext } from './rate_limit_action.ts';
import { type MetadataKeyConfig, RATE_LIMIT_STAGE_MAX, type RateLimitConfig } from './rate_limit_config.ts';

/** A limit that overrides the service's. Unit as in envoy.type.v3.RateLimitUnit. */
export interface LimitOverride {
  readonly requestsPerUnit: number;
  readonly unit: string;
}

/** What a rate limiter is asked about. */
export interface RateLimitDescriptor {
  readonly entries: readonly DescriptorEntry[];
  readonly limit: LimitOverride | null;
  /** Hits that the request counts for; null = the filter's own number. */
  readonly hitsAddend: number | null;
  readonly rateLimitHeaders: RateLimitConfig['rateLimitHeaders'];
}

/** One entry of rate_limits, compiled. */
class RateLimitPolicyEntry {
  readonly config: RateLimitConfig;
  private readonly actions: readonly RateLimitAction[];
  private readonly hitsFormat: Formatter | null;
  private readonly context: LogContext;

  constructor(config: RateLimitConfig, compile: RateLimitCompileContext) {
    this.config = config;
    this.actions = config.actions.map((action) => compileRateLimitAction(action, compile));
    this.hitsFormat = typeof config.hitsAddend === 'string' ? compile.compileFormat({ kind: 'text', text: config.hitsAddend, contentType: '', omitEmptyValues: true }) : null;
    this.context = new LogContext();
  }

  /** The descriptor of a request; null when some action has no value for it. */
  descriptor(headers: HeaderMap, info: StreamInfo, nodeCluster: string, clusterName: string): RateLimitDescriptor | null {
    const entries: DescriptorEntry[] = [];
    this.context.requestHeaders = headers;
    this.context.info = info;
    const isWhole = this.actions.every((action) => action.append(entries, headers, info, nodeCluster, clusterName, this.context));
    const hitsAddend = isWhole ? this.hits() : null;
    this.context.requestHeaders = null;
    this.context.info = null;
    if (!isWhole) return null;
    return { entries, limit: limitOf(this.config.limitOverride, info), hitsAddend, rateLimitHeaders: this.config.rateLimitHeaders };
  }

  private hits(): number | null {
    if (this.hitsFormat === null) return this.config.hitsAddend as number | null;
    const text = this.hitsFormat.formatToString(this.context);
    return /^\d{1,10}$/.test(text) && Number(text) <= HITS_MAX ? Number(text) : null;
  }
}

/** Envoy's bound of hits_addend. */
const HITS_MAX = 1_000_000_000;

/** rate_limits of one route or virtual host, by stage. Config time; `populate` is for routes that have some, and allocates. */
export class RateLimitPolicy {
  readonly isEmpty: boolean;
  private readonly stages: readonly (readonly RateLimitPolicyEntry[])[];

  constructor(configs: readonly RateLimitConfig[], compile: RateLimitCompileContext) {
    const entries = configs.map((config) => new RateLimitPolicyEntry(config, compile));
    this.isEmpty = entries.length === 0;
    this.stages = Array.from({ length: RATE_LIMIT_STAGE_MAX + 1 }, (_, stage) => entries.filter((entry) => entry.config.stage === stage));
  }

  /**
   * Adds the descriptors of a stage to `descriptors`: those for the beginning of a stream, or those for its end. `isDisabled` is
   * asked about each `disable_key`. `nodeCluster` is this process's service cluster, `clusterName` that of the matched route.
   */
  populateDescriptors(
    descriptors: RateLimitDescriptor[], stage: number, isStreamDone: boolean, headers: HeaderMap, info: StreamInfo, nodeCluster: string, clusterName: string,
    isDisabled: (key: string) => boolean = () => false,
  ): void {
    for (const entry of this.stages[stage] ?? []) {
      if (entry.config.appliesOnStreamDone !== isStreamDone || (entry.config.disableKey !== '' && isDisabled(entry.config.disableKey))) continue;
      const descriptor = entry.descriptor(headers, info, nodeCluster, clusterName);
      if (descriptor !== null) descriptors.push(descriptor);
    }
  }
}

/** The compiled policy, or null when there are no rate limits. */
export function compileRateLimits(configs: readonly RateLimitConfig[], compile: RateLimitCompileContext): RateLimitPolicy | null {
  return configs.length === 0 ? null : new RateLimitPolicy(configs, compile);
}

const UNITS: ReadonlySet<string> = new Set(['UNKNOWN', 'SECOND', 'MINUTE', 'HOUR', 'DAY', 'MONTH', 'YEAR', 'WEEK']);

function limitOf(key: MetadataKeyConfig | null, info: StreamInfo): LimitOverride | null {
  if (key === null) return null;
  const value = metadataValue(info.dynamicMetadata?.get(key.namespace), key.path);
  if (typeof value !== 'object' || value === null) return null;
  const { requests_per_unit: requests, unit } = value as Record<string, unknown>;
  if (typeof requests !== 'number' || typeof unit !== 'string' || !UNITS.has(unit)) return null;
  return { requestsPerUnit: Math.trunc(requests), unit };
}
