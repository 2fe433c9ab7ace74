import { readFileSync } from 'node:fs';
import { create, type Message } from '@bufbuild/protobuf';
import type { Bootstrap } from '../../core/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import type { ConvertOptions } from '../../core/api/message_converter.ts';
import { mergeMessage } from '../../core/api/message_merge.ts';
import type { ProtoRegistry } from '../../core/api/proto_registry.ts';
import { whyNotAppendable } from '../config/appendable_file.ts';
import { type ConfigFormat, readMessage, validateMessage } from '../config/config_loader.ts';
import { LoadedConfig } from '../config/loaded_config.ts';

/** Where the bootstrap comes from and how strictly it is read. */
export interface BootstrapSource {
  /** `--config-path`, '' when not given. */
  readonly configPath: string;
  /** `--config-yaml`, '' when not given. */
  readonly configYaml: string;
  /** `--allow-unknown-static-fields`: unknown fields are warnings. */
  readonly allowUnknownStaticFields: boolean;
  /** `--skip-deprecated-logs`. */
  readonly skipDeprecatedLogs: boolean;
}

/** Full name of the root message. */
export const BOOTSTRAP_TYPE = 'envoy.config.bootstrap.v3.Bootstrap';

/**
 * Reads the bootstrap: the file by its suffix (`.yaml`/`.yml` YAML, `.pb` binary, `.pb_text` text format, anything
 * else JSON), the YAML text merged over it as protobuf's MergeFrom does; then enforces validate.rules. Never throws on bad input:
 * look at `problems.hasErrors`, then build from `message`, then call `finish()`.
 */
export function loadBootstrap(source: BootstrapSource, registry: ProtoRegistry): LoadedConfig<Bootstrap> {
  const config = new LoadedConfig<Bootstrap>(registry);
  config.files = { readFile: (path) => readFileSync(path), whyNotAppendable };
  const options: ConvertOptions = {
    unknownFields: source.allowUnknownStaticFields ? 'warn' : 'error',
    skipDeprecated: source.skipDeprecatedLogs,
  };
  if (source.configPath === '' && source.configYaml === '') {
    report(config, 'At least one of --config-path or --config-yaml or Options::configProto() should be non-empty');
    return config;
  }
  const desc = registry.requireMessage(BOOTSTRAP_TYPE);
  const root = create(desc);
  config.tree.addMessage(root, desc, '', undefined);
  if (source.configPath !== '') {
    const message = readConfigFile(config, source.configPath, options);
    if (message !== undefined) mergeMessage(config.tree, root, message);
  }
  if (source.configYaml !== '') {
    const message = readMessage(config, BOOTSTRAP_TYPE, '--config-yaml', source.configYaml, 'yaml', options);
    if (message !== undefined) mergeMessage(config.tree, root, message);
  }
  config.setRoot(root);
  validateMessage(config, root);
  // With errors nothing will be built, so nobody will open these; without, whoever opens them knows what may stand there.
  if (config.problems.hasErrors) config.reportUnknownTypes();
  return config;
}

/** The format that a file name stands for. */
export function formatOf(path: string): ConfigFormat {
  const name = path.toLowerCase();
  if (name.endsWith('.yaml') || name.endsWith('.yml')) return 'yaml';
  if (name.endsWith('.pb')) return 'binary';
  return name.endsWith('.pb_text') ? 'text' : 'json';
}

function readConfigFile(config: LoadedConfig<Bootstrap>, path: string, options: ConvertOptions): Message | undefined {
  let content: Uint8Array;
  try {
    content = readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^\w+: /, '').replace(/, \w+ '.*$/, '') : String(error);
    report(config, `unable to read file: ${path} (${reason})`);
    return undefined;
  }
  return readMessage(config, BOOTSTRAP_TYPE, path, content, formatOf(path), options);
}

function report(config: LoadedConfig<Bootstrap>, text: string): void {
  config.problems.add({ severity: 'error', text, range: undefined, path: '', hints: [] });
}
