import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { CIRCUIT_WORDS, CircuitKind } from '../shared_memory/layout.ts';
import type { CircuitBreakerThresholds, RetryBudgetConfig } from './cluster_config.ts';

/** Pools where no limit is set; what remains of it is shown. */
export const UNLIMITED = 2 ** 64;

const PRIORITY_NAMES = ['default', 'high'] as const;
const BUDGET_PERCENT = 20;
const BUDGET_MIN_CONCURRENCY = 3;

/** The limits of one cluster and priority, as configuration and runtime have them together. */
export interface CircuitLimits {
  /** By CircuitKind. */
  readonly limits: Float64Array;
  /** Instead of the limit of retries; null = none. */
  readonly retryBudget: RetryBudgetConfig | null;
}

/** `priority`: 0 = default, 1 = high. Runtime keys: `circuit_breakers.<cluster>.<priority>.<limit>`. */
export function circuitLimits(thresholds: CircuitBreakerThresholds, cluster: string, priority: number, runtime: RuntimeSnapshot | null): CircuitLimits {
  const prefix = `circuit_breakers.${cluster}.${PRIORITY_NAMES[priority]}.`;
  const limit = (name: string, configured: number): number => runtime?.getInteger(`${prefix}${name}`, configured) ?? configured;
  const limits = new Float64Array(CIRCUIT_WORDS);
  limits[CircuitKind.connections] = limit('max_connections', thresholds.maxConnections);
  limits[CircuitKind.pending] = limit('max_pending_requests', thresholds.maxPendingRequests);
  limits[CircuitKind.requests] = limit('max_requests', thresholds.maxRequests);
  limits[CircuitKind.retries] = limit('max_retries', thresholds.maxRetries);
  limits[CircuitKind.pools] = limit('max_connection_pools', thresholds.maxConnectionPools ?? UNLIMITED);
  return { limits, retryBudget: retryBudget(thresholds.retryBudget ?? null, `${prefix}retry_budget.`, runtime) };
}

/** Either key alone makes a budget. */
function retryBudget(configured: RetryBudgetConfig | null, prefix: string, runtime: RuntimeSnapshot | null): RetryBudgetConfig | null {
  const percent = runtime?.getNumber(`${prefix}budget_percent`, undefined);
  const minConcurrency = runtime?.getNumber(`${prefix}min_retry_concurrency`, undefined);
  if (percent === undefined && minConcurrency === undefined) return configured;
  return {
    percent: percent ?? configured?.percent ?? BUDGET_PERCENT,
    minConcurrency: Math.floor(minConcurrency ?? configured?.minConcurrency ?? BUDGET_MIN_CONCURRENCY),
  };
}
