/** The process with its real main and flush threads, and the fake worker in place of the data path. */
import { FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { composeEnvironment } from '../../../bin/compose.ts';
import { parseCommandLine } from '../../../server/bootstrap/options.ts';
import { run } from '../../../server/run.ts';
import { fakeExtensions } from './fake_extensions.ts';

const build = { version: '0.0.0', revision: '0'.repeat(40), text: 'test', number: 0 };
const parsed = parseCommandLine(process.argv.slice(2), { availableParallelism: 2, io: process.env['ENVOYTS_IO'], log: undefined, version: 'test' });
if (parsed.kind === 'exit') throw new Error(parsed.stderr);
process.exit(
  await run(
    composeEnvironment({
      options: parsed.options, notices: parsed.notices, build, extensions: fakeExtensions(), emptyRegistry: new FactoryRegistry(),
      workerEntry: new URL('./fake_worker_main.ts', import.meta.url),
      flushEntry: new URL('../../../workers/flush/flush_main.ts', import.meta.url),
      configEntry: new URL('../../../bin/config_main.ts', import.meta.url),
      explainEntry: new URL('../../../bin/explain_main.ts', import.meta.url),
    }),
  ),
);
