/**
 * The access log of the admin interface (bootstrap.admin.access_log): what a worker does with a stream, main does with an
 * exchange of its own. Lines go to the flush thread through rings of main's. Thread: main.
 */
import { AccessLogType, type AccessLogger, LogContext, type LogSinkProvider } from '../core/access_log/access_log.ts';
import type { AccessLogConfig } from '../core/access_log/access_log_config.ts';
import { createAccessLoggers } from '../core/access_log/create_access_loggers.ts';
import { withoutPort } from '../core/base/cidr.ts';
import { TurnBuffer } from '../core/buffer/turn_buffer.ts';
import { type FormatEnvironment, processFormatEnvironment } from '../core/formatter/format_environment.ts';
import { HeaderMap } from '../core/headers/header_map.ts';
import { HeaderId, HeaderNames } from '../core/headers/header_names.ts';
import type { FactoryRegistry } from '../core/registry/factory_registry.ts';
import { RuntimeSnapshot, type RuntimeValues } from '../core/runtime/runtime_snapshot.ts';
import { Protocol, StreamInfo } from '../core/stream_info/stream_info.ts';
import type { AdminExchange } from './instance.ts';

/** Holds the headers of one exchange, which node:http keeps below 16 KiB. */
const BUFFER_BYTES = 256 * 1024;

export interface AdminAccessLogOptions {
  readonly configs: readonly AccessLogConfig[];
  readonly registry: FactoryRegistry;
  readonly sinks: LogSinkProvider;
  readonly runtime: RuntimeValues;
  readonly nowWallMs: () => number;
  /** Integers in [0, 2^32). */
  readonly random: () => number;
}

export class AdminAccessLog {
  private readonly options: AdminAccessLogOptions;
  private readonly names = new HeaderNames();
  private readonly turn = new TurnBuffer(new Uint8Array(BUFFER_BYTES), 0, BUFFER_BYTES, 0, 0);
  private readonly request: HeaderMap;
  private readonly response: HeaderMap;
  private readonly info = new StreamInfo();
  private readonly context = new LogContext();
  private readonly clock = new Float64Array(2);
  private readonly environment: FormatEnvironment;
  private loggers: readonly AccessLogger[] = [];

  constructor(options: AdminAccessLogOptions) {
    this.options = options;
    this.environment = processFormatEnvironment(this.names, options.nowWallMs, options.random);
    this.request = new HeaderMap(this.names, this.turn);
    this.response = new HeaderMap(this.names, this.turn);
    this.applyRuntime(options.runtime);
  }

  /** Log filters may read runtime values. */
  applyRuntime(values: RuntimeValues): void {
    const { configs, registry, sinks } = this.options;
    this.loggers = createAccessLoggers(configs, registry, { names: this.names, environment: this.environment, sinks, runtime: new RuntimeSnapshot(values) });
  }

  log(exchange: AdminExchange): void {
    this.turn.reset();
    this.fillRequest(exchange);
    this.response.clear();
    this.response.status = exchange.status;
    this.addHeaders(this.response, exchange.responseHeaders);
    this.fillInfo(exchange);
    const { context } = this;
    context.requestHeaders = this.request;
    context.responseHeaders = this.response;
    context.info = this.info;
    context.logType = AccessLogType.downstreamEnd;
    for (const logger of this.loggers) logger.log(context);
  }

  private fillRequest({ method, target, requestHeaders, remoteAddress }: AdminExchange): void {
    const { request } = this;
    request.clear();
    request.setMethod(method);
    request.setPath(target);
    this.addHeaders(request, requestHeaders);
    // As Envoy's admin listener: it uses the peer's address and appends it.
    const known = request.getAll(HeaderId.forwardedFor);
    const ip = remoteAddress.slice(0, remoteAddress.lastIndexOf(':'));
    request.set(HeaderId.forwardedFor, known === undefined || known === '' ? ip : `${known},${ip}`);
  }

  /** Names that no format and no filter asks for are left out: they would only fill the table. */
  private addHeaders(headers: HeaderMap, pairs: readonly string[]): void {
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const id = this.names.find(pairs[i]);
      if (id !== 0) headers.add(id, pairs[i + 1]);
    }
  }

  private fillInfo(exchange: AdminExchange): void {
    const { info, clock } = this;
    const { startMs, endMs } = exchange;
    clock[0] = startMs;
    clock[1] = startMs;
    info.reset(clock);
    info.endTimeMs = Math.max(startMs, endMs);
    info.protocol = exchange.isHttp10 ? Protocol.http10 : Protocol.http11;
    info.responseCode = exchange.status;
    info.responseCodeDetails = 'admin_filter_response';
    info.bytesReceived = exchange.bytesReceived;
    info.bytesSent = exchange.bytesSent;
    info.random = this.options.random() >>> 1;
    info.connection = {
      id: exchange.connectionId, remoteAddress: exchange.remoteAddress, remoteHost: withoutPort(exchange.remoteAddress), localAddress: exchange.localAddress, filterChainName: '', requestedServerName: '',
    };
  }
}
