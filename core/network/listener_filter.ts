/**
 * The listener filter contract, as far as filters look at the socket alone: they run when a connection was accepted, before its
 * filter chain is chosen. Filters that wait for bytes plug in here once there is one.
 */
import type { Io } from '../io/io.ts';

/** A connection that was just accepted. One reused object per listener and worker. */
export interface AcceptedSocket {
  readonly io: Io;
  /** Its number in the I/O layer. */
  readonly handle: number;
  /** `ip:port` it was going to before it was redirected here; '' = not known. Chains are matched by it, and it counts as our side. */
  originalDestination: string;
}

/** One filter of a listener on a worker. */
export interface ListenerFilter {
  onAccept(socket: AcceptedSocket): void;
}

/** Category in the factory registry; products are ListenerFilters. */
export const LISTENER_FILTER_CATEGORY = 'envoy.filters.listener';
