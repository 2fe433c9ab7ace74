/**
 * The composition root: brings the command line, the extensions, the server and the admin interface together. The one place that
 * ends the process.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readBuildInfo } from '../server/bootstrap/build_info.ts';
import { type Options, parseCommandLine } from '../server/bootstrap/options.ts';
import type { FactoryRegistry } from '../core/registry/factory_registry.ts';

/** The package's folder: above bin/, and above dist/ when built. */
const HERE = new URL('..', import.meta.url);
const IS_BUILT = import.meta.url.endsWith('.js');
const ROOT = IS_BUILT ? new URL('..', HERE) : HERE;
const SUFFIX = IS_BUILT ? 'js' : 'ts';

async function main(): Promise<number> {
  const build = readBuildInfo(ROOT);
  const parsed = parseCommandLine(process.argv.slice(2), {
    availableParallelism: availableParallelism(), io: process.env['ENVOYTS_IO'], log: process.env['ENVOYTS_LOG'], version: build.text,
  });
  if (parsed.kind === 'exit') {
    process.stdout.write(parsed.stdout);
    process.stderr.write(parsed.stderr);
    return parsed.code;
  }
  const { options, notices } = parsed;
  // Only now: an answer to --help does not wait for the rest.
  const [{ run }, { FactoryRegistry }, { registerAllExtensions }] = await Promise.all([
    import('../server/run.ts'), import('../core/registry/factory_registry.ts'), import('../extensions/all_extensions.ts'),
  ]);
  const everything = new FactoryRegistry();
  registerAllExtensions(everything);
  const { registry, sentences } = withoutDisabled(everything, new FactoryRegistry(), options);
  return run({
    options, build, registry, notices: [...notices, ...sentences],
    random: Math.random,
    readTextFile: createCachedReader(),
    writeTextFile: (path, text) => writeFileSync(path, text),
    writeStdout: (text) => process.stdout.write(text),
    writeStderr: (text) => process.stderr.write(text),
    startAdmin: async (instance, { address, allowPaths }) => {
      const { Admin } = await import('../admin/admin.ts');
      if (address === null) throw new Error('no admin address');
      const isPipe = address.port === 0 && address.address.startsWith('/');
      const admin = new Admin(instance, {
        address: isPipe ? { kind: 'pipe', path: address.address } : { kind: 'tcp', host: address.address, port: address.port },
        allowPaths,
      });
      return { address: await admin.start(), close: () => admin.close() };
    },
    workerEntry: new URL(`./workers/worker/worker_main.${SUFFIX}`, HERE),
    flushEntry: new URL(`./workers/flush/flush_main.${SUFFIX}`, HERE),
    abort: () => process.abort(),
  });
}

/** A registry without what --disable-extensions names (`category/name`), and what is to be said about each of those. */
function withoutDisabled(all: FactoryRegistry, rest: FactoryRegistry, options: Options): { registry: FactoryRegistry; sentences: string[] } {
  const sentences: string[] = [];
  const disabled = new Set<string>();
  for (const name of options.disabledExtensions) {
    const slash = name.indexOf('/');
    if (slash < 0) sentences.push(`failed to disable invalid extension name '${name}'`);
    else if (all.getByName(name.slice(0, slash), name.slice(slash + 1)) === undefined) sentences.push(`failed to disable unknown extension '${name}'`);
    else {
      disabled.add(name);
      sentences.push(`disabled extension '${name}'`);
    }
  }
  if (disabled.size === 0) return { registry: all, sentences };
  for (const category of all.categories()) {
    for (const factory of all.list(category)) if (!disabled.has(`${category}/${factory.name}`)) rest.register(factory);
  }
  return { registry: rest, sentences };
}

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

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`envoyts stopped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
