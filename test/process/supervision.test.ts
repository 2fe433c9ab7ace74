/** The process around the data path, with a tiny worker in its place: threads, sockets, signals, deaths. */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../native/index.ts';
import { bootstrap, cluster, httpListener } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

const processes: EnvoytsProcess[] = [];
afterEach(async () => {
  for (const each of processes.splice(0)) await each.dispose();
});

async function started(text: string, ...argv: string[]): Promise<EnvoytsProcess> {
  const workers = argv.includes('--concurrency') ? [] : ['--concurrency', '2'];
  const envoyts = new EnvoytsProcess('fake', text, [...workers, ...argv]);
  processes.push(envoyts);
  await envoyts.ready();
  return envoyts;
}

const BACKENDS = [...(nativeAvailable() ? (['ring'] as const) : []), 'portable' as const];

describe.each(BACKENDS)('a process on the %s backend', (backend) => {
  it('starts, serves from every worker and ends on SIGTERM with 0', async () => {
    const envoyts = await started(bootstrap({ clusters: cluster('c', 'STATIC', '127.0.0.1', 9) }), '--io', backend);
    const address = await envoyts.listener('main');
    const workers = new Set<number>();
    await envoyts.until('an answer of each worker', async () => {
      const answer = JSON.parse((await ask(address, '/')).body) as { worker: number; version: number; hosts: Record<string, string> };
      expect(answer).toMatchObject({ version: 1, hosts: { 0: '0=127.0.0.1:9' } });
      workers.add(answer.worker);
      return workers.size === 2;
    });
    envoyts.signal('SIGTERM');
    expect(await envoyts.exit()).toEqual({ code: 0, signal: null });
    for (const line of ['caught ENVOY_SIGTERM', 'shutting down server instance', 'main dispatch loop exited', 'exiting']) expect(envoyts.stderr).toContain(line);
    await expect(ask(address, '/')).rejects.toThrow('ECONNREFUSED');
  });

  it('starts a worker again that ends, and goes on serving', async () => {
    const envoyts = await started(bootstrap(), '--io', backend);
    const address = await envoyts.listener('main');
    await ask(address, '/exit').catch(() => {});
    await envoyts.until('the death to be counted', async () => (await envoyts.stat('workers.deaths')) === 1);
    expect(envoyts.stderr).toMatch(/worker \d died: the thread ended by itself with code 7/);
    await envoyts.until('two workers', async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 20; i++) seen.add((await ask(address, '/').catch(() => ({ body: '' }))).body);
      seen.delete('');
      return seen.size === 2;
    });
  });
});

describe.runIf(nativeAvailable())('a worker that dies', () => {
  it('leaves the connections in its accept queue to its successor', async () => {
    const envoyts = await started(bootstrap(), '--concurrency', '1');
    const address = await envoyts.listener('main');
    // The only worker blocks, then ends without having looked at its sockets again.
    const last = ask(address, '/stall-and-exit').catch(() => undefined);
    await envoyts.until('the worker to block', () => envoyts.stderr.includes('about to end'));
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(address, '/')));
    expect(answers.map((answer) => answer.status)).toEqual(new Array(20).fill(200));
    await last;
    expect(await envoyts.stat('workers.deaths')).toBe(1);
  });

  it('is logged with the stack of what escaped', async () => {
    const envoyts = await started(bootstrap());
    await ask(await envoyts.listener('main'), '/throw').catch(() => {});
    await envoyts.until('the cause in the log', () => /worker \d died: Error: a filter broke\n +at /.test(envoyts.stderr));
  });

  it('ends the process with 1 when it is the third within a minute', async () => {
    const envoyts = await started(bootstrap());
    const address = await envoyts.listener('main');
    for (let deaths = 1; deaths <= 3; deaths++) {
      await envoyts.until('an answer', async () => (await ask(address, '/').catch(() => undefined)) !== undefined);
      await ask(address, '/exit').catch(() => {});
      if (deaths < 3) await envoyts.until(`death ${deaths}`, async () => (await envoyts.stat('workers.deaths')) === deaths);
    }
    expect(await envoyts.exit()).toEqual({ code: 1, signal: null });
    expect(envoyts.stderr).toContain('3 workers died within a minute: giving up');
  });
});

describe('a process', () => {
  it('counts a worker that stands still', async () => {
    const envoyts = await started(bootstrap());
    await ask(await envoyts.listener('main'), '/stall');
    // A machine under load may count misses of its own.
    await envoyts.until('the stall to be counted', async () => ((await envoyts.stat('workers.watchdog_mega_miss')) ?? 0) >= 1);
    expect(await envoyts.stat('workers.watchdog_miss')).toBeGreaterThanOrEqual(1);
    expect(await envoyts.stat('workers.deaths')).toBe(0);
  });

  it('is killed by its watchdog where that is configured', async () => {
    const envoyts = new EnvoytsProcess('fake', bootstrap({ top: 'watchdogs: { worker_watchdog: { kill_timeout: 2s } }\n' }), ['--concurrency', '2']);
    processes.push(envoyts);
    // Where a machine is so busy that a worker does not turn for two seconds by itself, the kill comes before the request.
    const stall = async () => {
      await envoyts.ready();
      await ask(await envoyts.listener('main'), '/stall-for-ever');
    };
    await stall().catch(() => {});
    expect((await envoyts.exit()).signal).toBe('SIGABRT');
    expect(envoyts.stderr).toMatch(/watchdog: worker \d has not turned for \d+ ms \(kill\)/);
  }, 60_000);

  it('says that an address is taken and ends with 1', async () => {
    const first = await started(bootstrap(), '--io', 'portable');
    const port = Number((await first.listener('main')).split(':')[1]);
    const second = new EnvoytsProcess('fake', bootstrap({ port }), ['--io', 'portable']);
    processes.push(second);
    expect((await second.exit()).code).toBe(1);
    expect(second.stderr).toContain(`listener 'main' failed to bind or apply socket options: cannot bind '127.0.0.1:${port}': Address already in use`);
    expect(second.stderr).toMatch(new RegExp(`error initializing configuration '.*': cannot bind '127.0.0.1:${port}': Address already in use`));
  });

  it('swallows SIGHUP, and reopens its log on SIGUSR1', async () => {
    const envoyts = await started(bootstrap(), '--log-path', '{folder}/p.log');
    renameSync(`${envoyts.folder}/p.log`, `${envoyts.folder}/old.log`);
    envoyts.signal('SIGUSR1');
    await envoyts.until('a new file', () => existsSync(`${envoyts.folder}/p.log`));
    envoyts.signal('SIGHUP');
    await envoyts.until('the line in the new file', () => readFileSync(`${envoyts.folder}/p.log`, 'utf8').includes('caught and eating SIGHUP'));
    expect(readFileSync(`${envoyts.folder}/old.log`, 'utf8')).toContain('caught SIGUSR1. Reopening access logs.');
  });

  it('stops only inbound listeners when told so, then all, and refuses connections there', async () => {
    const envoyts = await started(bootstrap({ listeners: httpListener('in', 0, 'traffic_direction: INBOUND') }));
    const [main, inbound] = [await envoyts.listener('main'), await envoyts.listener('in')];
    await envoyts.admin('/drain_listeners?inboundonly', 'POST');
    const refused = (address: string) => ask(address, '/').then(() => false, (error: Error) => error.message.includes('ECONNREFUSED'));
    await envoyts.until('the inbound listener to be closed', () => refused(inbound));
    expect((await ask(main, '/')).status).toBe(200);
    await envoyts.admin('/drain_listeners', 'POST');
    await envoyts.until('the other one to be closed', () => refused(main));
    expect((await envoyts.admin('/listeners')).body).toBe('');
    expect(await envoyts.stat('listener_manager.listener_stopped')).toBe(2);
  });

  it('drains gracefully for the drain time, then closes its listeners', async () => {
    const envoyts = await started(bootstrap(), '--drain-time-s', '1');
    const address = await envoyts.listener('main');
    await envoyts.admin('/drain_listeners?graceful', 'POST');
    expect((await ask(address, '/')).status).toBe(200);
    await envoyts.until('the listener to be closed', () => ask(address, '/').then(() => false, () => true));
  });

  it('is not ready while health checks are failed', async () => {
    const envoyts = await started(bootstrap());
    await envoyts.admin('/healthcheck/fail', 'POST');
    expect(await envoyts.admin('/ready')).toEqual({ status: 503, body: 'DRAINING\n' });
    await envoyts.admin('/healthcheck/ok', 'POST');
    expect(await envoyts.admin('/ready')).toEqual({ status: 200, body: 'LIVE\n' });
  });

  it('ends on /quitquitquit with 0', async () => {
    const envoyts = await started(bootstrap());
    expect(await envoyts.admin('/quitquitquit', 'POST')).toEqual({ status: 200, body: 'OK\n' });
    expect(await envoyts.exit()).toEqual({ code: 0, signal: null });
  });

  it('waits for clusters before it listens, but not for ever', async () => {
    // A resolver that is not there: the first answer is a failure, and then traffic is served all the same.
    const dead = 'dns_resolution_config: { resolvers: [{ socket_address: { address: 127.0.0.1, port_value: 1 } }] }';
    const envoyts = await started(bootstrap({ clusters: cluster('c', 'STRICT_DNS', 'name.invalid', 80, dead) }));
    expect(await envoyts.stat('cluster.c.update_failure')).toBeGreaterThanOrEqual(1);
    expect(await envoyts.stat('cluster.c.membership_total')).toBe(0);
  });

  it('initialises and ends with --mode init_only', async () => {
    const envoyts = new EnvoytsProcess('fake', bootstrap({ clusters: cluster('c', 'STATIC', '127.0.0.1', 9) }), ['--mode', 'init_only']);
    processes.push(envoyts);
    expect(await envoyts.exit()).toEqual({ code: 0, signal: null });
    expect(envoyts.stderr).toContain('cm init: all clusters initialized');
    expect(envoyts.stderr).not.toContain('starting workers');
  });

  it('changes log levels of running workers', async () => {
    const envoyts = await started(bootstrap(), '-l', 'warning');
    expect(envoyts.stderr).not.toContain('entering dispatch loop');
    await envoyts.admin('/logging?main=debug', 'POST');
    await ask(await envoyts.listener('main'), '/exit').catch(() => {});
    await envoyts.until('the successor of a worker to log', () => envoyts.stderr.includes('entering dispatch loop'));
  });
});
