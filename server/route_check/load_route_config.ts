/** The routes that a check runs against: a RouteConfiguration, or a whole bootstrap's. Thread: main. */
import { readFileSync } from 'node:fs';
import type { DescMessage } from '@bufbuild/protobuf';
import type { RouteConfiguration } from '../../core/api/gen/envoy/config/route/v3/route_pb.d.ts';
import type { ProtoRegistry } from '../../core/api/proto_registry.ts';
import { SourceText } from '../../core/api/source_text.ts';
import { parseTextProto, TextSyntaxError } from '../../core/api/text_proto_syntax.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { parseRouteConfig } from '../../core/route/parse_route_config.ts';
import type { RouteConfig } from '../../core/route/route_config.ts';
import { BOOTSTRAP_TYPE, formatOf, loadBootstrap } from '../bootstrap/load_bootstrap.ts';
import { whyNotAppendable } from '../config/appendable_file.ts';
import { ConfigError } from '../config/config_error.ts';
import { readMessage, validateMessage } from '../config/config_loader.ts';
import { LoadedConfig } from '../config/loaded_config.ts';
import { parseText } from '../config/parsed_text.ts';
import { buildConfig } from '../config/snapshot_builder.ts';
import { routesOf } from '../explain/connection_managers.ts';

export const ROUTE_CONFIGURATION_TYPE = 'envoy.config.route.v3.RouteConfiguration';

/** Which routes are meant, and how strictly they are read. */
export interface RouteSource {
  readonly path: string;
  /** Names that choose among a bootstrap's route tables; '' = any. */
  readonly listener: string;
  readonly routeConfig: string;
  readonly skipDeprecated: boolean;
}

/** A sentence about what cannot be checked; not about the configuration itself. */
export class CheckError extends Error {}

export interface LoadedRoutes {
  readonly config: RouteConfig;
  /** Problems that are no errors, as found. */
  readonly warnings: LoadedConfig<object>['problems'];
}

/**
 * Reads the routes. Whether a file is a bootstrap is told by its fields (or by the names given).
 * @throws ConfigError with everything that is wrong; CheckError when the file cannot be read or the choice is not clear.
 */
export function loadRouteConfig(source: RouteSource, descriptors: ProtoRegistry, factories: FactoryRegistry): LoadedRoutes {
  const content = readFileOrFail(source.path);
  const isBootstrap = source.listener !== '' || source.routeConfig !== '' || looksLikeBootstrap(source.path, content, descriptors);
  return isBootstrap ? fromBootstrap(source, descriptors, factories) : fromRouteConfiguration(source, content, descriptors, factories);
}

/** @throws CheckError */
export function readFileOrFail(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CheckError(`unable to read file: ${path} (${error instanceof Error ? error.message.replace(/, \w+ '.*$/, '') : String(error)})`);
  }
}

function fromRouteConfiguration(source: RouteSource, content: Uint8Array, descriptors: ProtoRegistry, factories: FactoryRegistry): LoadedRoutes {
  const loaded = new LoadedConfig<RouteConfiguration>(descriptors);
  loaded.files = { readFile: (path) => readFileSync(path), whyNotAppendable };
  const options = { unknownFields: 'error', skipDeprecated: source.skipDeprecated } as const;
  const message = readMessage(loaded, ROUTE_CONFIGURATION_TYPE, source.path, content, formatOf(source.path), options);
  if (message !== undefined) {
    loaded.setRoot(message);
    validateMessage(loaded, message);
  }
  throwErrors(loaded);
  // There is no list of clusters to check against.
  const config = parseRouteConfig(loaded.message, false, loaded.context(factories));
  loaded.finish();
  throwErrors(loaded);
  return { config, warnings: loaded.problems };
}

function fromBootstrap(source: RouteSource, descriptors: ProtoRegistry, factories: FactoryRegistry): LoadedRoutes {
  const loaded = loadBootstrap({ configPath: source.path, configYaml: '', allowUnknownStaticFields: false, skipDeprecatedLogs: source.skipDeprecated }, descriptors);
  throwErrors(loaded);
  const { listeners } = buildConfig(loaded.message, [], loaded.context(factories));
  loaded.finish();
  throwErrors(loaded);
  const all = routesOf(listeners);
  const chosen = all.filter(({ listener, routeConfig }) =>
    (source.listener === '' || listener.name === source.listener) && (source.routeConfig === '' || routeConfig.name === source.routeConfig));
  if (chosen.length === 1) return { config: chosen[0].routeConfig, warnings: loaded.problems };
  const list = all.map(({ listener, routeConfig }) => `  --listener '${listener.name}' --route-config '${routeConfig.name}'`).join('\n');
  if (all.length === 0) throw new CheckError(`${source.path}: the bootstrap has no route tables`);
  throw new CheckError(`${source.path}: ${chosen.length === 0 ? 'no route table is called so' : 'several route tables fit'}; there are\n${list}`);
}

/** Whether some field at the top is one of a bootstrap and none of a route configuration. */
function looksLikeBootstrap(path: string, content: Uint8Array, descriptors: ProtoRegistry): boolean {
  const bootstrap = fieldNames(descriptors.requireMessage(BOOTSTRAP_TYPE));
  const routes = fieldNames(descriptors.requireMessage(ROUTE_CONFIGURATION_TYPE));
  return topLevelNames(path, content).some((name) => bootstrap.has(name) && !routes.has(name));
}

function topLevelNames(path: string, content: Uint8Array): string[] {
  const format = formatOf(path);
  // A binary proto tells nothing: name the listener or the route table.
  if (format === 'binary') return [];
  const text = new SourceText(path, Buffer.from(content).toString('utf8'));
  if (format !== 'text') {
    const { node } = parseText(text, format);
    return node?.kind === 'map' ? node.entries.map((entry) => entry.key) : [];
  }
  try {
    return parseTextProto(text).fields.map((field) => field.name);
  } catch (error) {
    // Reported, with its place, when the file is read as what it claims to be.
    if (error instanceof TextSyntaxError) return [];
    throw error;
  }
}

function fieldNames(desc: DescMessage): Set<string> {
  return new Set(desc.fields.flatMap((field) => [field.name, field.jsonName]));
}

/** @throws ConfigError when something was wrong so far. */
export function throwErrors(loaded: LoadedConfig<object>): void {
  if (loaded.problems.hasErrors) throw new ConfigError(loaded.problems.errors());
}
