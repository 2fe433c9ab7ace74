import type { ProtoRegistry } from '../../core/api/proto_registry.ts';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import { loadDescriptors } from '../../server/bootstrap/load_descriptors.ts';
import { readMessage, validateMessage } from '../../server/config/config_loader.ts';
import { LoadedConfig } from '../../server/config/loaded_config.ts';

/** A message read from YAML as the product reads it, with everything a `parse` needs. */
export interface ParsedYaml {
  /** The tracked message: cast it to its generated type. */
  readonly message: object;
  readonly context: ParseContext;
  /** Error sentences, sorted by position. Call after your parse. */
  errors(): string[];
  /** Warning sentences, those for unread fields included. Call after your parse; unread fields are listed only without errors. */
  warnings(): string[];
  readonly config: LoadedConfig<object>;
}

let descriptors: ProtoRegistry | undefined;

/** The API descriptors, read once per test file. */
export function testDescriptors(): ProtoRegistry {
  descriptors ??= loadDescriptors();
  return descriptors;
}

/**
 * Reads YAML as a message of `typeName` (full name, no prefix) and enforces validate.rules. The file is called `test.yaml` in
 * positions. `registry` holds the factories that `context.parseExtension` may find. Throws when the text is not YAML at all.
 */
export function parseYamlMessage(yaml: string, typeName: string, registry?: FactoryRegistry): ParsedYaml {
  const config = new LoadedConfig<object>(testDescriptors());
  const message = readMessage(config, typeName, 'test.yaml', yaml, 'yaml', { unknownFields: 'error', skipDeprecated: false });
  if (message === undefined) throw new Error(config.problems.errors().map((problem) => problem.text).join('\n'));
  config.setRoot(message);
  validateMessage(config, message);
  return {
    message: config.message,
    context: config.context(registry ?? new FactoryRegistry()),
    errors: () => config.problems.errors().map((problem) => problem.text),
    warnings: () => {
      config.finish();
      return config.problems.warnings().map((problem) => problem.text);
    },
    config,
  };
}
