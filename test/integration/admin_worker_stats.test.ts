/** Stats of real threads, read at the admin interface. */
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import type { StatsAnnouncement } from '../../core/stats/store.ts';
import type { ThreadStats } from '../../server/stats/stats_registry.ts';
import { askAdmin } from '../support/admin_request.ts';
import { FakeInstance } from '../support/fake_instance.ts';
import type { StatsWorkerCommand } from '../support/stats_worker.ts';

const workers: Worker[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

interface CountingThread {
  readonly worker: Worker;
  readonly stats: ThreadStats;
  count(command: StatsWorkerCommand): Promise<void>;
}

function startThread(instance: FakeInstance): CountingThread {
  const worker = new Worker(new URL('../support/stats_worker.ts', import.meta.url));
  workers.push(worker);
  const stats = instance.main.registry.connectThread();
  return {
    worker,
    stats,
    count: (command) => new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.on('message', (message: { announcement?: StatsAnnouncement; done?: true }) => {
        if (message.announcement !== undefined) stats.apply(message.announcement);
        if (message.done === true) resolve();
      });
      worker.postMessage(command);
    }),
  };
}

test('threads count into shared memory, main sums, and a dead thread is not forgotten', async () => {
  const instance = new FakeInstance();
  const [first, second] = [startThread(instance), startThread(instance)];
  const command = { counter: 'http.p.rq_total', histogram: 'http.p.rq_time', amount: 2, times: 1000 };
  await Promise.all([first.count(command), second.count(command)]);
  await instance.main.registry.mergeHistograms();
  const counted = async () => (await askAdmin(instance, '/stats?filter=rq_total')).body;
  expect(await counted()).toBe('http.p.rq_total: 4000\n');
  expect((await askAdmin(instance, '/stats/prometheus?filter=rq_time')).body)
    .toContain('envoy_http_rq_time_count{envoy_http_conn_manager_prefix="p"} 2000\n');

  await first.worker.terminate();
  first.stats.disconnect();
  expect(await counted()).toBe('http.p.rq_total: 4000\n');
  const successor = startThread(instance);
  await successor.count({ ...command, times: 1 });
  expect(await counted()).toBe('http.p.rq_total: 4002\n');
});
