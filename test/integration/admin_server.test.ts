/** The admin interface over HTTP. */
import type { AdminExchange } from '../../server/instance.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { FAKE_NOW_MS, FakeInstance } from '../support/fake_instance.ts';
import { type RunningAdmin, startAdmin } from '../support/admin_server.ts';

const running: RunningAdmin[] = [];

async function start(instance = new FakeInstance(), options: Parameters<typeof startAdmin>[1] = {}): Promise<RunningAdmin> {
  const admin = await startAdmin(instance, options);
  running.push(admin);
  return admin;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.close()));
});

const request = (line: string, more = '', body = '') => `${line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${more}\r\n${body}`;

describe('over HTTP', () => {
  test('the headers of every answer', async () => {
    const { port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}/ready`);
    expect([...response.headers]).toEqual([
      ['cache-control', 'no-cache, max-age=0'], ['content-type', 'text/plain; charset=UTF-8'], ['date', new Date(FAKE_NOW_MS).toUTCString()],
      ['server', 'envoy'], ['transfer-encoding', 'chunked'], ['x-content-type-options', 'nosniff'],
    ]);
    expect(await response.text()).toBe('LIVE\n');
  });

  test('byte for byte', async () => {
    const { raw } = await start();
    expect(await raw(request('GET /hot_restart_version'))).toBe('HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=UTF-8\r\n'
      + 'cache-control: no-cache, max-age=0\r\nx-content-type-options: nosniff\r\ndate: Fri, 02 Jan 2026 03:04:05 GMT\r\nserver: envoy\r\n'
      + 'transfer-encoding: chunked\r\n\r\n8\r\ndisabled\r\n0\r\n\r\n');
  });

  test('two requests on one connection', async () => {
    const { raw } = await start();
    const text = await raw(`GET /ready HTTP/1.1\r\nhost: a\r\n\r\n${request('GET /ready')}`);
    expect(text.match(/LIVE\n/g)).toHaveLength(2);
  });

  test('HTTP/1.0 gets a body that ends with the connection', async () => {
    const { raw } = await start();
    const text = await raw('GET /ready HTTP/1.0\r\n\r\n');
    expect(text).not.toContain('transfer-encoding');
    expect(text.endsWith('\r\n\r\nLIVE\n')).toBe(true);
  });

  test('HEAD has headers only', async () => {
    const { raw } = await start();
    expect((await raw(request('HEAD /ready'))).endsWith('\r\n\r\n')).toBe(true);
  });

  test.each([
    ['GET', '/quitquitquit', 405, 'Method GET not allowed, POST required.'],
    ['PUT', '/reset_counters', 405, 'Method PUT not allowed, POST required.'],
    ['POST', '/ready', 200, 'LIVE\n'],
    ['POST', '/reopen_logs', 200, 'OK\n'],
  ])('%s %s is %d', async (method, path, status, body) => {
    const { port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  test.each(['/nope', '/stats/', '/ready/x'])('%s is unknown and gets the list of commands', async (path) => {
    const { port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    expect(response.status).toBe(404);
    expect(await response.text()).toMatch(/^invalid path\. admin commands are:\n {2}\/: Admin home page\n/);
  });

  test('form bodies carry parameters where the query has none', async () => {
    const instance = new FakeInstance();
    const { port } = await start(instance);
    const post = (target: string, body: string) => fetch(`http://127.0.0.1:${port}${target}`, { method: 'POST', body: new URLSearchParams(body) });
    await post('/logging', 'http=debug');
    await post('/logging?main=error', 'http=trace');
    expect([...instance.levels.values()]).toEqual(['info', 'debug', 'error']);
  });

  test('a body beyond 1 MiB is refused', async () => {
    const { port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}/reset_counters`, { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) });
    expect(response.status).toBe(413);
  });

  test('allow_paths: what matches none is forbidden, query and all', async () => {
    const { port } = await start(new FakeInstance(), { allowPaths: [
      { kind: 'exact', value: '/ready', ignoreCase: false }, { kind: 'prefix', value: '/stats', ignoreCase: false },
    ] });
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return [response.status, await response.text()];
    };
    expect(await get('/ready')).toEqual([200, 'LIVE\n']);
    expect((await get('/stats?filter=nothing'))[0]).toBe(200);
    expect(await get('/help')).toEqual([403, 'request to path /help not allowed']);
    expect(await get('/ready?x=1')).toEqual([403, 'request to path /ready?x=1 not allowed']);
  });

  test('/quitquitquit: the answer arrives, then the server is asked to stop', async () => {
    const instance = new FakeInstance();
    const { port } = await start(instance);
    const stopped = new Promise<void>((resolve) => {
      instance.shutdown = resolve;
    });
    const response = await fetch(`http://127.0.0.1:${port}/quitquitquit`, { method: 'POST' });
    expect(await response.text()).toBe('OK\n');
    await stopped;
  });

  test('an exception in a handler costs one answer', async () => {
    const instance = new FakeInstance();
    const { port } = await start(instance);
    instance.state = () => {
      throw new Error('broken');
    };
    const response = await fetch(`http://127.0.0.1:${port}/ready`);
    expect([response.status, await response.text()]).toEqual([500, 'internal error: broken\n']);
    expect((await fetch(`http://127.0.0.1:${port}/help`)).status).toBe(200);
  });

  test.each([
    ['/cpuprofiler', /^saveProfile cpu nodes,startTime,endTime/], ['/heapprofiler', /^saveProfile heap head,samples/], ['/allocprofiler', /^saveProfile alloc head,samples/],
  ])('a profile of the main thread: %s', async (path, saved) => {
    const instance = new FakeInstance();
    const { port } = await start(instance);
    const post = (enable: string) => fetch(`http://127.0.0.1:${port}${path}?enable=${enable}`, { method: 'POST' });
    expect([(await post('y')).status, (await post('n')).status]).toEqual([200, 200]);
    expect(instance.calls).toEqual([expect.stringMatching(saved)]);
  });

  test('tells its access log about every exchange', async () => {
    const instance = new FakeInstance();
    const exchanges: AdminExchange[] = [];
    instance.logExchange = (exchange) => exchanges.push(exchange);
    const { raw, port } = await start(instance);
    await raw(request('GET /ready?x=1'));
    await raw('POST /logging HTTP/1.0\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 10\r\n\r\nlevel=info');
    expect(exchanges).toMatchObject([
      { method: 'GET', target: '/ready?x=1', isHttp10: false, status: 200, bytesReceived: 0, bytesSent: 5, localAddress: `127.0.0.1:${port}`, connectionId: 1 },
      { method: 'POST', target: '/logging', isHttp10: true, status: 200, bytesReceived: 10, connectionId: 2 },
    ]);
    expect(exchanges[0].remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(exchanges[1].responseHeaders.slice(0, 2)).toEqual(['content-type', 'text/plain; charset=UTF-8']);
  });

  test('a taken port rejects the start', async () => {
    const { port } = await start();
    await expect(startAdmin(new FakeInstance(), { address: { kind: 'tcp', host: '127.0.0.1', port } })).rejects.toThrow(/EADDRINUSE/);
  });

  test('the interface counts itself', async () => {
    const instance = new FakeInstance();
    const { raw } = await start(instance);
    await raw(request('GET /ready'));
    await raw(request('GET /nope'));
    const text = await raw(request('GET /stats?usedonly&filter=admin.*(downstream_cx_total|rq_2xx|rq_4xx|rq_active|rq_completed)'));
    for (const line of [
      'http.admin.downstream_cx_total: 3', 'http.admin.downstream_rq_2xx: 1', 'http.admin.downstream_rq_4xx: 1', 'http.admin.downstream_rq_active: 1',
      'listener.admin.downstream_cx_total: 3', 'listener.admin.http.admin.downstream_rq_completed: 2', 'listener.admin.main_thread.downstream_cx_total: 3',
    ]) expect(text).toContain(`${line}\n`);
  });
});
