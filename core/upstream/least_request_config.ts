/** Least-request load balancing as plain data, and its parsing from the policy's message or the cluster's old field. */
import type { RuntimeDouble } from '../api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { LocalityConfig } from './locality_config.ts';

const CHOICE_COUNT = 2;
const ACTIVE_REQUEST_BIAS = 1;

export interface LeastRequestConfig {
  /** Hosts drawn at random, of which the least busy is taken; at least 2. */
  readonly choiceCount: number;
  /** How strongly active requests count against a host whose weight is not that of the others; 0 = not at all. */
  readonly activeRequestBias: number;
  /** Look at all hosts instead of drawing some. */
  readonly isFullScan: boolean;
  readonly locality?: LocalityConfig;
}

/** The fields that both messages have; a runtime key of the bias is left unread. */
export function parseLeastRequest(message: { readonly choiceCount?: number | undefined; readonly activeRequestBias?: RuntimeDouble | undefined } | undefined, isFullScan: boolean, locality: LocalityConfig): LeastRequestConfig {
  return Object.freeze({
    choiceCount: message?.choiceCount ?? CHOICE_COUNT,
    activeRequestBias: message?.activeRequestBias?.defaultValue ?? ACTIVE_REQUEST_BIAS,
    isFullScan,
    locality,
  });
}
