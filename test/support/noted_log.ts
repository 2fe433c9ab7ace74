import type { AccessLogger, LogContext } from '../../core/access_log/access_log.ts';
import { ACCESS_LOGGER_CATEGORY } from '../../core/access_log/create_access_loggers.ts';
import { ACCESS_LOG_TYPE_TEXT } from '../../core/formatter/format_context.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { UpstreamLogConfig } from '../../core/router/upstream_log.ts';
import { RESPONSE_FLAG_NAMES } from '../../core/stream_info/response_flags.ts';
import { managerConfig } from './in_process_worker.ts';

/** Upstream log lines of a router, noted down in words. */
export class NotedLog {
  /** `<type> <code> <flags> sent <body bytes> received <body bytes> <x-try of the response> <x-try of its trailers>`. */
  readonly lines: string[] = [];
  /** What the lines say of the bytes on the wire: [sent, received]. */
  readonly wire: [number, number][] = [];
  private readonly config: UpstreamLogConfig;

  constructor(config: Partial<UpstreamLogConfig> = {}) {
    this.config = { logs: [{ filter: null, extension: { name: 'note', typeName: 'note', config: null } }], logsReadyTries: false, intervalMs: 0, ...config };
  }

  /** For `InProcessOptions.manager`: a chain of nothing but the router. */
  manager(): { filters: ReturnType<typeof managerConfig>['filters'] } {
    const [router] = managerConfig().filters;
    const extension = { ...router.extension, config: { ...(router.extension.config as object), upstreamLog: this.config } };
    return { filters: [{ ...router, extension }] };
  }

  /** For `InProcessOptions.register`. */
  readonly register = (registry: FactoryRegistry): void => {
    const logger: AccessLogger = { log: (context) => this.note(context), needsRequestHeaders: true, needsResponseHeaders: true };
    registry.register({ category: ACCESS_LOGGER_CATEGORY, name: 'note', typeName: 'note', parse: (message: object) => message, createFactory: () => logger });
  };

  private note({ logType, info, responseHeaders, responseTrailers, requestHeaders }: LogContext): void {
    if (info === null) throw new Error('a line about nothing');
    if (requestHeaders === null || requestHeaders.pathLength === 0) throw new Error('the request headers are gone');
    const flags = RESPONSE_FLAG_NAMES.filter(([bit]) => (info.responseFlags & bit) !== 0).map(([, short]) => short).join(',');
    this.wire.push([info.upstreamWireBytesSent, info.upstreamWireBytesReceived]);
    this.lines.push(
      [ACCESS_LOG_TYPE_TEXT[logType], info.responseCode, flags || '-', 'sent', info.bytesSent, 'received', info.bytesReceived, responseHeaders?.getByName('x-try') ?? '-', responseTrailers?.getByName('x-try') ?? '-'].join(' '),
    );
  }
}
