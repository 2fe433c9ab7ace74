/** Least request with a full scan: requests that run are counted by the pools of live traffic. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { register } from '../../extensions/load_balancing_policies/least_request/config.ts';
import { ask } from '../process/support/envoyts_process.ts';
import { hostConfig, InProcessWorker } from '../support/in_process_worker.ts';
import { backendsUnderTest, until } from '../support/io_driver.ts';

const HOSTS = 4;
const FULL_SCAN = { choiceCount: 2, activeRequestBias: 1, biasKey: '', isFullScan: true };
const TYPE_NAME = 'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest';

describe.each(backendsUnderTest())('a full scan on the %s backend', (backend) => {
  let worker: InProcessWorker | undefined;
  const servers: Server[] = [];
  afterEach(() => {
    worker?.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('sends each request to a host that has none, and the next one where one has ended', async () => {
    const running: ServerResponse[][] = [];
    const hosts = [];
    for (let i = 0; i < HOSTS; i++) {
      running.push([]);
      const server = createServer((_request, response) => void running[i].push(response));
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      hosts.push(hostConfig(i, (server.address() as AddressInfo).port));
    }
    const started = await InProcessWorker.start({ backend, upstreamPorts: [], register, cluster: { lbPolicy: { name: 'lr', typeName: TYPE_NAME, config: FULL_SCAN } } });
    worker = started;
    started.worker.updateHosts(0, { cluster: 'c', hosts });
    const counts = (): string => running.map((list) => list.length).join();
    const answers: Promise<unknown>[] = [];
    for (let sent = 1; sent <= 2 * HOSTS; sent++) {
      answers.push(ask(`127.0.0.1:${started.port}`, '/'));
      await until(() => running.flat().length === sent, `request ${sent} has arrived`);
      expect(Math.max(...running.map((list) => list.length))).toBe(Math.ceil(sent / HOSTS));
    }
    for (let round = 0; round < 3; round++) {
      const [ended] = running[2].splice(0, 1);
      ended.end('done');
      await until(() => started.stat('cluster.c.upstream_rq_active') === 2 * HOSTS - 1, 'the request has ended here too');
      answers.push(ask(`127.0.0.1:${started.port}`, '/'));
      await until(() => counts() === '2,2,2,2', 'the next one has taken its place');
    }
    for (const response of running.flat()) response.end('done');
    await Promise.all(answers);
  });
});
