import type { Instance } from '../server/instance.ts';
import { HandlerRegistry } from './handler_registry.ts';
import { clustersHandler } from './handlers/clusters.ts';
import { configDumpHandler } from './handlers/config_dump.ts';
import { explainHandler } from './handlers/explain.ts';
import { helpHandler, homeHandler } from './handlers/help.ts';
import { initDumpHandler } from './handlers/init_dump.ts';
import { drainListenersHandler, healthCheckHandler, quitHandler, reopenLogsHandler } from './handlers/lifecycle.ts';
import { listenersHandler } from './handlers/listeners.ts';
import { loggingHandler } from './handlers/logging.ts';
import { allocationProfilerHandler, cpuProfilerHandler, heapDumpHandler, heapProfilerHandler } from './handlers/profiling.ts';
import { recentLookupsHandler, recentLookupsSwitches } from './handlers/recent_lookups.ts';
import { runtimeHandler, runtimeModifyHandler } from './handlers/runtime.ts';
import {
  certsHandler, contentionHandler, hotRestartVersionHandler, memoryHandler, readyHandler, serverInfoHandler, tcmallocHandler,
} from './handlers/server_info.ts';
import { prometheusHandler, resetCountersHandler, statsHandler } from './handlers/stats.ts';

/** The list of endpoints. */
export function registerHandlers(instance: Instance): HandlerRegistry {
  const registry = new HandlerRegistry();
  registry.add(homeHandler(registry, instance));
  registry.add(helpHandler(registry));
  registry.add(allocationProfilerHandler(instance));
  registry.add(certsHandler(instance));
  registry.add(clustersHandler(instance));
  registry.add(configDumpHandler(instance));
  registry.add(contentionHandler());
  registry.add(cpuProfilerHandler(instance));
  registry.add(drainListenersHandler(instance));
  registry.add(explainHandler(instance));
  registry.add(healthCheckHandler(instance, true));
  registry.add(healthCheckHandler(instance, false));
  registry.add(heapDumpHandler());
  registry.add(heapProfilerHandler(instance));
  registry.add(hotRestartVersionHandler(instance));
  registry.add(initDumpHandler(instance));
  registry.add(listenersHandler(instance));
  registry.add(loggingHandler(instance));
  registry.add(memoryHandler());
  registry.add(tcmallocHandler());
  registry.add(prometheusHandler(instance));
  registry.add(quitHandler(instance));
  registry.add(readyHandler(instance));
  registry.add(reopenLogsHandler(instance));
  registry.add(resetCountersHandler(instance));
  registry.add(recentLookupsHandler(instance));
  for (const handler of recentLookupsSwitches(instance)) registry.add(handler);
  registry.add(runtimeHandler(instance));
  registry.add(runtimeModifyHandler(instance));
  registry.add(serverInfoHandler(instance));
  registry.add(statsHandler(instance));
  return registry;
}
