import { describe, expect, test } from 'vitest';
import { createLocalStats } from '../../test/support/local_stats.ts';
import type { ServerState } from '../instance.ts';
import {
  createClusterManagerStats, createFilesystemStats, createListenerManagerStats, createRuntimeStats, createWatchdogStats,
  isListenerConnectionGauge, ServerStats,
} from './server_stats.ts';

describe('server stats', () => {
  test('follow the facts at each update', () => {
    const local = createLocalStats();
    let state: ServerState = 'INITIALIZING';
    let uptime = 0;
    const stats = new ServerStats(local.scope, {
      state: () => state, uptimeSec: () => uptime, isLive: () => state === 'LIVE', totalConnections: () => 3,
      daysUntilFirstCertExpires: () => undefined,
    }, 4, 1234);
    const values = () => ['live', 'state', 'uptime', 'concurrency', 'version', 'total_connections', 'days_until_first_cert_expiring']
      .map((name) => local.value(`server.${name}`));
    expect(values()).toEqual([0, 3, 0, 4, 1234, 3, 4294967295]);
    state = 'LIVE';
    uptime = 6;
    stats.update();
    expect(values()).toEqual([1, 0, 6, 4, 1234, 3, 4294967295]);
    expect(local.value('server.memory_physical_size')).toBeGreaterThan(1e6);
  });

  test('the groups have the names that dashboards know', () => {
    const { scope, names } = createLocalStats();
    createListenerManagerStats(scope);
    createClusterManagerStats(scope);
    createRuntimeStats(scope);
    createFilesystemStats(scope);
    createWatchdogStats(scope, 'main_thread');
    createWatchdogStats(scope, 'worker_1');
    expect(names()).toEqual(expect.arrayContaining([
      'listener_manager.listener_added', 'listener_manager.total_listeners_active', 'cluster_manager.active_clusters',
      'cluster_manager.cluster_added', 'runtime.load_success', 'runtime.num_keys', 'filesystem.write_completed',
      'main_thread.watchdog_miss', 'server.main_thread.watchdog_mega_miss', 'workers.watchdog_miss', 'server.worker_1.watchdog_miss',
    ]));
  });

  test.each([
    ['listener.127.0.0.1_80.downstream_cx_active', true], ['listener.127.0.0.1_80.worker_0.downstream_cx_active', false],
    ['listener.admin.downstream_cx_active', false], ['http.a.downstream_cx_active', false],
  ])('%s counts as listener connections: %s', (name, expected) => {
    expect(isListenerConnectionGauge(name)).toBe(expected);
  });
});
