/**
 * `npm start`: the demo front proxy. This process runs the three upstream services and, beside it, envoyts with bootstrap.yaml.
 * Ctrl-C ends both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startServices } from './services.ts';

const ADMIN = 'http://127.0.0.1:9901';
const PROXY = 'http://127.0.0.1:10000';
const WAIT_MS = 10_000;

const CURLS = `
envoyts is up. Try:

  curl -i ${PROXY}/                     # the greeting service; see the headers that the proxy added
  curl -i ${PROXY}/slow/impatient       # the route gives the slow service 0.2 s: 504 upstream request timeout
  curl -s '${PROXY}/flaky?[1-6]'        # every third answer of the flaky service is a 503
  curl -s '${ADMIN}/stats?filter=upstream_rq_(2|5)xx'   # and what the proxy counted
  curl -s ${ADMIN}/clusters             # hosts, limits, health

More at ${ADMIN}/ in a browser. Ctrl-C stops everything.
`;

/** Whether the proxy came up; false as soon as it has ended. */
async function waitUntilReady(proxy: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + WAIT_MS;
  while (Date.now() < deadline && proxy.exitCode === null && proxy.signalCode === null) {
    try {
      if ((await fetch(`${ADMIN}/ready`)).ok) return true;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

async function main(): Promise<void> {
  const servers = await startServices();
  const entry = fileURLToPath(new URL('../../bin/envoyts.js', import.meta.url));
  const config = fileURLToPath(new URL('./bootstrap.yaml', import.meta.url));
  const given = process.argv.slice(2);
  // Unless told otherwise: little noise, and access-log lines soon after the request.
  const flags = given.length > 0 ? given : ['-l', 'warning', '--file-flush-interval-msec', '300'];
  const proxy = spawn(process.execPath, [entry, '-c', config, ...flags], { stdio: 'inherit' });
  proxy.once('exit', (code) => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    process.exitCode = code ?? 1;
  });
  // The demo ends when the proxy has. Ctrl-C in a terminal reaches both; a second signal changes nothing.
  process.on('SIGINT', () => proxy.kill('SIGINT'));
  process.on('SIGTERM', () => proxy.kill('SIGTERM'));
  if (await waitUntilReady(proxy)) process.stdout.write(CURLS);
}

main().catch((error: unknown) => {
  process.stderr.write(`the demo could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
