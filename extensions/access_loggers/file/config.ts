import type { AccessLogger } from '../../../core/access_log/access_log.ts';
import { DEFAULT_LINE_FORMAT, FILE_LOGGER_TYPE, type LineLogConfig } from '../../../core/access_log/line_log_config.ts';
import { ACCESS_LOGGER_CATEGORY, type AccessLoggerContext } from '../../../core/access_log/create_access_loggers.ts';
import type { FileAccessLog } from '../../../core/api/gen/envoy/extensions/access_loggers/file/v3/file_pb.d.ts';
import type { BodyFormatConfig } from '../../../core/formatter/format_config.ts';
import { checkJsonFormat, checkTextFormat, parseFormat } from '../../../core/formatter/parse_format.ts';
import type { ExtensionFactory } from '../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';
import { createLineLogger } from '../common/line_log.ts';

/** envoy.access_loggers.file: lines appended to a file. */
export const fileAccessLogFactory: ExtensionFactory<LineLogConfig, AccessLoggerContext, AccessLogger> = {
  category: ACCESS_LOGGER_CATEGORY,
  name: 'envoy.access_loggers.file',
  typeName: FILE_LOGGER_TYPE,
  parse: (message, context) => {
    const config = message as FileAccessLog;
    checkDestination(config, context);
    return { destination: config.path, format: parseFileFormat(config, context) };
  },
  createFactory: createLineLogger,
};

/** As Envoy: what cannot be opened is refused when the configuration is loaded. Standard streams are open already. */
function checkDestination(config: FileAccessLog, context: ParseContext): void {
  const { path } = config;
  if (path === '/dev/stdout' || path === '/dev/stderr') return;
  const reason = context.whyNotAppendable?.(path);
  if (reason !== undefined) context.error(config, 'path', `unable to open file '${path}': ${reason}`);
}

function parseFileFormat(config: FileAccessLog, context: ParseContext): BodyFormatConfig {
  const format = config.accessLogFormat;
  switch (format.case) {
    case 'logFormat':
      return parseFormat(format.value, context);
    case 'format':
      // An empty format string asks for the default one.
      if (format.value === '') return DEFAULT_LINE_FORMAT;
      checkTextFormat(format.value, config, 'format', context);
      return { kind: 'text', text: format.value, contentType: 'text/plain', omitEmptyValues: false };
    case 'jsonFormat':
    case 'typedJsonFormat': {
      const json: unknown = structuredClone(format.value);
      checkJsonFormat(json, config, format.case === 'jsonFormat' ? 'json_format' : 'typed_json_format', context);
      return { kind: 'json', json, contentType: 'application/json', omitEmptyValues: false };
    }
    case undefined:
      return DEFAULT_LINE_FORMAT;
  }
}
