/** Least-request load balancing as plain data, and its parsing from the policy's message or the cluster's old field. */
import type { RuntimeDouble } from '../api/gen/envoy/config/core/v3/base_pb.d.ts';
import { parseRuntimeDouble, parseSlowStart, type SlowStartConfig } from './slow_start.ts';
import type { LocalityConfig } from './locality_config.ts';

const CHOICE_COUNT = 2;
const ACTIVE_REQUEST_BIAS = 1;

export interface LeastRequestConfig {
  /** Hosts drawn at random, of which the least busy is taken; at least 2. */
  readonly choiceCount: number;
  /** How strongly active requests count against a host whose weight is not that of the others; 0 = not at all. */
  readonly activeRequestBias: number;
  /** Runtime key that goes over it; '' = none. */
  readonly biasKey: string;
  /** Look at all hosts instead of drawing some. */
  readonly isFullScan: boolean;
  readonly locality?: LocalityConfig;
  /** absent: none. */
  readonly slowStart?: SlowStartConfig | undefined;
}

interface LeastRequestFields {
  readonly choiceCount?: number | undefined;
  readonly activeRequestBias?: RuntimeDouble | undefined;
  readonly slowStartConfig?: Parameters<typeof parseSlowStart>[0];
}

/** The fields that both messages have. */
export function parseLeastRequest(message: LeastRequestFields | undefined, isFullScan: boolean, locality: LocalityConfig): LeastRequestConfig {
  const bias = parseRuntimeDouble(message?.activeRequestBias, ACTIVE_REQUEST_BIAS);
  return Object.freeze({
    choiceCount: message?.choiceCount ?? CHOICE_COUNT,
    activeRequestBias: bias.defaultValue,
    biasKey: bias.runtimeKey,
    isFullScan,
    locality,
    slowStart: parseSlowStart(message?.slowStartConfig),
  });
}
