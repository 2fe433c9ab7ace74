/** What the loggers that write lines share: their configuration, and how it becomes a logger. */
import type { AccessLogger } from '../../../core/access_log/access_log.ts';
import type { AccessLoggerContext } from '../../../core/access_log/create_access_loggers.ts';
import { DEFAULT_LINE_FORMAT, type LineLogConfig } from '../../../core/access_log/line_log_config.ts';
import { LineLogger } from '../../../core/access_log/line_logger.ts';
import type { SubstitutionFormatString } from '../../../core/api/gen/envoy/config/core/v3/substitution_format_string_pb.d.ts';
import type { BodyFormatConfig } from '../../../core/formatter/format_config.ts';
import { compileFormat } from '../../../core/formatter/formatter.ts';
import { parseFormat } from '../../../core/formatter/parse_format.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';

/** `log_format`, or the default. */
export function parseLineFormat(message: SubstitutionFormatString | undefined, context: ParseContext): BodyFormatConfig {
  if (message === undefined) return DEFAULT_LINE_FORMAT;
  // Lines have no content type: what is set is without effect, and said to be when nobody reads it.
  return parseFormat(message, context);
}

/** Compiles the format and takes a sink. Config time, on the worker. */
export function createLineLogger(config: LineLogConfig, context: AccessLoggerContext): AccessLogger {
  return new LineLogger(context.filter, compileFormat(config.format, context.environment), context.sinks.sink(config.destination));
}
