import type { Http1ProtocolOptions } from '../api/gen/envoy/config/core/v3/protocol_pb.d.ts';
import type { PreserveCaseConfig } from '../headers/header_spelling.ts';
import type { AnyMessage, ParseContext } from '../registry/parse_context.ts';

/** Category of stateful header formatters; their product is a PreserveCaseConfig. */
export const HEADER_FORMATTER_CATEGORY = 'envoy.http.stateful_header_formatters';

/** How names are written on one side of HTTP/1. */
export interface HeaderFormat {
  readonly properCaseWords: boolean;
  readonly preserveCase: PreserveCaseConfig | null;
}

/** header_key_format, of a listener or a cluster. Thread: main, config time. */
export function parseHeaderFormat(message: Http1ProtocolOptions | undefined, context: ParseContext): HeaderFormat {
  const format = message?.headerKeyFormat;
  if (format === undefined) return { properCaseWords: false, preserveCase: null };
  const { headerFormat } = format;
  switch (headerFormat.case) {
    case 'properCaseWords':
      context.consume(format, 'proper_case_words');
      return { properCaseWords: true, preserveCase: null };
    case 'statefulFormatter': {
      const { name, typedConfig } = headerFormat.value;
      const extension = context.parseExtension(HEADER_FORMATTER_CATEGORY, name, typedConfig as AnyMessage | undefined, headerFormat.value, 'typed_config');
      return { properCaseWords: false, preserveCase: extension === undefined ? null : (extension.config as PreserveCaseConfig) };
    }
    default:
      context.error(format, undefined, 'one of proper_case_words or stateful_formatter must be set');
      return { properCaseWords: false, preserveCase: null };
  }
}
