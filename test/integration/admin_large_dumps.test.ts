/** Dumps of thousands of resources over a real connection: what is looked at between two turns of the main loop is bounded. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHUNK_CHARS } from '../../admin/chunks.ts';
import { StatTemplate } from '../../server/stats/declared_stats.ts';
import { askAdmin } from '../support/admin_request.ts';
import { type RunningAdmin, startAdmin } from '../support/admin_server.ts';
import { fakeAddress, fakeCluster, fakeHost, FakeInstance } from '../support/fake_instance.ts';

const CLUSTERS = 5000;
const STATS_PER_CLUSTER = 20;
const NAMES = Array.from({ length: CLUSTERS }, (_, i) => `service_${i}`);
/** Characters of one resource below. */
const RESOURCE_CHARS = 500;

/** Counts what is made between two turns of the loop. */
class Meter {
  made = 0;
  total = 0;
  most = 0;
  turns = 0;
  private isRunning = true;

  constructor() {
    const turn = (): void => {
      this.most = Math.max(this.most, this.made);
      this.made = 0;
      this.turns++;
      if (this.isRunning) setImmediate(turn);
    };
    setImmediate(turn);
  }

  count(): void {
    this.made++;
    this.total++;
  }

  stop(): void {
    this.isRunning = false;
    this.most = Math.max(this.most, this.made);
  }
}

const instance = new FakeInstance();
let meter: Meter | undefined;
let running: RunningAdmin;

beforeAll(async () => {
  const template = new StatTemplate((scope) => {
    for (let i = 0; i < STATS_PER_CLUSTER; i++) scope.counter(`upstream_rq_${200 + i}`);
  });
  for (const name of NAMES) instance.main.registry.declare(`cluster.${name}`, template);
  const text = 'x'.repeat(RESOURCE_CHARS);
  const items = NAMES.map((name) => ({
    name,
    json: () => {
      meter?.count();
      return { cluster: { name, text } };
    },
  }));
  instance.sections = [{
    key: 'clusters', typeName: 'envoy.admin.v3.ClustersConfigDump', fields: () => ({}),
    lists: [{ field: 'static_clusters', itemTypeName: 'envoy.admin.v3.ClustersConfigDump.StaticCluster', items }],
  }];
  instance.clusterList = NAMES.map((name) => ({
    ...fakeCluster(name, []),
    hosts: {
      *[Symbol.iterator]() {
        meter?.count();
        yield fakeHost({});
      },
    },
  }));
  instance.listenerList = NAMES.map((name) => ({ name, addresses: [fakeAddress('127.0.0.1', 80)] }));
  running = await startAdmin(instance);
});

afterAll(() => running.close());

/** The answer over a socket, and what was made between two turns meanwhile. */
async function measured(target: string): Promise<{ readonly body: string; readonly meter: Meter }> {
  meter = new Meter();
  const counting = meter;
  const response = await fetch(`http://127.0.0.1:${running.port}${target}`);
  const body = await response.text();
  counting.stop();
  meter = undefined;
  return { body, meter: counting };
}

describe('a dump of 5,000 clusters', () => {
  // A host takes 1,000 characters in either format.
  test.each([
    ['/config_dump', CHUNK_CHARS / RESOURCE_CHARS], ['/config_dump?resource=static_clusters', CHUNK_CHARS / RESOURCE_CHARS],
    ['/clusters', CHUNK_CHARS / 1000], ['/clusters?format=json', CHUNK_CHARS / 500],
  ])('%s opens no more resources between two turns than fill a chunk', async (target, fitting) => {
    const { body, meter: counted } = await measured(target);
    expect(counted.total).toBe(CLUSTERS);
    expect(counted.most).toBeLessThanOrEqual(Math.ceil(fitting) + 1);
    expect(counted.turns).toBeGreaterThanOrEqual(body.length / (2 * CHUNK_CHARS));
  });

  test.each(['/listeners', '/listeners?format=json', '/stats', '/stats?format=json', '/stats/prometheus', '/clusters', '/config_dump'])(
    '%s comes in chunks of about 16 KiB, with a turn for each', async (target) => {
      const { chunks } = await askAdmin(instance, target);
      expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(2 * CHUNK_CHARS);
      const { body, meter: counted } = await measured(target);
      for (const name of [NAMES[0], NAMES[CLUSTERS - 1]]) expect(body).toContain(name);
      expect(counted.turns).toBeGreaterThanOrEqual(chunks.length);
    },
  );

  test('declared stats are all there: 100,000', async () => {
    const { body } = await askAdmin(instance, '/stats?filter=service_');
    expect(body.split('\n').length - 1).toBe(CLUSTERS * STATS_PER_CLUSTER);
  });

  test('the loop turns while Prometheus families are looked for', async () => {
    const fresh = new FakeInstance();
    const template = new StatTemplate((scope) => {
      for (let i = 0; i < STATS_PER_CLUSTER; i++) scope.counter(`upstream_rq_${200 + i}`);
    });
    for (const name of NAMES) fresh.main.registry.declare(`cluster.${name}`, template);
    const turns = new Meter();
    await fresh.main.registry.byFamily();
    turns.stop();
    // At most 1,000 names between two turns.
    expect(turns.turns).toBeGreaterThanOrEqual((CLUSTERS * STATS_PER_CLUSTER) / 1000);
  });
});
