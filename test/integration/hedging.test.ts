import { afterEach, describe, expect, it } from 'vitest';
import { NO_RETRIES, type RetryPolicyConfig, RetryOn } from '../../core/route/retry_policy.ts';
import { backendsUnderTest, Peer, until } from '../support/io_driver.ts';
import { InProcessWorker } from '../support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../support/route_config.ts';
import { TestUpstream } from '../support/test_upstream.ts';

const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello';

function answer(status: number, body: string): string {
  return `HTTP/1.1 ${status} Why\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

describe.each(backendsUnderTest())('hedging on the %s backend', (backend) => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  });

  /** A proxy whose tries are slow at once, and its upstream; each try is a connection of the upstream. */
  async function scene(policy: Partial<RetryPolicyConfig> = {}, timeoutMs = 15_000): Promise<{ proxy: InProcessWorker; up: TestUpstream; client: Peer }> {
    const up = await TestUpstream.start();
    cleanups.push(() => up.close());
    const retries = { ...NO_RETRIES, retryOn: RetryOn.fiveXx, backOffBaseMs: 1, ...policy };
    const route = routeEntry({ action: routeAction({ retries, perTryTimeoutMs: 20, hedgesOnPerTryTimeout: true, timeoutMs }) });
    const proxy = await InProcessWorker.start({ backend, upstreamPorts: [up.port], manager: { routeConfig: routeConfig({ virtualHosts: [virtualHost({ routes: [route] })] }) } });
    cleanups.push(() => proxy.close());
    const client = new Peer({ host: '127.0.0.1', port: proxy.port });
    cleanups.push(() => client.socket.destroy());
    client.socket.write(POST);
    return { proxy, up, client };
  }

  async function tries(up: TestUpstream, count: number): Promise<Peer[]> {
    await until(() => up.peers.filter((peer) => peer.text.endsWith('hello')).length === count, `${count} tries`);
    return up.peers;
  }

  async function expectNothingHeld(proxy: InProcessWorker): Promise<void> {
    await until(() => proxy.stat('cluster.c.upstream_rq_active') === 0, 'no request under way');
    expect([...new Int32Array(proxy.slabs.circuits[0], 0, 4)].slice(1)).toEqual([0, 0, 0]);
    expect(proxy.errors).toEqual([]);
  }

  it('passes on the answer of the slow try when it comes first, with what the other one has of the body', async () => {
    const { proxy, up, client } = await scene();
    const [slow, other] = await tries(up, 2);
    slow.socket.write(answer(200, 'slow'));
    await until(() => client.text.endsWith('\r\n\r\nslow'), 'the answer');
    await until(() => other.ended || other.closed, 'the other try is cut');
    expect(other.text).toContain('\r\n\r\nhello');
    await expectNothingHeld(proxy);
  });

  it('passes on the answer of the second try and cuts the slow one', async () => {
    const { proxy, up, client } = await scene();
    const [slow, other] = await tries(up, 2);
    other.socket.write(answer(200, 'fast'));
    await until(() => client.text.endsWith('\r\n\r\nfast'), 'the answer');
    await until(() => slow.ended || slow.closed, 'the slow try is cut');
    expect([proxy.stat('cluster.c.upstream_rq_retry'), proxy.stat('cluster.c.upstream_rq_retry_success')]).toEqual([1, 1]);
    await expectNothingHeld(proxy);
  });

  it('waits for the others after a bad answer, and passes the last one on whatever it is', async () => {
    const { proxy, up, client } = await scene({ numRetries: 2 });
    const [first, second, third] = await tries(up, 3);
    first.socket.write(answer(503, 'one'));
    await until(() => first.ended || first.closed, 'the first answer is dropped');
    third.socket.write(answer(503, 'three'));
    await until(() => third.ended || third.closed, 'the third answer is dropped');
    expect(client.text).toBe('');
    second.socket.write(answer(500, 'two'));
    await until(() => client.text.endsWith('\r\n\r\ntwo'), 'the last answer');
    await expectNothingHeld(proxy);
  });

  it('cuts all tries when the client leaves, and when the time of the request is over', async () => {
    const left = await scene();
    await tries(left.up, 2);
    left.client.socket.destroy();
    await until(() => left.up.peers.every((peer) => peer.ended || peer.closed), 'both tries are cut');
    await expectNothingHeld(left.proxy);
    const late = await scene({}, 150);
    await until(() => late.client.text.endsWith('upstream request timeout'), 'the timeout');
    expect(late.proxy.stat('cluster.c.upstream_rq_timeout')).toBe(late.up.peers.length);
    await expectNothingHeld(late.proxy);
  });
});
