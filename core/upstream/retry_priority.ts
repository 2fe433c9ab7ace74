import type { PriorityLoad } from './priority_load.ts';

/** Says over which priorities the tries of one request after its first are spread. Made per request that may be retried. */
export interface RetryPriority {
  /** A try went to a host of this priority. */
  onHostAttempted(priority: number): void;
  /** The load that the next try is chosen by; `load` is that of other requests, and is returned where there is nothing to change. */
  loadForRetry(load: PriorityLoad): PriorityLoad;
}

/** Product of a retry priority's factory. */
export interface RetryPriorityFactory {
  create(): RetryPriority;
}

/** Category in the factory registry. */
export const RETRY_PRIORITY_CATEGORY = 'envoy.retry_priorities';
