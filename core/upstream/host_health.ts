/** What the flags of a host's health word (HostHealthFlag) mean for choosing hosts. */
import { HostHealthFlag } from '../shared_memory/layout.ts';

const UNHEALTHY =
  HostHealthFlag.failedActiveHc | HostHealthFlag.failedOutlierCheck | HostHealthFlag.failedEdsHealth | HostHealthFlag.edsStatusDraining | HostHealthFlag.activeHcTimeout;
const DEGRADED = HostHealthFlag.degradedActiveHc | HostHealthFlag.degradedEdsHealth;
const EXCLUDED = HostHealthFlag.pendingActiveHc | HostHealthFlag.excludedViaImmediateHcFail | HostHealthFlag.edsStatusDraining;

/** Not taken out by health checks, outlier detection or the control plane, and not degraded. */
export function isHealthyHost(flags: number): boolean {
  return (flags & (UNHEALTHY | DEGRADED)) === 0;
}

/** Serves, but is to be used only where healthy hosts do not suffice. */
export function isDegradedHost(flags: number): boolean {
  return (flags & UNHEALTHY) === 0 && (flags & DEGRADED) !== 0;
}

/** Does not count when a priority's availability is worked out. */
export function isExcludedHost(flags: number): boolean {
  return (flags & EXCLUDED) !== 0;
}
