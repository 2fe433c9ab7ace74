/** The commands as a user types them, and /explain of a running process beside what it really does. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Explanation } from '../../server/explain/explanation.ts';
import { bootstrap, cluster } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

const processes: EnvoytsProcess[] = [];
const closers: (() => void)[] = [];
afterEach(async () => {
  for (const each of processes.splice(0)) await each.dispose();
  for (const close of closers.splice(0)) close();
});

function spawned(text: string | undefined, ...argv: string[]): EnvoytsProcess {
  const envoyts = new EnvoytsProcess('real', text, argv);
  processes.push(envoyts);
  return envoyts;
}

const ROUTES = 'virtual_hosts: [{ name: v, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: c } }] }]';
const TESTS = 'tests: [{ test_name: t, input: { authority: a, path: /, method: GET }, validate: { cluster_name: c } }]';

describe('commands', () => {
  it('explain answers and ends', async () => {
    const help = spawned(undefined, 'explain', '--help');
    expect((await help.exit()).code).toBe(0);
    expect(help.stdout).toContain('USAGE: envoyts explain -c <bootstrap> [METHOD] <url>');
    const explain = spawned(undefined, 'explain', '--config-yaml', bootstrap(), 'http://localhost/a');
    expect((await explain.exit()).code).toBe(0);
    expect(explain.stdout).toMatch(/^verdict +answered here with 200 \(direct_response\), body "direct"$/m);
  });

  it('router-check says what fails by its exit code', async () => {
    const probe = spawned(undefined, 'router-check', '--help');
    const routes = join(probe.folder, 'routes.yaml');
    const tests = join(probe.folder, 'tests.yaml');
    writeFileSync(routes, ROUTES);
    writeFileSync(tests, TESTS);
    expect((await probe.exit()).code).toBe(0);
    const passes = spawned(undefined, 'router-check', '-c', routes, '-t', tests);
    expect([(await passes.exit()).code, passes.stdout]).toEqual([0, '1 tests, 1 passed, 0 failed\nCurrent route coverage: 100%\n']);
    writeFileSync(tests, TESTS.replace('cluster_name: c', 'cluster_name: d'));
    const fails = spawned(undefined, 'router-check', '-c', routes, '-t', tests);
    expect((await fails.exit()).code).toBe(1);
  });
});

describe('/explain of a running process', () => {
  it('names the host and the path that a request then gets', async () => {
    const seen: string[] = [];
    const upstream = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.host}`);
      response.end('upstream');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    closers.push(() => upstream.close());
    const port = (upstream.address() as { port: number }).port;
    const text = bootstrap({
      routes: '- { match: { prefix: / }, route: { cluster: c, prefix_rewrite: /inner/, host_rewrite_literal: inner.host } }',
      clusters: cluster('c', 'STRICT_DNS', 'localhost', port, 'dns_lookup_family: V4_ONLY'),
    });
    const envoyts = spawned(text, '--concurrency', '1');
    await envoyts.ready();
    const address = await envoyts.listener('main');
    const answer = await envoyts.admin(`/explain?format=json&url=${encodeURIComponent(`http://${address}/a?b`)}`);
    const { verdict, bugs } = JSON.parse(answer.body) as Explanation;
    expect(bugs).toEqual([]);
    expect(verdict).toEqual({ kind: 'forwarded', cluster: 'c', endpoint: `127.0.0.1:${port}`, method: 'GET', path: '/inner/a?b', host: 'inner.host' });
    // The question itself sent nothing.
    expect(seen).toEqual([]);
    expect(await ask(address, '/a?b')).toEqual({ status: 200, body: 'upstream' });
    expect(seen).toEqual([`${verdict.method} ${verdict.path} ${verdict.host}`]);
  });
});
