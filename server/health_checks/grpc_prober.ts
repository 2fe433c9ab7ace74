/**
 * Asks a host over gRPC: grpc.health.v1.Health.Check must answer OK and SERVING. Everything else that is an answer fails the host
 * at once; what cuts the exchange counts as a failure of the network. Thread: main.
 *
 *     send -> headers (200, application/grpc) -> one message -> trailers (grpc-status: 0)
 */
import type { IncomingHttpHeaders } from 'node:http2';
import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import type { CheckFormats, TextOf } from './check_formats.ts';
import { type CheckScheme, type HeaderLine, mutateHeaders } from './check_request.ts';
import type { CheckTarget } from './cluster_health_checker.ts';
import { HealthResponseReader, healthRequestFrame } from './grpc_frames.ts';
import type { GrpcCheckConfig, HealthCheckConfig } from './health_check_config.ts';
import { Http2Channel, type Http2Exchange } from './http2_channel.ts';
import { checkHostname, type HeadLimits } from './http_verdict.ts';
import type { ProbeRoute } from './probe_socket.ts';

export interface GrpcProberOptions {
  readonly config: HealthCheckConfig;
  readonly check: GrpcCheckConfig;
  readonly target: CheckTarget;
  readonly route: ProbeRoute;
  readonly scheme: CheckScheme;
  readonly clusterName: string;
  readonly limits: HeadLimits;
  readonly formats: CheckFormats;
  /** A connection is made. */
  readonly onConnect: () => void;
}

/** Of grpc-timeout: at most eight digits. */
const MAX_TIMEOUT = 99_999_999;

export class GrpcProber implements Prober, Http2Exchange {
  private readonly reuseConnection: boolean;
  private readonly listener: ProbeListener;
  private readonly lines: () => readonly HeaderLine[];
  private readonly message: Uint8Array;
  private readonly channel: Http2Channel;
  private reader = new HealthResponseReader();
  private grpcStatus: string | undefined;

  constructor(options: GrpcProberOptions, listener: ProbeListener) {
    const { config, check, target, route, scheme, clusterName, formats } = options;
    this.reuseConnection = config.reuseConnection;
    this.listener = listener;
    const authority = checkHostname(target, check.authority, clusterName);
    this.lines = formats.perCheck(check.metadata, target.host, true, (textOf) => grpcRequestLines(check, authority, scheme, config.timeoutMs, textOf));
    this.message = healthRequestFrame(check.serviceName);
    this.channel = new Http2Channel(route, options.limits, options.onConnect);
  }

  probe(): void {
    this.reader = new HealthResponseReader();
    this.grpcStatus = undefined;
    this.channel.send(this.lines(), this.message, this);
  }

  abort(): void {
    if (this.reuseConnection) this.channel.reset();
    else this.channel.close();
  }

  close(): void {
    this.channel.close();
  }

  // ---- Http2Exchange ----

  onHeaders(headers: IncomingHttpHeaders, isEnd: boolean): void {
    // Nothing but headers: they are the trailers, too, and without a message nobody is serving.
    if (isEnd) return;
    if (Number(headers[':status']) !== 200 || !isGrpcContent(headers['content-type'])) this.giveUp();
  }

  onData(chunk: Buffer): void {
    this.reader.add(chunk);
    if (this.reader.answer === 'invalid') this.giveUp();
  }

  onTrailers(trailers: IncomingHttpHeaders): void {
    const status = trailers['grpc-status'];
    this.grpcStatus = typeof status === 'string' ? status : undefined;
  }

  onEnd(): void {
    if (this.grpcStatus !== undefined && Number(this.grpcStatus) === 0 && this.reader.answer === 'serving') this.listener.onSuccess(false);
    else this.listener.onFailure('ACTIVE', false);
    this.endUnlessKept();
  }

  onReset(): void {
    this.listener.onFailure('NETWORK', false);
    this.endUnlessKept();
  }

  /** No more of this answer is wanted. */
  private giveUp(): void {
    this.channel.reset();
    this.listener.onFailure('ACTIVE', false);
    this.endUnlessKept();
  }

  private endUnlessKept(): void {
    if (!this.reuseConnection) this.channel.close();
  }
}

/** `authority`: whom the request names. */
export function grpcRequestLines(check: GrpcCheckConfig, authority: string, scheme: CheckScheme, timeoutMs: number, textOf: TextOf): HeaderLine[] {
  const lines: HeaderLine[] = [
    [':method', 'POST'], [':path', '/grpc.health.v1.Health/Check'], [':authority', authority], [':scheme', scheme],
    ['te', 'trailers'], ['content-type', 'application/grpc'], ['user-agent', 'Envoy/HC'],
  ];
  return [...mutateHeaders(lines, check.metadata, textOf), ['grpc-timeout', grpcTimeout(timeoutMs)]];
}

/** Milliseconds while eight digits suffice, then coarser. */
function grpcTimeout(ms: number): string {
  if (ms <= MAX_TIMEOUT) return `${ms}m`;
  const seconds = Math.floor(ms / 1000);
  return seconds <= MAX_TIMEOUT ? `${seconds}S` : `${Math.floor(seconds / 60)}M`;
}

/** `application/grpc`, also with a `+suffix`. */
function isGrpcContent(type: string | undefined): boolean {
  return type === 'application/grpc' || type?.startsWith('application/grpc+') === true;
}
