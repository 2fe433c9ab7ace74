import { readFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IoEvent } from '../../core/io/io.ts';
import { backendsUnderTest, IoDriver, until } from '../support/io_driver.ts';

describe.each(backendsUnderTest())('the event loop with saturated %s io', (backend) => {
  let driver: IoDriver;

  // Ten pairs of connections, both ends on this thread, that send the same bytes back and forth for ever.
  beforeEach(async () => {
    driver = new IoDriver(backend);
    const { port } = await driver.listen();
    driver.onEvent = (event) => {
      if (event.kind === IoEvent.data) driver.send(event.connection, event.bytes);
      driver.seen.length = Math.min(driver.seen.length, 100);
    };
    for (let i = 0; i < 10; i++) driver.send(driver.io.connect('127.0.0.1', port), 'ping');
    await busy();
  });
  afterEach(() => driver.stop());

  /** Resolves after 200 more turns: the traffic really goes on. */
  async function busy(): Promise<void> {
    const target = driver.turn + 200;
    await until(() => driver.turn > target, 'the io is busy');
  }

  it('runs timers and intervals', async () => {
    let ticks = 0;
    const interval = setInterval(() => ticks++, 1);
    await until(() => ticks >= 20, 'twenty ticks');
    clearInterval(interval);
    await busy();
  });

  it('runs immediates, also those that do not hold the loop', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve).unref());
    await busy();
  });

  it('delivers messages', async () => {
    const { port1, port2 } = new MessageChannel();
    let received = 0;
    port2.on('message', () => {
      received += 1;
      if (received < 50) port1.postMessage(received);
    });
    port1.postMessage(0);
    await until(() => received === 50, 'fifty messages');
    port1.close();
    await busy();
  });

  it('completes file operations', async () => {
    for (let i = 0; i < 20; i++) expect(await readFile(fileURLToPath(import.meta.url), 'utf8')).toContain('completes file operations');
    await busy();
  });

  it('serves node:http', async () => {
    const server = createServer((_request, response) => response.end('over http'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    for (let i = 0; i < 10; i++) {
      const body = await new Promise<string>((resolve, reject) => {
        get({ port, host: '127.0.0.1', agent: false }, (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        }).on('error', reject);
      });
      expect(body).toBe('over http');
    }
    server.close();
    await busy();
  });

  it('shares the thread with a second io', async () => {
    const other = new IoDriver(backend);
    other.onEvent = (event) => {
      if (event.kind === IoEvent.data) other.send(event.connection, event.bytes);
    };
    const { peer } = await other.pair();
    for (let i = 1; i <= 20; i++) {
      peer.socket.write('x');
      await until(() => peer.received === i, 'the second one echoes');
    }
    await busy();
    driver.stop();
    peer.socket.write('y');
    await until(() => peer.received === 21, 'the second one echoes after the first has gone');
    const third = new IoDriver(backend);
    third.io.setTick(1);
    await until(() => third.of(IoEvent.tick).length > 2, 'a third one ticks');
    other.stop();
    await until(() => third.of(IoEvent.tick).length > 5, 'the third one goes on alone');
    third.stop();
  });
});
