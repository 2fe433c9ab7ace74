/** SO_ORIGINAL_DST for real: connections that iptables redirects, in a network namespace of the test's own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { nativeAvailable } from '../../native/index.ts';

const SCENE = fileURLToPath(new URL('./support/redirected_scene.ts', import.meta.url));
const IN_NAMESPACE = ['-n', 'sh', '-c'];

/** Why it cannot be done here; undefined = it can. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  if (!nativeAvailable()) return 'the addon is not built';
  const { status, stderr, error } = spawnSync('unshare', [...IN_NAMESPACE, 'ip link set lo up && iptables -t nat -A OUTPUT -p tcp -d 127.0.0.2 -j REDIRECT'], { encoding: 'utf8' });
  return status === 0 ? undefined : `no namespace with iptables (Debian packages iptables, iproute2): ${error?.message ?? stderr.trim()}`;
}

const reason = obstacle();
if (reason !== undefined) process.stderr.write(`SKIPPED: ${reason}; redirected connections were not tried\n`);

test.skipIf(reason !== undefined)('redirected connections reach where they were going, or the listener that is there', { timeout: 90_000 }, () => {
  const { stdout, stderr } = spawnSync('unshare', [...IN_NAMESPACE, 'ip link set lo up && exec "$0" "$1"', process.execPath, SCENE], { encoding: 'utf8', timeout: 60_000 });
  const { redirected6, hosts, ...seen } = JSON.parse(stdout.trim() || `{"stderr": ${JSON.stringify(stderr)}}`) as Record<string, unknown>;
  // As seen of Envoy in the same scene, but for `direct`.
  expect(seen).toEqual({
    redirected: ['200 first', '200 second'],
    handedOff: ['200 exact', '200 any', '200 not the exact one'],
    handedToNobody: '200 second',
    notBound: 'ECONNREFUSED',
    connections: [1, 1],
    direct: ['503 no healthy upstream', '503 no healthy upstream'],
  });
  if (redirected6 === undefined) process.stderr.write('SKIPPED: no IPv6 or no ip6tables; its redirected connections were not tried\n');
  else expect(redirected6).toBe('200 sixth');
  expect(hosts).toEqual(['c::127.0.0.1:first', 'c::127.0.0.1:second', ...(redirected6 === undefined ? [] : ['c::[::1]:sixth'])]);
});
