import { fromBinary, type Message } from '@bufbuild/protobuf';
import { type ConfigNode, nodeToJson } from '../../core/api/config_node.ts';
import { isV2Hint } from '../../core/api/field_advice.ts';
import { type ConvertOptions, MessageConverter } from '../../core/api/message_converter.ts';
import { importMessage } from '../../core/api/message_import.ts';
import { SourceText } from '../../core/api/source_text.ts';
import { textProtoToNode } from '../../core/api/text_proto_nodes.ts';
import { parseTextProto, TextSyntaxError } from '../../core/api/text_proto_syntax.ts';
import { RuleValidator } from '../../core/api/validate_rules.ts';
import type { LoadedConfig } from './loaded_config.ts';
import { type ParsedText, parseText, type TextFormat } from './parsed_text.ts';

/** What a configuration is written in; `text` is protobuf's text format. */
export type ConfigFormat = TextFormat | 'binary' | 'text';

/**
 * Reads one text as a message of `typeName` into `config` (its tree and its problems); the caller decides what to do with it.
 * @returns undefined when it could not be read at all; errors are in `config.problems` either way.
 */
export function readMessage(config: LoadedConfig<object>, typeName: string, file: string, content: string | Uint8Array, format: ConfigFormat, options: ConvertOptions): Message | undefined {
  if (format === 'binary') {
    const desc = config.registry.requireMessage(typeName);
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
    try {
      const message = fromBinary(desc, bytes);
      importMessage(config.tree, config.registry, desc, message, '', config.problems);
      return message;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      config.problems.add({ severity: 'error', text: `Unable to parse '${file}' as a binary ${typeName}: ${reason}`, range: undefined, path: '', hints: [] });
      return undefined;
    }
  }
  const source = new SourceText(file, typeof content === 'string' ? content : Buffer.from(content).toString('utf8'));
  if (format === 'text') return readTextProto(config, typeName, source, options);
  return convertText(config, typeName, parseText(source, format), options);
}

function readTextProto(config: LoadedConfig<object>, typeName: string, source: SourceText, options: ConvertOptions): Message | undefined {
  let node: ConfigNode;
  try {
    node = textProtoToNode(parseTextProto(source), config.registry.requireMessage(typeName), config.registry);
  } catch (error) {
    if (!(error instanceof TextSyntaxError)) throw error;
    const text = `Unable to parse file "${source.file}" as a text protobuf (type ${typeName})`;
    config.problems.add({ severity: 'error', text, range: error.range, path: '', hints: [error.message] });
    return undefined;
  }
  return convertText(config, typeName, { source, node, format: 'json', problems: [] }, options);
}

/** The second half of `readMessage`, for a text whose syntax has been read already. */
function convertText(config: LoadedConfig<object>, typeName: string, parsed: ParsedText, options: ConvertOptions): Message | undefined {
  const { source, format, node } = parsed;
  for (const problem of parsed.problems) config.problems.add(problem);
  if (node === undefined) return undefined;
  if (!isConvertible(config, node, format, source)) return undefined;
  const desc = config.registry.requireMessage(typeName);
  const converter = new MessageConverter(config.tree, config.registry, config.problems, options);
  const message = converter.convert(desc, node, '', { source, start: node.range.start, end: node.range.start + 1 });
  config.unknownFieldCount += converter.unknownFieldCount;
  reportV2(config, source);
  return message;
}

/** Enforces validate.rules on the message and reports types that do not exist. Call once, after merging. */
export function validateMessage(config: LoadedConfig<object>, message: Message): void {
  new RuleValidator(config.registry, config.tree, config.problems).validate(message);
}

/** A configuration is a map; anything else gets Envoy's words for it. */
function isConvertible(config: LoadedConfig<object>, node: ConfigNode, format: TextFormat, source: SourceText): boolean {
  if (node.kind === 'map') return true;
  const range = { source, start: node.range.start, end: Math.min(node.range.start + 1, source.text.length) };
  const isScalar = node.kind !== 'list';
  const text =
    format === 'yaml' && isScalar
      ? `Unable to convert YAML as JSON: ${source.text.length > 200 ? `${source.text.slice(0, 200)}…` : source.text}`
      : `Unable to parse JSON as proto (INVALID_ARGUMENT: expected a map at the top): ${nodeToJson(node, 200)}`;
  const hints = node.kind === 'null' ? ['the configuration is empty'] : ['a configuration is a map such as "static_resources: {...}"'];
  config.problems.add({ severity: 'error', text, range, path: '', hints });
  return false;
}

/** One sentence above the single complaints when a file was written for the v2 API. */
function reportV2(config: LoadedConfig<object>, source: SourceText): void {
  const isV2 = config.problems.errors().some((problem) => problem.range?.source === source && problem.hints.some(isV2Hint));
  if (!isV2) return;
  const text = 'this configuration is written for the v2 API, which is not supported; only v3 is';
  config.problems.add({ severity: 'error', text, range: { source, start: 0, end: 0 }, path: '', hints: [] });
}
