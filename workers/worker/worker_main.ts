/** Entry of a worker thread: the one file of the data plane that knows it runs on one. */
import { parentPort, workerData } from 'node:worker_threads';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import type { WorkerData } from '../protocol/worker_data.ts';
import { Worker } from './worker.ts';
import { runWorkerThread } from './worker_thread.ts';

if (parentPort === null) throw new Error('worker_main.ts runs on a worker thread');
const data = workerData as WorkerData;
const registry = new FactoryRegistry();
registerAllExtensions(registry);
// The matcher brings a regex engine: loaded only where it is configured.
const { statsMatcher } = data;
const acceptsStat = statsMatcher === undefined
  ? () => true
  : (await import('../../core/stats/stat_name_matcher.ts')).compileStatsMatcher(statsMatcher);
runWorkerThread({ port: parentPort, data, registry, acceptsStat, createWorker: (dependencies) => new Worker(dependencies) });
