/** Profiles of the main thread, taken by V8's own profilers. */
import { Session } from 'node:inspector/promises';
import type { Instance, ProfileKind } from '../../server/instance.ts';
import { choice, textReply, type AdminHandler, type AdminReply } from '../handler.ts';

const BAD_PARAMETER = '?enable=<y|n>\n';

/** A profiler that can be started and stopped; both may reject. */
interface Profiler {
  start(session: Session): Promise<void>;
  /** Ends it and returns the profile as text. */
  stop(session: Session): Promise<string>;
}

const CPU: Profiler = {
  async start(session) {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
  },
  async stop(session) {
    return JSON.stringify((await session.post('Profiler.stop')).profile);
  },
};

const HEAP: Profiler = {
  async start(session) {
    await session.post('HeapProfiler.enable');
    await session.post('HeapProfiler.startSampling');
  },
  async stop(session) {
    return JSON.stringify((await session.post('HeapProfiler.stopSampling')).profile);
  },
};

/** All that was allocated while it ran, collected or not. */
const ALLOCATIONS: Profiler = {
  async start(session) {
    await session.post('HeapProfiler.enable');
    await session.post('HeapProfiler.startSampling', { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true });
  },
  stop: (session) => HEAP.stop(session),
};

/** `/cpuprofiler`: `enable=y` starts, `enable=n` stops and writes the profile (`.cpuprofile` format). */
export function cpuProfilerHandler(instance: Instance): AdminHandler {
  return {
    path: '/cpuprofiler',
    help: 'enable/disable the CPU profiler',
    mutates: true,
    params: [choice('enable', 'enables the CPU profiler', ['y', 'n'])],
    handle: profilerSwitch(instance, 'cpu', CPU),
  };
}

/** `/heapprofiler`: the same with V8's sampling heap profiler (`.heapprofile` format). */
export function heapProfilerHandler(instance: Instance): AdminHandler {
  return {
    path: '/heapprofiler',
    help: 'enable/disable the heap profiler',
    mutates: true,
    params: [choice('enable', 'enable/disable the heap profiler', ['y', 'n'])],
    handle: profilerSwitch(instance, 'heap', HEAP),
  };
}

/** `/allocprofiler`: the same, with what was collected meanwhile. */
export function allocationProfilerHandler(instance: Instance): AdminHandler {
  return {
    path: '/allocprofiler',
    help: 'enable/disable the allocation profiler (if supported)',
    mutates: true,
    params: [choice('enable', 'enable/disable the allocation profiler', ['y', 'n'])],
    handle: profilerSwitch(instance, 'alloc', ALLOCATIONS),
  };
}

/** `/heap_dump`: V8 stops its thread for a snapshot, which main must not; `/heapprofiler` samples instead. */
export function heapDumpHandler(): AdminHandler {
  return {
    path: '/heap_dump',
    help: 'dump current Envoy heap (if supported)',
    mutates: false,
    params: [],
    handle: () => textReply('Heap profile is not implemented in current build', 501),
  };
}

function profilerSwitch(
  instance: Instance,
  kind: ProfileKind,
  profiler: Profiler,
): (request: Parameters<AdminHandler['handle']>[0]) => Promise<AdminReply> {
  let running: Session | undefined;
  return async ({ params }) => {
    const enable = params.first('enable');
    if (enable !== 'y' && enable !== 'n') return textReply(BAD_PARAMETER, 400);
    const session = running;
    if (enable === 'y') {
      if (session !== undefined) return textReply('OK\n');
      running = new Session();
      running.connect();
      try {
        await profiler.start(running);
      } catch {
        running.disconnect();
        running = undefined;
        return textReply('failure to start the profiler', 500);
      }
      return textReply('OK\n');
    }
    if (session === undefined) return textReply('OK\n');
    running = undefined;
    try {
      await instance.saveProfile(kind, await profiler.stop(session));
    } catch (error) {
      return textReply(`failure to write the profile: ${error instanceof Error ? error.message : String(error)}\n`, 500);
    } finally {
      session.disconnect();
    }
    return textReply('OK\n');
  };
}
