import { afterEach, describe, expect, it } from 'vitest';
import { NO_HEADER_MUTATIONS } from '../../core/headers/header_mutation.ts';
import { backendsUnderTest, Peer, until } from '../support/io_driver.ts';
import { InProcessWorker, managerConfig } from '../support/in_process_worker.ts';
import { redirect, routeConfig, routeEntry, virtualHost } from '../support/route_config.ts';

describe.each(backendsUnderTest())('one read that is answered with many heads on the %s backend', (backend) => {
  let worker: InProcessWorker | undefined;
  let peer: Peer | undefined;
  afterEach(() => {
    peer?.socket.destroy();
    worker?.close();
  });

  it('gets all of them, however many bytes they are', async () => {
    const large = { name: 'x-large', value: 'v'.repeat(8000), action: 'overwrite_if_exists_or_add', keepEmptyValue: false } as const;
    const routes = [routeEntry({ action: redirect({ path: '/elsewhere' }), responseHeaders: { ...NO_HEADER_MUTATIONS, add: [large] } })];
    const proxy = await InProcessWorker.start({
      backend, upstreamPorts: [1], manager: managerConfig([], { routeConfig: routeConfig({ virtualHosts: [virtualHost({ routes })] }) }),
    });
    worker = proxy;
    peer = new Peer({ host: '127.0.0.1', port: proxy.port });
    let bytes = 0;
    peer.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    // 56 kB of requests, 16 MB of answers: more than the turn's buffer can ever hold.
    const requests = 2000;
    peer.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(requests));
    await until(() => proxy.stat('http.ingress.downstream_rq_3xx') === requests, 'all are answered', 20_000);
    await until(() => bytes >= requests * 8000, 'all answers arrive', 20_000);
    expect(proxy.stat('http.ingress.downstream_rq_active')).toBe(0);
    expect(proxy.errors).toEqual([]);
  }, 40_000);
});
