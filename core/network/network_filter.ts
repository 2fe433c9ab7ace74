/**
 * The network filter contract, as far as a filter chain ends in a terminal filter that owns the connection (the HTTP connection
 * manager). Filters that look at bytes before it plug in here once a second one exists.
 */
import type { Connection, ConnectionCallbacks } from './connection.ts';

/** A connection whose terminal filter runs, as its listener knows it. */
export interface TerminalConnection {
  readonly connection: Connection;
  /** Cuts it. */
  closeNow(isLocal: boolean): void;
  /** Closes it when idle, else after what it is doing. */
  drainClose(): void;
}

/** What a listener tells a terminal filter's factory about a new connection. */
export interface NewConnection {
  makeConnection(callbacks: ConnectionCallbacks): Connection;
  onClosed(connection: TerminalConnection): void;
}

/** Product of a terminal network filter's factory on a worker. */
export interface NetworkFilterFactory {
  /** A connection was accepted and its chain matched. */
  onNewConnection(connection: NewConnection): TerminalConnection;
}

/** Category in the factory registry. */
export const NETWORK_FILTER_CATEGORY = 'envoy.filters.network';
