/** Texts of the endpoints with little to them. */
import { describe, expect, test } from 'vitest';
import { askAdmin } from '../../test/support/admin_request.ts';
import { fakeAddress, FakeInstance } from '../../test/support/fake_instance.ts';

describe('/ready and health checks', () => {
  test('200 only when live', async () => {
    const instance = new FakeInstance();
    const answers = [await askAdmin(instance, '/ready')];
    answers.push(await askAdmin(instance, '/healthcheck/fail'), await askAdmin(instance, '/ready'));
    answers.push(await askAdmin(instance, '/healthcheck/ok'), await askAdmin(instance, '/ready'));
    expect(answers.map(({ status, body }) => [status, body])).toEqual([[200, 'LIVE\n'], [200, 'OK\n'], [503, 'DRAINING\n'], [200, 'OK\n'], [200, 'LIVE\n']]);
  });
});

describe('/server_info', () => {
  test('prints defaults too', async () => {
    const { body, contentType } = await askAdmin(new FakeInstance(), '/server_info');
    expect(contentType).toBe('application/json');
    expect(body).toBe(`{
 "version": "0.1.0/test",
 "state": "LIVE",
 "uptime_current_epoch": "6s",
 "uptime_all_epochs": "6s",
 "hot_restart_version": "disabled",
 "command_line_options": {
  "base_id": "0",
  "concurrency": 2,
  "disabled_extensions": []
 },
 "node": {
  "id": "n",
  "cluster": "",
  "extensions": [
   {
    "name": "envoy.filters.http.router",
    "disabled": false
   }
  ]
 }
}
`);
  });
});

describe('/listeners', () => {
  const instance = new FakeInstance();
  instance.listenerList = [
    { name: 'ingress', addresses: [fakeAddress('127.0.0.1', 41621)] },
    { name: 'two', addresses: [fakeAddress('10.0.0.1', 1), fakeAddress('10.0.0.2', 2)] },
  ];

  test('text: one line per address', async () => {
    expect((await askAdmin(instance, '/listeners')).body).toBe('ingress::127.0.0.1:41621\ntwo::10.0.0.1:1\ntwo::10.0.0.2:2\n');
  });

  test('JSON', async () => {
    expect((await askAdmin(instance, '/listeners?format=json')).body).toBe(`${JSON.stringify({ listener_statuses: [
      { name: 'ingress', local_address: { socket_address: { address: '127.0.0.1', port_value: 41621 } } },
      {
        name: 'two', local_address: { socket_address: { address: '10.0.0.1', port_value: 1 } },
        additional_local_addresses: [{ socket_address: { address: '10.0.0.2', port_value: 2 } }],
      },
    ] }, null, 1)}\n`);
    expect((await askAdmin(new FakeInstance(), '/listeners?format=json')).body).toBe('{}\n');
  });
});

describe('/logging', () => {
  const LIST = (admin: string, http: string, main: string) => `active loggers:\n  admin: ${admin}\n  http: ${http}\n  main: ${main}\n\n`;

  test.each([
    ['', LIST('info', 'info', 'info')],
    ['?level=', LIST('info', 'info', 'info')],
    ['?paths=&level=debug', LIST('debug', 'debug', 'debug')],
    ['?level=debug', LIST('debug', 'debug', 'debug')],
    ['?http=trace', LIST('info', 'trace', 'info')],
    ['?paths=http:error,main:off', LIST('info', 'error', 'off')],
  ])('%s', async (query, expected) => {
    const { status, body } = await askAdmin(new FakeInstance(), `/logging${query}`);
    expect([status, body]).toEqual([200, expected]);
  });

  test.each([
    ['level=foo', 'unknown logger level'], ['http=', 'unknown logger level'], ['foo=debug', 'unknown logger name'],
    ['paths=http', 'empty logger name or empty logger level'], ['paths=http:', 'empty logger name or empty logger level'],
    ['paths=http:debug,foo:x', 'unknown logger level'], ['paths=http:debug,foo:info', 'unknown logger name'],
    ['http=debug&main=info', 'invalid number of parameters'],
  ])('?%s changes nothing and says why', async (query, error) => {
    const { status, body } = await askAdmin(new FakeInstance(), `/logging?${query}`);
    expect([status, body]).toEqual([400, `error: ${error}\n\nusage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
levels: trace debug info warning error critical off \n${LIST('info', 'info', 'info')}`]);
  });
});

describe('/runtime', () => {
  test('layers and entries', async () => {
    const instance = new FakeInstance();
    expect((await askAdmin(instance, '/runtime')).body).toBe('{\n "entries": {},\n "layers": []\n}\n');
    instance.runtimeControl = {
      ...instance.runtimeControl, layers: ['static', 'admin'],
      entries: () => [{ key: 'a.b', layerValues: ['1', ''], finalValue: '1' }],
    };
    expect(JSON.parse((await askAdmin(instance, '/runtime')).body)).toEqual({
      entries: { 'a.b': { layer_values: ['1', ''], final_value: '1' } }, layers: ['static', 'admin'],
    });
  });

  test('/runtime_modify sets values where there is an admin layer', async () => {
    const instance = new FakeInstance();
    expect(await askAdmin(instance, '/runtime_modify?a=1')).toMatchObject({ status: 503 });
    const set: [string, string][] = [];
    instance.runtimeControl = { ...instance.runtimeControl, hasAdminLayer: true, modify: (values) => void set.push(...values) };
    expect(await askAdmin(instance, '/runtime_modify?a.b=2&c=')).toMatchObject({ status: 200, body: 'OK\n' });
    expect(set).toEqual([['a.b', '2'], ['c', '']]);
    expect(await askAdmin(instance, '/runtime_modify')).toMatchObject({
      status: 400,
      body: 'usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n       or send the parameters as form values\n'
        + 'use an empty value to remove a previously added override',
    });
  });
});

describe('draining, logs, exit', () => {
  test.each([
    ['/drain_listeners', 'drain {"graceful":false,"skipExit":false,"inboundOnly":false}'],
    ['/drain_listeners?graceful&skip_exit&inboundonly', 'drain {"graceful":true,"skipExit":true,"inboundOnly":true}'],
    ['/reopen_logs', 'reopenLogs'],
  ])('%s', async (target, call) => {
    const instance = new FakeInstance();
    expect(await askAdmin(instance, target)).toMatchObject({ status: 200, body: 'OK\n' });
    expect(instance.calls).toEqual([call]);
  });

  test('skip_exit alone is refused', async () => {
    const instance = new FakeInstance();
    expect(await askAdmin(instance, '/drain_listeners?skip_exit')).toMatchObject({ status: 400, body: 'skip_exit requires graceful\n' });
    expect(instance.calls).toEqual([]);
  });

  test('/quitquitquit answers before it ends the process', async () => {
    const instance = new FakeInstance();
    const answer = await askAdmin(instance, '/quitquitquit');
    expect([answer.body, instance.calls]).toEqual(['OK\n', []]);
    answer.afterSent();
    expect(instance.calls).toEqual(['shutdown']);
  });
});

describe('the rest', () => {
  test.each([
    ['/certs', '{\n "certificates": []\n}\n'],
    ['/init_dump', '{}\n'],
    ['/hot_restart_version', 'disabled'],
    ['/contention', 'Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing.'],
  ])('%s', async (target, expected) => {
    expect((await askAdmin(new FakeInstance(), target)).body).toBe(expected);
  });

  test('/init_dump names what is waited for; a mask for another component leaves nothing', async () => {
    const instance = new FakeInstance();
    instance.targets = [{ name: 'init manager Server', targetNames: ['a', 'b'] }];
    expect(JSON.parse((await askAdmin(instance, '/init_dump?mask=listener')).body)).toEqual({
      unready_targets_dumps: [{ name: 'init manager Server', target_names: ['a', 'b'] }],
    });
    expect((await askAdmin(instance, '/init_dump?mask=other')).body).toBe('{}\n');
  });

  test('/memory gives every figure as a string of digits', async () => {
    const memory = JSON.parse((await askAdmin(new FakeInstance(), '/memory')).body) as Record<string, string>;
    expect(Object.keys(memory)).toEqual(['allocated', 'heap_size', 'pageheap_unmapped', 'pageheap_free', 'total_thread_cache', 'total_physical_bytes']);
    for (const value of Object.values(memory)) expect(value).toMatch(/^\d+$/);
  });

  test('what this process cannot do is answered with 501', async () => {
    expect(await askAdmin(new FakeInstance(), '/heap_dump')).toMatchObject({ status: 501, body: 'Heap profile is not implemented in current build' });
    expect(await askAdmin(new FakeInstance(), '/memory/tcmalloc')).toMatchObject({ status: 501, body: 'TCMalloc is not used here; /memory tells what is.\n' });
  });

  test('/stats/recentlookups tells which stat names were resolved, once it is enabled', async () => {
    const instance = new FakeInstance();
    instance.stats.recentLookups.clear();
    const recent = async () => (await askAdmin(instance, '/stats/recentlookups')).body;
    expect(await recent()).toBe('Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n\ntotal: 0\n');
    expect(await askAdmin(instance, '/stats/recentlookups/enable')).toMatchObject({ status: 200, body: 'OK\n' });
    expect(await recent()).toBe('   Count Lookup\n\ntotal: 0\n');
    instance.statsScope.counter('late.one');
    instance.main.store.announce();
    expect(await recent()).toBe('   Count Lookup\n       1 late.one\n\ntotal: 1\n');
    await askAdmin(instance, '/stats/recentlookups/clear');
    expect(await recent()).toBe('   Count Lookup\n\ntotal: 0\n');
    await askAdmin(instance, '/stats/recentlookups/disable');
    expect(await recent()).toMatch(/^Lookup tracking is not enabled/);
  });

  test.each(['/allocprofiler', '/cpuprofiler', '/heapprofiler'])('%s takes y and n only, and stopping what never ran is fine', async (path) => {
    expect(await askAdmin(new FakeInstance(), path)).toMatchObject({ status: 400, body: '?enable=<y|n>\n' });
    expect(await askAdmin(new FakeInstance(), `${path}?enable=n`)).toMatchObject({ status: 200, body: 'OK\n' });
  });

  test('/help lists every endpoint with its parameters', async () => {
    const { body } = await askAdmin(new FakeInstance(), '/help');
    expect(body.startsWith('admin commands are:\n  /: Admin home page\n  /allocprofiler (POST): enable/disable the allocation profiler (if supported)\n      enable: enable/disable the allocation profiler; One of (y, n)\n  /certs: print certs on machine\n  /clusters: upstream cluster status\n')).toBe(true);
    expect(body).toContain('  /drain_listeners (POST): drain listeners\n      graceful: When draining');
    expect(body).toContain('      format: File format to use; One of (text, json)\n');
    const paths = [...body.matchAll(/^ {2}(\/\S*?)(?: \(POST\))?: /gm)].map((match) => match[1]);
    expect(paths).toEqual([...paths].sort());
  });

  test('the home page reaches every endpoint and needs nothing from elsewhere', async () => {
    const instance = new FakeInstance();
    const { body, contentType } = await askAdmin(instance, '/');
    expect(contentType).toBe('text/html; charset=UTF-8');
    const help = (await askAdmin(instance, '/help')).body;
    for (const [, path] of help.matchAll(/^ {2}\/(\S+?)(?: \(POST\))?: /gm)) {
      expect(body).toMatch(new RegExp(`(?:href|action)="${path}"`));
    }
    expect(body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(body).not.toContain('<script');
  });
});
