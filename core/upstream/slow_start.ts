/** Slow start: a host that is new, or healthy again, gets its full share of requests by and by. */
import type { RuntimeDouble } from '../api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { SlowStartConfig as SlowStartMessage } from '../api/gen/envoy/extensions/load_balancing_policies/common/v3/common_pb.d.ts';
import { durationMsOr } from '../api/scalar_values.ts';
import type { BalancerEnvironment } from './balancer_environment.ts';
import type { Host } from './host.ts';

/** A number that a runtime key may replace; '' = no key. */
export interface RuntimeNumber {
  readonly defaultValue: number;
  readonly runtimeKey: string;
}

export interface SlowStartConfig {
  /** More than 0. */
  readonly windowMs: number;
  readonly aggression: RuntimeNumber;
  /** Part of its weight that a host has at least, 0 to 1. */
  readonly minWeight: number;
}

const MIN_WEIGHT_PERCENT = 10;

/** Thread: main. */
export function parseRuntimeDouble(message: RuntimeDouble | undefined, fallback: number): RuntimeNumber {
  return { defaultValue: message?.defaultValue ?? fallback, runtimeKey: message?.runtimeKey ?? '' };
}

/** The messages of cluster and policies have the same fields. undefined: no slow start. Thread: main. */
export function parseSlowStart(message: Pick<SlowStartMessage, 'slowStartWindow' | 'aggression' | 'minWeightPercent'> | undefined): SlowStartConfig | undefined {
  const windowMs = durationMsOr(message?.slowStartWindow, 0);
  if (message === undefined || windowMs <= 0) return undefined;
  return Object.freeze({ windowMs, aggression: parseRuntimeDouble(message.aggression, 1), minWeight: (message.minWeightPercent?.value ?? MIN_WEIGHT_PERCENT) / 100 });
}

/** One policy's slow start on one worker. */
export class SlowStart {
  private readonly config: SlowStartConfig;
  private readonly environment: BalancerEnvironment;

  constructor(config: SlowStartConfig, environment: BalancerEnvironment) {
    this.config = config;
    this.environment = environment;
  }

  /** Whether the weight of one of them still grows. */
  concerns(hosts: readonly Host[]): boolean {
    const begin = this.environment.nowMs() - this.config.windowMs;
    return hosts.some((host) => host.healthySinceMs > begin);
  }

  /** What is left of `weight` for now. */
  apply(weight: number, host: Host): number {
    const { windowMs, aggression, minWeight } = this.config;
    const elapsed = this.environment.nowMs() - host.healthySinceMs;
    if (elapsed >= windowMs || !host.isHealthy()) return weight;
    const part = Math.max(1, elapsed) / windowMs;
    const value = this.environment.runtime.getNumber(aggression.runtimeKey, aggression.defaultValue);
    // As in Envoy, an aggression of 0 or less counts as 1.
    return weight * Math.max(value > 0 && value !== 1 ? part ** (1 / value) : part, minWeight);
  }
}
