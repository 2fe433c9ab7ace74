/**
 * The composition root: brings the command line, the extensions, the server and the admin interface together. The one place that
 * ends the process.
 */
import { availableParallelism } from 'node:os';
import { readBuildInfo } from '../server/bootstrap/build_info.ts';
import { parseCommandLine } from '../server/bootstrap/options.ts';
import { tuneCompiler } from '../workers/main/compiler_tuning.ts';

/** The folder above bin/: the package's, or dist/ when built. */
const HERE = new URL('..', import.meta.url);
const IS_BUILT = import.meta.url.endsWith('.js');
const SUFFIX = IS_BUILT ? 'js' : 'ts';

async function main(): Promise<number> {
  const [first, ...rest] = process.argv.slice(2);
  // Envoy takes no arguments but flags: a word in the first place cannot mean anything else.
  if (first === 'explain' || first === 'router-check') return (await import('./commands.ts')).runCommand(first, rest);
  const build = readBuildInfo(IS_BUILT ? new URL('..', HERE) : HERE);
  const parsed = parseCommandLine(process.argv.slice(2), {
    availableParallelism: availableParallelism(), io: process.env['ENVOYTS_IO'], log: process.env['ENVOYTS_LOG'], version: build.text,
  });
  if (parsed.kind === 'exit') {
    process.stdout.write(parsed.stdout);
    process.stderr.write(parsed.stderr);
    return parsed.code;
  }
  // Only now: an answer to --help does not wait for the rest.
  const [{ run }, { composeEnvironment }, { FactoryRegistry }, { registerAllExtensions }] = await Promise.all([
    import('../server/run.ts'), import('./compose.ts'), import('../core/registry/factory_registry.ts'), import('../extensions/all_extensions.ts'),
  ]);
  tuneCompiler();
  const extensions = new FactoryRegistry();
  registerAllExtensions(extensions);
  return run(
    composeEnvironment({
      options: parsed.options, notices: parsed.notices, build, extensions, emptyRegistry: new FactoryRegistry(),
      workerEntry: new URL(`./workers/worker/worker_main.${SUFFIX}`, HERE),
      flushEntry: new URL(`./workers/flush/flush_main.${SUFFIX}`, HERE),
      configEntry: new URL(`./bin/config_main.${SUFFIX}`, HERE),
      explainEntry: new URL(`./bin/explain_main.${SUFFIX}`, HERE),
    }),
  );
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`envoyts stopped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
