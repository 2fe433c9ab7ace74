import type { Http1ServerConnection } from '../http1/server_connection.ts';
import type { ConnectionManagerStats } from './stats.ts';

/** Who holds a stream up: reasons not to read the request, filters that cannot take more of the response. Calls balance. */
export class StreamFlow {
  private readonly stats: ConnectionManagerStats;
  private readDisables: number;
  private responsePauses: number;

  constructor(stats: ConnectionManagerStats) {
    this.stats = stats;
    this.readDisables = 0;
    this.responsePauses = 0;
  }

  reset(): void {
    this.readDisables = 0;
    this.responsePauses = 0;
  }

  /** Reads the request no further, or again. */
  readDisable(disable: boolean, codec: Http1ServerConnection | undefined): void {
    if (disable) {
      if (this.readDisables++ === 0) this.stats.flowControlPausedReading.inc();
    } else if (--this.readDisables === 0) {
      this.stats.flowControlResumedReading.inc();
    }
    codec?.readDisable(disable);
  }

  /** A filter has, or no longer has, as much of the response as it wants. */
  pauseResponse(isPaused: boolean): void {
    this.responsePauses += isPaused ? 1 : -1;
  }

  /** Whether a filter has more of the response than it wants. */
  get isPausedByFilter(): boolean {
    return this.responsePauses > 0;
  }
}
