import { describe, expect, it } from 'vitest';
import { FakeIo } from '../../test/support/fake_io.ts';
import { headerMap } from '../../test/support/header_map.ts';
import { InProcessWorker } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { HeaderNames } from '../headers/header_names.ts';
import type { StatsScope } from '../stats/stats.ts';
import { ClusterStats } from '../upstream/cluster_info.ts';
import { percentOfTimeout } from '../upstream/tracking_stats.ts';
import { TryTracking } from './try_tracking.ts';

const names = new HeaderNames();
const BUDGET = 'upstream_rq_timeout_budget_per_try_percent_used';

/** Stats whose histograms remember what is recorded. */
function tracked(): { stats: ClusterStats; recorded: Record<string, number[]> } {
  const { scope } = createLocalStats();
  const recorded: Record<string, number[]> = {};
  const watching: StatsScope = Object.assign(Object.create(scope) as StatsScope, {
    histogram: (name: string) => ({
      record: (value: number) => {
        (recorded[name] ??= []).push(value);
      },
    }),
  });
  const stats = new ClusterStats(watching);
  stats.track({ timeoutBudgets: true, messageSizes: true });
  return { stats, recorded };
}

describe('track_cluster_stats', () => {
  it('measures a try: header bytes as names and values, pseudo-headers among them', () => {
    const { stats, recorded } = tracked();
    const tracking = new TryTracking(stats, headerMap(names, [[':method', 'POST'], [':path', '/x'], ['x-a', '12']]), 200, 1000);
    tracking.onSent(3);
    tracking.onSent(4);
    tracking.onResponseHeaders(headerMap(names, [[':status', '103'], ['link', 'a']]));
    tracking.onResponseHeaders(headerMap(names, [[':status', '200']]));
    tracking.onReceived(5);
    tracking.end(1150.9);
    expect(recorded).toEqual({
      [BUDGET]: [75], upstream_rq_headers_size: [11 + 7 + 5], upstream_rq_headers_count: [3], upstream_rq_body_size: [7],
      upstream_rs_headers_size: [10 + 5 + 10], upstream_rs_headers_count: [3], upstream_rs_body_size: [5],
    });
  });

  it('knows no response sizes of a try without a response, and no time of one that the whole request left none for', () => {
    const { stats, recorded } = tracked();
    const tracking = new TryTracking(stats, headerMap(names, [[':method', 'GET']]), 0, 0);
    tracking.skipTime();
    tracking.end(500);
    expect(Object.keys(recorded).sort()).toEqual(['upstream_rq_body_size', 'upstream_rq_headers_count', 'upstream_rq_headers_size']);
  });

  it.each([[50, 200, 25], [300, 200, 150], [10, 0, 0], [1.9, 100, 1]])('%d ms of %d are %d percent', (elapsed, timeout, percent) => {
    expect(percentOfTimeout(elapsed, timeout)).toBe(percent);
  });

  it('costs and makes nothing where it is off; where it is on each try counts once', () => {
    for (const isOn of [false, true]) {
      const io = new FakeIo();
      const worker = InProcessWorker.onFake(io, { upstreamPorts: [81], cluster: isOn ? { tracking: { timeoutBudgets: true, messageSizes: true } } : {} });
      const client = io.socket(io.accept(worker.listenerNumber));
      io.data(client.connection, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      const upstream = io.latest;
      io.connected(upstream.connection);
      io.data(upstream.connection, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      expect(client.sent).toContain('200 OK');
      const counts = ['upstream_rq_headers_size', 'upstream_rs_body_size', BUDGET, 'upstream_rq_timeout_budget_percent_used'].map((name) => worker.stats.histogramNamed(`cluster.c.${name}`, 'unspecified').recordCount());
      expect(counts).toEqual(isOn ? [1, 1, 1, 1] : [0, 0, 0, 0]);
    }
  });
});
