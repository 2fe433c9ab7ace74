/**
 * Connections that iptables redirects, in a network namespace of its own (run by redirected.test.ts as root below `unshare -n`, with
 * loopback up): prints what came of each request as JSON. Another program in place of envoyts: a launcher as first argument.
 *
 * Whoever comes from 127.0.0.9 (fd00::9) is redirected to the listener `restoring`, whoever comes from 127.0.0.10 to `handing`.
 */
import { spawnSync } from 'node:child_process';
import http, { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bootstrap, httpListener } from './bootstraps.ts';
import { EnvoytsProcess } from './envoyts_process.ts';

// Nobody else is in this namespace: numbers are free.
const [RESTORING, HANDING, EXACT, ANY] = [15_001, 15_002, 8_081, 8_082];
const FILTER = 'listener_filters: [{ name: o, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst } }]';
const TO_CLUSTER = { routes: '- { match: { prefix: / }, route: { cluster: c } }' };

function says(text: string): { routes: string } {
  return { routes: `- { match: { prefix: / }, direct_response: { status: 200, body: { inline_string: "${text}" } } }` };
}

const CONFIGURATION = bootstrap({
  listeners: [
    httpListener('restoring', RESTORING, FILTER, TO_CLUSTER),
    httpListener('restoring6', RESTORING, FILTER, TO_CLUSTER).replace('127.0.0.1', '"::1"'),
    httpListener('handing', HANDING, 'use_original_dst: true', TO_CLUSTER),
    httpListener('exact', EXACT, 'bind_to_port: false', says('exact')),
    httpListener('any', ANY, 'bind_to_port: false', says('any')).replace('127.0.0.1', '0.0.0.0'),
    httpListener('any_exact', EXACT, 'bind_to_port: false', says('not the exact one')).replace('127.0.0.1', '0.0.0.0'),
  ].join(''),
  clusters: '  - { name: c, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED }\n',
});

function command(program: string, ...argv: string[]): boolean {
  return spawnSync(program, argv, { stdio: 'ignore' }).status === 0;
}

function redirect(program: string, from: string, to: number): boolean {
  return command(program, '-t', 'nat', '-A', 'OUTPUT', '-s', from, '-p', 'tcp', '-j', 'REDIRECT', '--to-ports', `${to}`);
}

/** Status and body of one request on a connection of its own from `localAddress`; the error's code where there is no answer. */
function ask(localAddress: string, host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const request = http.get({ localAddress, host, port, agent: false, timeout: 10_000 }, (response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => {
        body += bytes.toString();
      });
      response.on('end', () => resolve(`${response.statusCode} ${body}`));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** A server that says its name. */
async function serve(name: string, host: string): Promise<number> {
  const server = createServer((_request, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  server.unref();
  return (server.address() as AddressInfo).port;
}

if (!redirect('iptables', '127.0.0.9', RESTORING) || !redirect('iptables', '127.0.0.10', HANDING)) throw new Error('iptables refuses to redirect');
const hasIpv6 = command('ip', 'addr', 'add', 'fd00::9/128', 'dev', 'lo') && redirect('ip6tables', 'fd00::9', RESTORING);
const [first, second, sixth] = [await serve('first', '127.0.0.1'), await serve('second', '127.0.0.1'), hasIpv6 ? await serve('sixth', '::1') : 0];
const launcher = process.argv[2];
const proxy = new EnvoytsProcess(launcher === undefined ? 'real' : { launcher }, CONFIGURATION, ['--concurrency', '2']);
try {
  await proxy.ready();
  const results = {
    redirected: [await ask('127.0.0.9', '127.0.0.1', first), await ask('127.0.0.9', '127.0.0.1', second)],
    redirected6: hasIpv6 ? await ask('fd00::9', '::1', sixth) : undefined,
    handedOff: [await ask('127.0.0.10', '127.0.0.1', EXACT), await ask('127.0.0.10', '127.0.0.1', ANY), await ask('127.0.0.10', '127.0.0.2', EXACT)],
    handedToNobody: await ask('127.0.0.10', '127.0.0.1', second),
    notBound: await ask('127.0.0.1', '127.0.0.1', EXACT),
    connections: [await proxy.stat('listener.127.0.0.1_15002.downstream_cx_total'), await proxy.stat('listener.127.0.0.1_8081.downstream_cx_total')],
    hosts: [...new Set((await proxy.admin('/clusters')).body.match(/^c::\S+:\d+(?=::)/gm))].map((host) => host.replace(`:${first}`, ':first').replace(`:${second}`, ':second').replace(`:${sixth}`, ':sixth')).sort(),
  };
  // Not asked of Envoy: it connects to itself until nothing is left.
  const direct = launcher === undefined ? [await ask('127.0.0.1', '127.0.0.1', RESTORING), await ask('127.0.0.1', '127.0.0.1', HANDING)] : [];
  process.stdout.write(`${JSON.stringify({ ...results, direct })}\n`);
} finally {
  await proxy.dispose();
}
