/** What the server gets from the outside world in a real process. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { systemRandom } from '../core/base/random.ts';
import type { FactoryRegistry } from '../core/registry/factory_registry.ts';
import type { BuildInfo } from '../server/bootstrap/build_info.ts';
import type { Options } from '../server/bootstrap/options.ts';
import type { RunEnvironment } from '../server/run.ts';
import type { ServerEnvironment } from '../server/server.ts';
import { withoutDisabled } from './disabled_extensions.ts';

export interface Composition {
  readonly options: Options;
  readonly notices: readonly string[];
  readonly build: BuildInfo;
  /** Every extension that is built in. */
  readonly extensions: FactoryRegistry;
  /** An empty registry, used when some extensions are disabled. */
  readonly emptyRegistry: FactoryRegistry;
  readonly workerEntry: URL;
  readonly flushEntry: URL;
  /** The module that reads large configurations (config_main.ts). */
  readonly configEntry: URL;
  /** The module that answers /explain (explain_main.ts). */
  readonly explainEntry: URL;
}

/** Everything that `run` wants. */
export function composeEnvironment(composition: Composition): RunEnvironment {
  const { options, build, workerEntry, flushEntry, configEntry, explainEntry } = composition;
  const { registry, sentences } = withoutDisabled(composition.extensions, composition.emptyRegistry, options.disabledExtensions);
  return {
    options, build, registry, notices: [...composition.notices, ...sentences], workerEntry, flushEntry, configEntry, explainEntry, startAdmin,
    random: systemRandom,
    readTextFile: createCachedReader(),
    writeTextFile: (path, text) => writeFileSync(path, text),
    writeStdout: (text) => process.stdout.write(text),
    writeStderr: (text) => process.stderr.write(text),
    abort: () => process.abort(),
  };
}

const startAdmin: ServerEnvironment['startAdmin'] = async (instance, { address, allowPaths }) => {
  if (address === null) throw new Error('no admin address');
  // Loaded only where there is an admin interface.
  const { Admin } = await import('../admin/admin.ts');
  const isPipe = address.address.startsWith('/') || address.address.startsWith('@');
  const admin = new Admin(instance, {
    address: isPipe ? { kind: 'pipe', path: address.address } : { kind: 'tcp', host: address.address, port: address.port },
    allowPaths,
  });
  return { address: await admin.start(), close: () => admin.close() };
};

/** Reads text files, again only when they have changed. */
function createCachedReader(): (path: string) => string | undefined {
  const known = new Map<string, { readonly mtimeMs: number; readonly text: string }>();
  return (path) => {
    try {
      const { mtimeMs } = statSync(path);
      const cached = known.get(path);
      if (cached !== undefined && cached.mtimeMs === mtimeMs) return cached.text;
      const text = readFileSync(path, 'utf8');
      known.set(path, { mtimeMs, text });
      return text;
    } catch {
      return undefined;
    }
  };
}
