import type { AccessLogger } from '../../../core/access_log/access_log.ts';
import { ACCESS_LOGGER_CATEGORY, type AccessLoggerContext } from '../../../core/access_log/create_access_loggers.ts';
import type { StderrAccessLog } from '../../../core/api/gen/envoy/extensions/access_loggers/stream/v3/stream_pb.d.ts';
import type { ExtensionFactory } from '../../../core/registry/factory_registry.ts';
import type { LineLogConfig } from '../../../core/access_log/line_log_config.ts';
import { createLineLogger, parseLineFormat } from '../common/line_log.ts';

/** envoy.access_loggers.stderr: lines on the process's standard error. */
export const stderrAccessLogFactory: ExtensionFactory<LineLogConfig, AccessLoggerContext, AccessLogger> = {
  category: ACCESS_LOGGER_CATEGORY,
  name: 'envoy.access_loggers.stderr',
  typeName: 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog',
  parse: (message, context) => {
    const config = message as StderrAccessLog;
    const format = config.accessLogFormat;
    return { destination: '/dev/stderr', format: parseLineFormat(format.case === 'logFormat' ? format.value : undefined, context) };
  },
  createFactory: createLineLogger,
};
