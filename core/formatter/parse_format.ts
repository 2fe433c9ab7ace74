/** SubstitutionFormatString to plain data, checked. Thread: main, config time. */
import type { SubstitutionFormatString } from '../api/gen/envoy/config/core/v3/substitution_format_string_pb.d.ts';
import { readDataSource } from '../registry/data_source.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import type { BodyFormatConfig } from './format_config.ts';
import { createFormatNeeds, type FormatEnvironment } from './format_environment.ts';
import { compileJson, compileText } from './formatter.ts';

/** Formatter extensions whose operators are always there. */
const BUILT_IN_FORMATTERS = [
  'envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery',
  'envoy.extensions.formatter.metadata.v3.Metadata',
  'envoy.extensions.formatter.cel.v3.Cel',
];

/** Enough to compile a format for its mistakes: nothing is interned. */
const CHECK_ENVIRONMENT: FormatEnvironment = {
  names: { intern: () => 1 },
  hostname: '',
  variables: {},
  nowWallMs: () => 0,
  random: () => 0,
  needs: createFormatNeeds(),
};

/** Reports every mistake of a text format at `holder.field`. */
export function checkTextFormat(text: string, holder: object, field: string | undefined, context: ParseContext): void {
  if (text.includes('%')) compileText(text, false, CHECK_ENVIRONMENT, (mistake) => context.error(holder, field, mistake));
}

/** Whether a text is a format without mistakes. */
export function isTextFormat(text: string): boolean {
  let isRight = true;
  compileText(text, false, CHECK_ENVIRONMENT, () => {
    isRight = false;
  });
  return isRight;
}

/** Reports every mistake of a JSON format at `holder.field`. */
export function checkJsonFormat(json: unknown, holder: object, field: string | undefined, context: ParseContext): void {
  compileJson(json, false, CHECK_ENVIRONMENT, (mistake) => context.error(holder, field, mistake));
}

/** envoy.config.core.v3.SubstitutionFormatString. The content type is the given one, else that of text or JSON. */
export function parseFormat(message: SubstitutionFormatString, context: ParseContext): BodyFormatConfig {
  checkFormatters(message, context);
  const omitEmptyValues = message.omitEmptyValues;
  const format = message.format;
  if (format.case === 'jsonFormat') {
    // Keys are always sorted.
    if (message.jsonFormatOptions !== undefined) context.consume(message, 'json_format_options');
    const json: unknown = structuredClone(format.value);
    checkJsonFormat(json, message, 'json_format', context);
    return { kind: 'json', json, contentType: message.contentType || 'application/json', omitEmptyValues };
  }
  let text = '';
  if (format.case === 'textFormat') {
    text = format.value;
    checkTextFormat(text, message, 'text_format', context);
  } else if (format.case === 'textFormatSource') {
    text = Buffer.from(readDataSource(format.value, message, 'text_format_source', context)).toString();
    checkTextFormat(text, message, 'text_format_source', context);
  } else {
    context.error(message, undefined, 'one of text_format_source, json_format or text_format must be set');
  }
  return { kind: 'text', text, contentType: message.contentType || 'text/plain', omitEmptyValues };
}

function checkFormatters(message: SubstitutionFormatString, context: ParseContext): void {
  message.formatters.forEach((formatter, index) => {
    const config = formatter.typedConfig;
    const opened = config === undefined ? undefined : context.unpackAny(config);
    if (opened === undefined) return;
    context.consume(opened.message);
    context.consume(formatter, 'name');
    if (!BUILT_IN_FORMATTERS.includes(opened.typeName)) context.refuse(message, `formatters[${index}]`, `formatter ${opened.typeName}`);
  });
}
