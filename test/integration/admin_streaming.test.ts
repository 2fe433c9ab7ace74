/** A hundred thousand stats: sent in small chunks, with the main loop turning between them, never as one string. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHUNK_CHARS } from '../../admin/chunks.ts';
import { askAdmin } from '../support/admin_request.ts';
import { FakeInstance } from '../support/fake_instance.ts';
import { type RunningAdmin, startAdmin } from '../support/admin_server.ts';

const STATS = 100_000;
const instance = new FakeInstance();
let running: RunningAdmin;

beforeAll(async () => {
  for (let cluster = 0; cluster < STATS / 100; cluster++) {
    const scope = instance.main.scope.scope(`cluster.service_${cluster}`);
    for (let i = 0; i < 100; i++) scope.counter(`upstream_rq_${100 + i}`).add(i);
  }
  instance.main.store.announce();
  running = await startAdmin(instance);
});

afterAll(() => running.close());

/** Turns of the main loop while `work` runs. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const count = () => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  await work;
  done = true;
  return turns;
}

describe('a dump of 100,000 stats', () => {
  test.each(['/stats', '/stats?format=json', '/stats/prometheus', '/stats?format=html'])('%s comes in chunks of about 16 KiB', async (target) => {
    const { chunks, body } = await askAdmin(instance, target);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(2 * CHUNK_CHARS);
    expect(chunks.length).toBeGreaterThan(body.length / (2 * CHUNK_CHARS));
    expect(body.match(/service_/g)?.length).toBe(STATS);
  });

  test('the loop turns at least once per chunk', async () => {
    const { chunks } = await askAdmin(instance, '/stats');
    const answer = fetch(`http://127.0.0.1:${running.port}/stats`).then((response) => response.text());
    expect(await turnsDuring(answer)).toBeGreaterThan(chunks.length);
  });

  test('a filter without hits still lets the loop turn', async () => {
    const { chunks, body } = await askAdmin(instance, '/stats?filter=nothing_like_it');
    expect([body, chunks.length]).toEqual(['', STATS / 1000]);
  });

  test('a reader that stops reading stops the work, and its leaving ends it', async () => {
    let made = 0;
    const registry = instance.main.registry;
    const { values } = await registry.byName();
    const counted = [...values].map((stat) => ({
      kind: 'gauge' as const, name: stat.name,
      isUsed: () => stat.isUsed(), tags: () => stat.tags(), tagExtractedName: () => stat.tagExtractedName(),
      value() {
        made++;
        return stat.value();
      },
    }));
    const slow = new FakeInstance();
    slow.main.registry.byName = async () => ({ values: [...counted, ...counted, ...counted, ...counted], histograms: [], textReadouts: [] });
    const admin = await startAdmin(slow);
    const socket = connect(admin.port, '127.0.0.1');
    socket.write('GET /stats HTTP/1.1\r\nhost: a\r\n\r\n');
    socket.pause();
    // The kernel's buffers fill, then nothing more is made: the count stands still over many turns.
    let before = -1;
    for (let still = 0; still < 200; still = made === before && made > 0 ? still + 1 : 0) {
      before = made;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(made).toBeLessThan(4 * STATS);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await closed;
    await admin.close();
    expect(made).toBeLessThan(4 * STATS);
  });
});
