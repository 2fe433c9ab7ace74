import type { AccessLogger } from '../../../core/access_log/access_log.ts';
import { ACCESS_LOGGER_CATEGORY, type AccessLoggerContext } from '../../../core/access_log/create_access_loggers.ts';
import type { StdoutAccessLog } from '../../../core/api/gen/envoy/extensions/access_loggers/stream/v3/stream_pb.d.ts';
import type { ExtensionFactory } from '../../../core/registry/factory_registry.ts';
import type { LineLogConfig } from '../../../core/access_log/line_log_config.ts';
import { createLineLogger, parseLineFormat } from '../common/line_log.ts';

/** envoy.access_loggers.stdout: lines on the process's standard output. */
export const stdoutAccessLogFactory: ExtensionFactory<LineLogConfig, AccessLoggerContext, AccessLogger> = {
  category: ACCESS_LOGGER_CATEGORY,
  name: 'envoy.access_loggers.stdout',
  typeName: 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  parse: (message, context) => {
    const config = message as StdoutAccessLog;
    const format = config.accessLogFormat;
    return { destination: '/dev/stdout', format: parseLineFormat(format.case === 'logFormat' ? format.value : undefined, context) };
  },
  createFactory: createLineLogger,
};
