import type { Instance } from '../../server/instance.ts';
import { JSON_TYPE, streamReply, textReply, type AdminHandler } from '../handler.ts';
import { jsonDocument } from '../json_pieces.ts';

/** `/ready`: 200 when the server takes traffic. */
export function readyHandler(instance: Instance): AdminHandler {
  return {
    path: '/ready',
    help: 'print server state, return 200 if LIVE, otherwise return 503',
    mutates: false,
    params: [],
    handle() {
      const state = instance.state();
      return textReply(`${state}\n`, state === 'LIVE' ? 200 : 503);
    },
  };
}

/** `/server_info`: envoy.admin.v3.ServerInfo. */
export function serverInfoHandler(instance: Instance): AdminHandler {
  return {
    path: '/server_info',
    help: 'print server version/status information',
    mutates: false,
    params: [],
    handle() {
      const uptime = `${Math.max(0, Math.floor((instance.nowMs() - instance.startTimeMs) / 1000))}s`;
      return streamReply(JSON_TYPE, jsonDocument({
        version: instance.version,
        state: instance.state(),
        uptime_current_epoch: uptime,
        uptime_all_epochs: uptime,
        hot_restart_version: instance.hotRestartVersion,
        command_line_options: instance.commandLineOptions(),
        node: instance.node(),
      }));
    },
  };
}

/** `/hot_restart_version`. */
export function hotRestartVersionHandler(instance: Instance): AdminHandler {
  return {
    path: '/hot_restart_version',
    help: 'print the hot restart compatibility version',
    mutates: false,
    params: [],
    handle: () => textReply(instance.hotRestartVersion),
  };
}

/** `/memory`: of the process (resident) and of the main thread's heap, in bytes. */
export function memoryHandler(): AdminHandler {
  return {
    path: '/memory',
    help: 'print current allocation/heap usage',
    mutates: false,
    params: [],
    handle() {
      const usage = process.memoryUsage();
      return streamReply(JSON_TYPE, jsonDocument({
        allocated: String(usage.heapUsed + usage.external),
        heap_size: String(usage.heapTotal + usage.external),
        pageheap_unmapped: '0',
        pageheap_free: String(usage.heapTotal - usage.heapUsed),
        total_thread_cache: '0',
        total_physical_bytes: String(usage.rss),
      }));
    },
  };
}

/** `/memory/tcmalloc`: V8 and the system's malloc are what is here. */
export function tcmallocHandler(): AdminHandler {
  return {
    path: '/memory/tcmalloc',
    help: 'print TCMalloc stats',
    mutates: false,
    params: [],
    handle: () => textReply('TCMalloc is not used here; /memory tells what is.\n', 501),
  };
}

/** `/certs`: envoy.admin.v3.Certificates. */
export function certsHandler(instance: Instance): AdminHandler {
  return {
    path: '/certs',
    help: 'print certs on machine',
    mutates: false,
    params: [],
    handle: () => streamReply(JSON_TYPE, jsonDocument({ certificates: instance.certificates() })),
  };
}

/** `/contention`: there is no mutex here to wait for. */
export function contentionHandler(): AdminHandler {
  return {
    path: '/contention',
    help: 'dump current Envoy mutex contention stats (if enabled)',
    mutates: false,
    params: [],
    handle: () => textReply(
      'Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing.',
    ),
  };
}
