/** `bootstrap.application_log_config`: the process log's line format. Thread: main. */
import type { Bootstrap, Bootstrap_ApplicationLogConfig_LogFormat } from '../../core/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import { jsonLogPattern } from '../../core/log/log_pattern.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';

/** The pattern, or undefined when the bootstrap sets none. Problems go to the context. */
export function parseApplicationLog(bootstrap: Bootstrap, isLogFormatSet: boolean, context: ParseContext): string | undefined {
  const config = bootstrap.applicationLogConfig;
  const format = config?.logFormat;
  if (config === undefined || format === undefined) return undefined;
  if (isLogFormatSet) {
    context.error(config, 'log_format', 'Only one of ApplicationLogConfig.log_format or CLI option --log-format can be specified.');
  }
  return patternOf(format, context);
}

function patternOf(format: Bootstrap_ApplicationLogConfig_LogFormat, context: ParseContext): string | undefined {
  switch (format.logFormat.case) {
    case 'textFormat':
      return format.logFormat.value;
    case 'jsonFormat': {
      const result = jsonLogPattern(format.logFormat.value);
      if ('pattern' in result) return result.pattern;
      context.error(format, 'json_format', result.error);
      return undefined;
    }
    default:
      return undefined;
  }
}
