/** The product as it is started by a user: bin/envoyts.js with the real data path. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bootstrap, cluster, fileAccessLog } from './support/bootstraps.ts';
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

async function started(text: string, ...argv: string[]): Promise<EnvoytsProcess> {
  const envoyts = spawned(text, '--concurrency', '2', ...argv);
  await envoyts.ready();
  return envoyts;
}

describe('envoyts', () => {
  it('serves an unmodified bootstrap, writes the access log, and ends on SIGTERM with everything written', async () => {
    const text = bootstrap({ accessLog: fileAccessLog('{folder}/access.log', '%RESPONSE_CODE% %REQ(:PATH)%\\n') });
    const envoyts = await started(text);
    const address = await envoyts.listener('main');
    expect(await ask(address, '/a')).toEqual({ status: 200, body: 'direct' });
    expect(await ask(address, '/b')).toEqual({ status: 200, body: 'direct' });
    envoyts.signal('SIGTERM');
    expect(await envoyts.exit()).toEqual({ code: 0, signal: null });
    expect(readFileSync(`${envoyts.folder}/access.log`, 'utf8').split('\n').toSorted()).toEqual(['', '200 /a', '200 /b']);
  });

  it('reopens access logs on SIGUSR1', async () => {
    const text = bootstrap({ accessLog: fileAccessLog('{folder}/access.log', '%REQ(:PATH)%\\n') });
    const envoyts = await started(text, '--file-flush-interval-msec', '50');
    const address = await envoyts.listener('main');
    const path = `${envoyts.folder}/access.log`;
    const has = (file: string, line: string) => existsSync(file) && readFileSync(file, 'utf8').includes(line);
    await ask(address, '/before');
    await envoyts.until('the first line', () => has(path, '/before'));
    renameSync(path, `${envoyts.folder}/old.log`);
    envoyts.signal('SIGUSR1');
    await envoyts.until('a new file with a new line', async () => {
      await ask(address, '/after');
      return has(path, '/after');
    });
    expect(has(path, '/before')).toBe(false);
  });

  it('writes the access log of the admin interface, by its filter', async () => {
    const log = fileAccessLog('{folder}/admin.log', '%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %BYTES_SENT% %REQ(X-FORWARDED-FOR)% %REQ(HOST)% %RESPONSE_CODE_DETAILS%\\n')
      .replace('name: f,', 'name: f, filter: { header_filter: { header: { name: ":path", string_match: { prefix: /help } } } },');
    const envoyts = await started(bootstrap().replace('admin: {', `admin: { ${log},`));
    const address = readFileSync(`${envoyts.folder}/admin`, 'utf8');
    const { body } = await envoyts.admin('/help');
    await envoyts.admin('/helpless');
    envoyts.signal('SIGTERM');
    await envoyts.exit();
    const lines = readFileSync(`${envoyts.folder}/admin.log`, 'utf8').split('\n');
    expect(lines).toEqual([
      `GET /help HTTP/1.1 200 ${body.length} 127.0.0.1 ${address} admin_filter_response`,
      expect.stringMatching(/^GET \/helpless HTTP\/1\.1 404 /), '',
    ]);
  });

  it('shows the hosts of its clusters with include_eds', async () => {
    const envoyts = await started(bootstrap({ clusters: cluster('c', 'STATIC', '127.0.0.1', 9) }));
    const dump = JSON.parse((await envoyts.admin('/config_dump?include_eds&resource=static_endpoint_configs')).body) as object;
    expect(dump).toMatchObject({ configs: [{ endpoint_config: { cluster_name: 'c', endpoints: [{ lb_endpoints: [{ health_status: 'HEALTHY' }] }] } }] });
    expect((await envoyts.admin('/config_dump')).body).not.toContain('EndpointsConfigDump');
  });

  it('proxies to a cluster that is found by name', async () => {
    const upstream = createServer((request, response) => response.end(`upstream ${request.url}`)).listen(0, '127.0.0.1');
    closers.push(() => {
      upstream.close();
      upstream.closeAllConnections();
    });
    await new Promise((resolve) => upstream.once('listening', resolve));
    const bound = upstream.address();
    if (bound === null || typeof bound === 'string') throw new Error('no port');
    const text = bootstrap({ clusters: cluster('c', 'STRICT_DNS', 'localhost', bound.port, 'dns_lookup_family: V4_ONLY') })
      .replace(/direct_response: \{.*\} \} \}/, 'route: { cluster: c } }');
    const envoyts = await started(text);
    expect(await ask(await envoyts.listener('main'), '/x')).toEqual({ status: 200, body: 'upstream /x' });
    expect((await envoyts.admin('/clusters')).body).toContain(`c::127.0.0.1:${bound.port}::rq_total::1`);
  });

  it('prints Envoy\'s startup lines in order', async () => {
    const envoyts = await started(bootstrap());
    const lines = [
      'initializing epoch 0 (base id=0, hot restart version=disabled)', 'statically linked extensions:', 'runtime: {}', 'admin address: 127.0.0.1:',
      'loading tracing configuration', 'loading 0 static secret(s)', 'loading 0 cluster(s)', 'loading 1 listener(s)', 'loading stats configuration',
      'RTDS has finished initialization', 'cm init: all clusters initialized', 'all clusters initialized. initializing init manager',
      'all dependencies initialized. starting workers', 'starting main dispatch loop',
    ];
    let position = 0;
    for (const line of lines) {
      const found = envoyts.stderr.indexOf(line, position);
      expect(found, `${line} after ${envoyts.stderr.slice(0, position)}`).toBeGreaterThanOrEqual(0);
      position = found;
    }
    expect(envoyts.stderr).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[info\]\[main\] \[server\/run\.ts:\d+\] initializing epoch 0/);
  });

  it('begins as after /healthcheck/fail where flags_path has a file drain, and shows the version that it is to show', async () => {
    const flags = mkdtempSync(join(tmpdir(), 'envoyts-flags-'));
    closers.push(() => rmSync(flags, { recursive: true }));
    writeFileSync(join(flags, 'drain'), '');
    const envoyts = spawned(bootstrap({ top: `flags_path: ${flags}\nstats_server_version_override: 5\n` }), '--concurrency', '1');
    await envoyts.until('the admin interface', () => existsSync(join(envoyts.folder, 'admin')));
    await envoyts.until('the end of its start', async () => (await envoyts.admin('/ready')).body === 'DRAINING\n');
    expect([await envoyts.stat('server.version'), await envoyts.stat('server.live')]).toEqual([5, 0]);
    expect(envoyts.stderr).toContain('starting server in drain mode');
    await envoyts.admin('/healthcheck/ok', 'POST');
    await envoyts.ready();
  });

  it('writes JSON lines when the bootstrap says so', async () => {
    const envoyts = await started(bootstrap({ top: 'application_log_config: { log_format: { json_format: { at: "%n", is: "%j" } } }\n' }));
    const lines = envoyts.stderr.split('\n').filter((line) => line.includes('starting main dispatch loop'));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([{ at: 'main', is: 'starting main dispatch loop' }]);
  });

  it('shows the configuration, without what is secret', async () => {
    const envoyts = await started(bootstrap({ clusters: cluster('c', 'STATIC', '127.0.0.1', 9) }));
    const dump = JSON.parse((await envoyts.admin('/config_dump')).body) as { configs: Record<string, unknown>[] };
    const sections = dump.configs.map((section) => String(section['@type']).replace('type.googleapis.com/envoy.admin.v3.', ''));
    expect(sections).toEqual(expect.arrayContaining(['BootstrapConfigDump', 'ClustersConfigDump', 'ListenersConfigDump', 'RoutesConfigDump']));
    expect(JSON.stringify(dump)).toContain('"stat_prefix":"main"');
    const info = JSON.parse((await envoyts.admin('/server_info')).body) as { state: string; command_line_options: { concurrency: number } };
    expect([info.state, info.command_line_options.concurrency]).toEqual(['LIVE', 2]);
  });
});

describe('envoyts --mode validate', () => {
  it('says that a configuration is OK and opens nothing', async () => {
    // The port is taken by this test: whoever bound it would fail.
    const taken = createServer().listen(0, '127.0.0.1');
    closers.push(() => taken.close());
    await new Promise((resolve) => taken.once('listening', resolve));
    const bound = taken.address();
    if (bound === null || typeof bound === 'string') throw new Error('no port');
    const envoyts = spawned(bootstrap({ port: bound.port }), '--mode', 'validate');
    expect(await envoyts.exit()).toEqual({ code: 0, signal: null });
    expect(envoyts.stdout).toBe(`configuration '${envoyts.folder}/bootstrap.yaml' OK\n`);
    expect(existsSync(`${envoyts.folder}/admin`)).toBe(false);
  });

  it('lists what has no effect, with its place', async () => {
    const envoyts = spawned(bootstrap({ top: 'perf_tracing_file_path: /nowhere\n' }), '--mode', 'validate');
    expect((await envoyts.exit()).code).toBe(0);
    expect(envoyts.stderr).toMatch(/\[warning\]\[config\].*bootstrap\.yaml:2:\d+ perf_tracing_file_path.*has no effect/);
  });

  it('shows every error with its place and ends with 1', async () => {
    const envoyts = spawned(bootstrap({ top: 'adminn: {}\nstats_flush_interval: 1ms2\n' }), '--mode', 'validate');
    expect(await envoyts.exit()).toEqual({ code: 1, signal: null });
    expect(envoyts.stdout).toBe('');
    expect(envoyts.stderr).toMatch(/\[critical\]\[main\].*error initializing configuration '.*bootstrap\.yaml': .*\(and 1 more error\)/);
    expect(envoyts.stderr).toContain('bootstrap.yaml:2:1');
    expect(envoyts.stderr).toContain('bootstrap.yaml:3:23');
  });
});

describe('an access log that cannot be opened', () => {
  it.each([['serve'], ['validate']])('is refused when the configuration is loaded (--mode %s)', async (mode) => {
    const text = bootstrap({ accessLog: fileAccessLog('{folder}/missing/access.log', 'x\\n') });
    const envoyts = spawned(text, '--mode', mode);
    expect(await envoyts.exit()).toEqual({ code: 1, signal: null });
    const path = `${envoyts.folder}/missing/access.log`;
    expect(envoyts.stderr).toMatch(/bootstrap\.yaml:14:\d+/);
    expect(envoyts.stderr).toContain(`unable to open file '${path}': No such file or directory (the folder '${envoyts.folder}/missing' does not exist)`);
    expect(envoyts.stderr).toContain('access_log[0].typed_config.path');
  });

  it('is not made by --mode validate', async () => {
    const envoyts = spawned(bootstrap({ accessLog: fileAccessLog('{folder}/access.log', 'x\\n') }), '--mode', 'validate');
    expect((await envoyts.exit()).code).toBe(0);
    expect(existsSync(`${envoyts.folder}/access.log`)).toBe(false);
  });
});

describe('a command line that does not lead to serving', () => {
  it.each<[string, string[], number, RegExp]>([
    ['--version', ['--version'], 0, /^\nenvoyts {2}version: [0-9a-f]{40}\/\d+\.\d+\.\d+\/Clean\/RELEASE\/OpenSSL-[\d.]+\n\n$/],
    ['--hot-restart-version', ['--hot-restart-version'], 0, /^disabled\n$/],
    ['--help', ['--help'], 0, /^USAGE: envoyts/],
    ['an unknown flag', ['--concurency', '1'], 1, /Did you mean --concurrency\?/],
    ['no configuration', [], 1, /At least one of --config-path or --config-yaml or Options::configProto\(\) should be non-empty/],
    ['a file that is not there', ['-c', '/nowhere/x.yaml'], 1, /unable to read file: \/nowhere\/x\.yaml/],
    ['a log file that cannot be', ['-c', 'x', '--log-path', '/nowhere/x.log'], 1, /the log file '\/nowhere\/x\.log' cannot be opened/],
  ])('%s', async (_, argv, code, text) => {
    const envoyts = spawned(undefined, ...argv);
    expect((await envoyts.exit()).code).toBe(code);
    expect(code === 0 ? envoyts.stdout : envoyts.stderr).toMatch(text);
  });

  it('takes the configuration from --config-yaml alone', async () => {
    const envoyts = spawned(undefined, '--config-yaml', '{}', '--mode', 'validate');
    expect((await envoyts.exit()).code).toBe(0);
    expect(envoyts.stdout).toBe("configuration '' OK\n");
  });
});

describe('a filter set that was cut down', () => {
  it('refuses what needs a disabled extension', async () => {
    const envoyts = spawned(bootstrap(), '--mode', 'validate', '--disable-extensions', 'envoy.filters.http/envoy.filters.http.router,nonsense');
    expect((await envoyts.exit()).code).toBe(1);
    expect(envoyts.stderr).toContain("failed to disable invalid extension name 'nonsense'");
    expect(envoyts.stderr).toContain("Didn't find a registered implementation for 'envoy.filters.http.router'");
  });
});

describe('the published package', () => {
  it('says in one line that Node is too old', () => {
    // The launcher must run on any Node, so it is read here rather than run on an old one.
    const launcher = readFileSync(new URL('../../bin/envoyts.js', import.meta.url), 'utf8');
    const body = launcher.split('var root')[0].replace(/^#!.*\n/, '');
    const written: string[] = [];
    let code: number | undefined;
    const old = {
      versions: { node: '20.1.0' }, version: 'v20.1.0', stderr: { write: (text: string) => written.push(text) },
      exit: (given: number) => {
        code = given;
      },
    };
    new Function('process', body)(old);
    expect(written).toEqual(['envoyts needs Node.js 24 or newer (this is v20.1.0)\n']);
    expect(code).toBe(1);
  });
});
