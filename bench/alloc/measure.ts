// Bytes of JavaScript heap that one proxied request costs in steady state. Prints one line of JSON.
// node --expose-gc --max-semi-space-size=64 bench/alloc/measure.ts [requests=20000] [profile]
// With `profile`, the sampled sites are printed too (bytes per request, function, file).
import { fork } from 'node:child_process';
import { Session } from 'node:inspector';
import { PerformanceObserver } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { InProcessWorker } from '../../test/support/in_process_worker.ts';

const WARM_UP = 30_000;
const ROUNDS = 3;
const requests = Number(process.argv[2] ?? 20_000);
const wantsProfile = process.argv[3] === 'profile';

interface ProfileNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

function sites(head: ProfileNode): string[] {
  const sums = new Map<string, number>();
  const walk = (node: ProfileNode) => {
    const { functionName, url, lineNumber } = node.callFrame;
    const key = `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
    sums.set(key, (sums.get(key) ?? 0) + node.selfSize);
    for (const child of node.children) walk(child);
  };
  walk(head);
  return [...sums].sort((a, b) => b[1] - a[1]).slice(0, 20).map(([key, bytes]) => `${(bytes / requests).toFixed(2)} ${key}`);
}

let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ['gc'] });

let onMessage: (message: { origin?: number; done?: boolean }) => void = () => {};
const peer = fork(fileURLToPath(new URL('./load_peer.ts', import.meta.url)), { execArgv: [] });
peer.on('message', (message: { origin?: number; done?: boolean }) => onMessage(message));
const origin = await new Promise<number>((resolve) => {
  onMessage = (message) => resolve(message.origin ?? 0);
});

const worker = await InProcessWorker.start({ backend: 'ring', upstreamPorts: [origin] });
const run = (count: number) =>
  new Promise<void>((resolve) => {
    onMessage = () => resolve();
    peer.send({ port: worker.port, requests: count });
  });
await run(WARM_UP);
// What an order itself costs (messages, promises) is measured with few requests and taken off.
const measure = async (count: number) => {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
  collections = 0;
  const before = process.memoryUsage().heapUsed;
  await run(count);
  const bytes = process.memoryUsage().heapUsed - before;
  await new Promise((resolve) => setTimeout(resolve, 20));
  return { bytes, collections };
};
await measure(64);
const idle = await measure(64);
const session = new Session();
if (wantsProfile) {
  session.connect();
  session.post('HeapProfiler.startSampling', { samplingInterval: 512, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true });
}
// The compiler settles while requests run: the best round is the steady state.
let busy = await measure(requests);
for (let round = 1; round < ROUNDS && !wantsProfile; round++) {
  const next = await measure(requests);
  if (next.bytes < busy.bytes) busy = next;
}
if (wantsProfile) {
  session.post('HeapProfiler.stopSampling', (_error, result) => {
    for (const line of sites(result.profile.head as ProfileNode)) console.error(line);
  });
}
console.log(JSON.stringify({ bytesPerRequest: Math.round(((busy.bytes - idle.bytes) / requests) * 100) / 100, collections: busy.collections, requests, errors: worker.errors.length }));
worker.close();
peer.disconnect();
