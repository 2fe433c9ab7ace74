import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bootstrap } from '../../core/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { BOOTSTRAP_TYPE, formatOf } from '../../server/bootstrap/load_bootstrap.ts';
import { readMessage, validateMessage } from '../../server/config/config_loader.ts';
import { LoadedConfig } from '../../server/config/loaded_config.ts';
import { buildConfig } from '../../server/config/snapshot_builder.ts';
import { testDescriptors } from './parse_yaml.ts';
import { tlsFile } from './tls/certificates.ts';

/** The collection of real configurations that lies beside the checkout on development machines. */
export const CASES_DIR = fileURLToPath(new URL('../../../shared/cases/', import.meta.url));

/** What became of one configuration: the first stage alone, and the whole. */
export interface CaseOutcome {
  /** Protos and validate.rules: `loads` or `refused`, then the sentences. */
  readonly load: string;
  /** Building the configuration: `loads`, `loads with warnings` or `refused`; '' when it did not get that far or was not tried. */
  readonly build: string;
  /** Sentences of the last stage, without positions, each once. */
  readonly reasons: readonly string[];
}

/** Case files of a folder, sorted; empty when the collection is not there. */
export function caseFiles(folder: string): string[] {
  const dir = join(CASES_DIR, folder);
  return existsSync(dir) ? readdirSync(dir).sort().map((name) => join(dir, name)) : [];
}

/** The message type that a case file holds: bootstraps, but for the discovery responses among them. */
export function caseType(path: string): string {
  const name = basename(path);
  if (name.includes('__http-route_config')) return 'envoy.config.route.v3.RouteConfiguration';
  const isResponse = /server_xds\.(?!bootstrap)|schema_validator-lds|dynamic-[cl]ds|fs-configs-[cl]ds|configurations-lds/.test(name);
  return isResponse ? 'envoy.service.discovery.v3.DiscoveryResponse' : BOOTSTRAP_TYPE;
}

/** Fills the placeholders of the template cases with what their own test rigs would. */
export function fillTemplate(text: string): string {
  const value = (name: string): string => {
    if (name === 'enable_reuse_port') return 'true';
    if (/PORT|port|upstream_\d/.test(name)) return '10001';
    if (name === 'dns_lookup_family') return 'V4_ONLY';
    if (/path|dir/.test(name)) return '/tmp/envoyts';
    return /addr|ip|IP/.test(name) ? '127.0.0.1' : 'localhost';
  };
  return text.replace(/\{\{ (\w+) \}\}|\$\{(\w+)\}|\$([a-z_]+)|\b(HOST_(?:IP|PORT))\b/g, (_, a, b, c, d) => value(String(a ?? b ?? c ?? d)));
}

/** Loads (and builds, where there are factories and it is a bootstrap) one case file. */
export function loadCase(path: string, factories: FactoryRegistry | undefined): CaseOutcome {
  const config = new LoadedConfig<Bootstrap>(testDescriptors());
  const type = caseType(path);
  const raw = readFileSync(path, 'utf8');
  const text = path.includes('/template/') ? fillTemplate(raw) : raw;
  const message = readMessage(config, type, basename(path), text, formatOf(path), { unknownFields: 'error', skipDeprecated: false });
  if (message !== undefined) {
    config.setRoot(message);
    validateMessage(config, message);
    if (config.problems.hasErrors || factories === undefined || type !== BOOTSTRAP_TYPE) config.reportUnknownTypes();
  }
  const load = config.problems.hasErrors ? 'refused' : 'loads';
  if (load === 'refused' || factories === undefined || type !== BOOTSTRAP_TYPE) {
    return { load, build: '', reasons: sentences(config) };
  }
  // Files that a case names are not on this machine; the outcome must not depend on that.
  config.files = { readFile: contentOf };
  structuredClone(buildConfig(config.message, [], config.context(factories)));
  config.finish();
  const reasons = sentences(config);
  return { load, build: config.problems.hasErrors ? 'refused' : reasons.length > 0 ? 'loads with warnings' : 'loads', reasons };
}

/** Errors if there are any, else warnings. Paths are dropped from the texts: the fields' full names say enough. */
function sentences(config: LoadedConfig<object>): string[] {
  const problems = config.problems.hasErrors ? config.problems.errors() : config.problems.warnings();
  const texts = problems.map((problem) => {
    const unread = /\(([\w.]+)\) has no effect here$/.exec(problem.text);
    const text = unread !== null ? `no effect: ${unread[1]}` : problem.path === '' ? problem.text : problem.text.replaceAll(`${problem.path}: `, '').replaceAll(problem.path, '<path>');
    return text.length > 200 ? `${text.slice(0, 197)}...` : text;
  });
  return [...new Set(texts)];
}

/** What the files that a case names may hold: cases come without them. */
function contentOf(path: string): Uint8Array {
  if (!/\.(pem|crt|cert|key)$/.test(path)) return new TextEncoder().encode('file content');
  return new TextEncoder().encode(tlsFile(/key/.test(path) ? 'server.key.pem' : 'server.pem'));
}
