/** What the response to an HTTP health check says about the host, whichever version of HTTP it came over. Thread: main. */
import { StringMatcher } from '../../core/matcher/string_matcher.ts';
import type { ProbeListener } from '../../core/upstream/health_prober.ts';
import type { CheckTarget, HealthCheckStats } from './cluster_health_checker.ts';
import type { CheckFormats } from './check_formats.ts';
import type { CheckScheme } from './check_request.ts';
import type { HealthCheckConfig, HttpCheckConfig, StatusRange } from './health_check_config.ts';
import { containsInOrder } from './payload.ts';
import type { ProbeRoute } from './probe_socket.ts';

/** Of the head of a response; what is above fails as if the exchange had been cut. */
export interface HeadLimits {
  readonly maxHeadersKb: number;
  readonly maxHeaders: number;
}

export interface HttpProberOptions {
  readonly limits: HeadLimits;
  readonly config: HealthCheckConfig;
  readonly check: HttpCheckConfig;
  readonly target: CheckTarget;
  readonly route: ProbeRoute;
  readonly scheme: CheckScheme;
  readonly clusterName: string;
  readonly stats: HealthCheckStats;
  readonly formats: CheckFormats;
  /** A connection is made. */
  readonly onConnect: () => void;
  /** Whether runtime has service_name_matcher looked at this time (health_check.verify_cluster). */
  readonly verifiesCluster: () => boolean;
}

/** What is looked at of a response. */
export interface CheckResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export class HttpVerdict {
  private readonly options: HttpProberOptions;
  private readonly serviceName: StringMatcher | null;

  constructor(options: HttpProberOptions) {
    const { serviceName } = options.check;
    this.options = options;
    this.serviceName = serviceName === null ? null : new StringMatcher(serviceName);
  }

  /** Tells the listener what a complete response means. */
  judge({ status, headers, body }: CheckResponse, listener: ProbeListener): void {
    const { check, stats, verifiesCluster } = this.options;
    const hasBody = check.receive.length === 0 || containsInOrder(body, check.receive);
    if (!isIn(status, check.expected) || !hasBody) {
      if (headers['x-envoy-immediate-health-check-fail'] !== undefined) listener.onExclude();
      listener.onFailure('ACTIVE', hasBody && isIn(status, check.retriable));
      return;
    }
    if (this.serviceName !== null && verifiesCluster()) {
      stats.verify_cluster.inc();
      const name = headers['x-envoy-upstream-healthchecked-cluster'];
      if (!this.serviceName.matchesText(typeof name === 'string' ? name : '')) {
        listener.onFailure('ACTIVE', false);
        return;
      }
    }
    listener.onSuccess(headers['x-envoy-degraded'] !== undefined);
  }
}

/** The beginning of a response's body, as far as it is looked at. */
export class CheckedBody {
  private readonly chunks: Buffer[] = [];
  private readonly limit: number;
  private length = 0;

  constructor({ receive, responseBufferBytes }: HttpCheckConfig) {
    this.limit = receive.length === 0 ? 0 : responseBufferBytes === 0 ? Infinity : responseBufferBytes;
  }

  add(chunk: Buffer): void {
    if (this.length >= this.limit) return;
    const taken = chunk.subarray(0, this.limit - this.length);
    this.length += taken.length;
    this.chunks.push(taken);
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/** Whom requests name: the endpoint's own host name for checks, else the configured one, else the cluster. */
export function checkHostname(target: CheckTarget, configured: string, clusterName: string): string {
  return target.hostname !== '' ? target.hostname : configured !== '' ? configured : clusterName;
}

function isIn(status: number, ranges: readonly StatusRange[]): boolean {
  return ranges.some((range) => status >= range.start && status < range.end);
}
