/** Checkers that are extensions, over real connections, as the server makes them. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { HostStat } from '../../core/shared_memory/layout.ts';
import { register as registerRedis } from '../../extensions/health_checkers/redis/config.ts';
import { register as registerThrift } from '../../extensions/health_checkers/thrift/config.ts';
import { checkConfig } from '../../test/support/check_config.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { ProbeAnswers } from '../../test/support/probe_answers.ts';
import { testProber, type TestProberOptions } from '../../test/support/test_prober.ts';
import { checkerType, type CustomCheckConfig } from './health_check_config.ts';

const REDIS: CustomCheckConfig = {
  kind: 'custom', credentials: null,
  extension: { name: 'r', typeName: 'envoy.extensions.health_checkers.redis.v3.Redis', config: { checkerType: 'REDIS', key: '' } },
};
const THRIFT: CustomCheckConfig = {
  kind: 'custom', credentials: null,
  extension: { name: 't', typeName: 'envoy.extensions.health_checkers.thrift.v3.Thrift', config: { checkerType: 'THRIFT', method: 'ping', transport: 'framed', protocol: 'compact' } },
};
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Answers whatever comes. */
async function host(reply: string): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write(Buffer.from(reply, 'latin1')));
    cleanups.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function ask(checker: CustomCheckConfig, port: number, options: TestProberOptions = {}): Promise<string> {
  const registry = new FactoryRegistry();
  registerRedis(registry);
  registerThrift(registry);
  const answers = new ProbeAnswers();
  const prober = testProber(checkConfig({ checker }), port, answers, { registry, ...options });
  cleanups.push(() => prober.close());
  return answers.ask(prober);
}

it('Redis is asked where traffic goes, and counts as traffic', async () => {
  const counts: number[] = [];
  const stats = createLocalStats();
  expect(await ask(REDIS, await unusedPort(), { trafficPort: await host('+PONG\r\n'), counts, stats })).toBe('success');
  expect([counts[HostStat.cxTotal], counts[HostStat.cxActive], counts[HostStat.rqTotal], counts[HostStat.rqActive]]).toEqual([1, 1, 1, 0]);
  expect([stats.value('upstream_cx_active'), stats.value('upstream_rq_total')]).toEqual([1, 1]);
});

it('Thrift is asked where checks go, and does not', async () => {
  const counts: number[] = [];
  let connections = 0;
  const onCheckConnection = () => {
    connections++;
  };
  const reply = '\0\0\0\x09\x82\x41\0\x04ping\0';
  expect(await ask(THRIFT, await host(reply), { trafficPort: await unusedPort(), counts, onCheckConnection })).toBe('success');
  expect([counts, connections]).toEqual([[], 1]);
});

it.each([['REDIS', REDIS], ['THRIFT', THRIFT]] as const)('a host of %s that is not there has failed', async (type, checker) => {
  expect(await ask(checker, await unusedPort())).toBe('NETWORK');
  expect(checkerType(checker)).toBe(type);
});
