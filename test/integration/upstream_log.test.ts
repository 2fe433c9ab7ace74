import { afterEach, describe, expect, it } from 'vitest';
import { NO_RETRIES, RetryOn } from '../../core/route/retry_policy.ts';
import { backendsUnderTest, Peer, until } from '../support/io_driver.ts';
import { InProcessWorker } from '../support/in_process_worker.ts';
import { NotedLog } from '../support/noted_log.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../support/route_config.ts';
import { TestUpstream } from '../support/test_upstream.ts';

const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello';

function answer(status: number, body: string): string {
  return `HTTP/1.1 ${status} Why\r\nx-try: ${body}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

describe.each(backendsUnderTest())('the log of upstream tries on the %s backend', (backend) => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  });

  /** A proxy that logs tries, a client that has sent a POST, and the upstream. */
  async function scene(action: Parameters<typeof routeAction>[0]): Promise<{ log: NotedLog; proxy: InProcessWorker; up: TestUpstream; client: Peer }> {
    const up = await TestUpstream.start();
    cleanups.push(() => up.close());
    const log = new NotedLog();
    const table = routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ action: routeAction(action) })] })] });
    const proxy = await InProcessWorker.start({ backend, upstreamPorts: [up.port], manager: { ...log.manager(), routeConfig: table }, register: log.register });
    cleanups.push(() => proxy.close());
    const client = new Peer({ host: '127.0.0.1', port: proxy.port });
    cleanups.push(() => client.socket.destroy());
    client.socket.write(POST);
    return { log, proxy, up, client };
  }

  async function tries(up: TestUpstream, count: number): Promise<Peer[]> {
    await until(() => up.peers.filter((peer) => peer.text.endsWith('hello')).length === count, `${count} tries`);
    return up.peers;
  }

  it('has a line for each of three tries: answered, broken off, passed on; bytes on the wire add up', async () => {
    const { log, proxy, up, client } = await scene({ retries: { ...NO_RETRIES, retryOn: RetryOn.fiveXx | RetryOn.reset, numRetries: 2, backOffBaseMs: 1 } });
    const [first] = await tries(up, 1);
    first.socket.end(`HTTP/1.1 503 Why\r\nx-try: one\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    const [, second] = await tries(up, 2);
    second.socket.destroy();
    const [, , third] = await tries(up, 3);
    third.socket.write(answer(200, 'three'));
    await until(() => client.text.endsWith('\r\n\r\nthree'), 'the answer');
    expect(log.lines).toEqual(['UpstreamEnd 503 - sent 5 received 0 one -', 'UpstreamEnd 0 UC sent 5 received 0 - -', 'UpstreamEnd 200 - sent 5 received 5 three -']);
    const sent = up.peers.map((peer) => peer.text.length);
    expect(log.wire.map(([bytes]) => bytes)).toEqual([sent[0], sent[0] + sent[1], sent[0] + sent[1] + sent[2]]);
    expect(proxy.errors).toEqual([]);
  });

  it('has a line for the slow try that loses, and says of the winner that it was slow', async () => {
    const { log, proxy, up, client } = await scene({ retries: { ...NO_RETRIES, retryOn: RetryOn.fiveXx, backOffBaseMs: 1 }, perTryTimeoutMs: 20, hedgesOnPerTryTimeout: true });
    const [slow, other] = await tries(up, 2);
    slow.socket.write(answer(200, 'slow'));
    await until(() => client.text.endsWith('\r\n\r\nslow'), 'the answer');
    await until(() => other.ended || other.closed, 'the other try is cut');
    expect(log.lines).toEqual(['UpstreamEnd 0 - sent 5 received 0 - -', 'UpstreamEnd 200 UT sent 5 received 4 slow -']);
    expect(proxy.errors).toEqual([]);
  });

  it('has a line for the try that the client leaves alone, and none for a request that reaches nobody', async () => {
    const { log, up, client } = await scene({});
    await tries(up, 1);
    client.socket.destroy();
    await until(() => log.lines.length === 1, 'a line');
    expect(log.lines).toEqual(['UpstreamEnd 0 - sent 5 received 0 - -']);
    const nobody = await scene({ cluster: { kind: 'cluster', name: 'missing' } });
    await until(() => nobody.client.text.includes('503'), 'the refusal');
    expect(nobody.log.lines).toEqual([]);
  });
});
