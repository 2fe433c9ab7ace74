// Compares hidden classes of hot objects that have served with those of new ones. Run with --allow-natives-syntax; prints one JSON
// object: name -> number of different shapes seen.
import { InProcessWorker } from '../support/in_process_worker.ts';
import { Peer, until } from '../support/io_driver.ts';
import { answerEach, TestUpstream } from '../support/test_upstream.ts';

const haveSameMap = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: object, b: object) => boolean;

/** Classes whose objects are compared, wherever they are reached from. */
const WATCHED = new Set(['Connection', 'ActiveStream', 'HeaderMap', 'StreamInfo', 'Http1PoolClient', 'UpstreamRequest', 'WheelTimer', 'ConnectionManager', 'Http1ServerConnection', 'Http1ClientConnection', 'RouterFilter', 'FilterIteration', 'Host']);
const found = new Map<string, Set<object>>();
const seen = new Set<object>();

function collect(root: object): void {
  const queue: object[] = [root];
  while (queue.length > 0) {
    const object = queue.pop();
    if (object === undefined || seen.has(object) || ArrayBuffer.isView(object) || object instanceof SharedArrayBuffer) continue;
    seen.add(object);
    const name = object.constructor?.name ?? '';
    if (WATCHED.has(name)) {
      const all = found.get(name) ?? new Set();
      all.add(object);
      found.set(name, all);
    }
    const children = object instanceof Map || object instanceof Set ? [...object.values()] : Object.values(object);
    for (const child of children) if (typeof child === 'object' && child !== null) queue.push(child);
  }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const held: Peer[] = [];
const upstream = await TestUpstream.start((peer) => {
  answerEach((head) => {
    if (head.includes(' /hold ')) {
      held.push(peer);
      return '';
    }
    if (head.includes(' /chunked ')) return 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
    return head.includes(' /fail ') ? 'nonsense\r\n\r\n\r\n\r\n' : OK;
  })(peer);
});
const backend = process.argv[2] === 'portable' ? 'portable' : 'ring';
const worker = await InProcessWorker.start({ backend, upstreamPorts: [upstream.port] });
const peers: Peer[] = [];
async function exchange(text: string, isDone: (peer: Peer) => boolean): Promise<void> {
  const peer = new Peer({ host: '127.0.0.1', port: worker.port });
  peers.push(peer);
  peer.socket.write(text);
  await until(() => isDone(peer), text.slice(0, 20));
}
const post = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 70000\r\n\r\n';
const ended = (peer: Peer) => peer.text.endsWith('ok');
for (let i = 0; i < 50; i++) await exchange('GET / HTTP/1.1\r\nhost: a\r\n\r\n', ended);
await exchange(`${post}${'x'.repeat(70_000)}`, ended);
await exchange('GET /chunked HTTP/1.1\r\nhost: a\r\n\r\n', (peer) => peer.text.endsWith('0\r\n\r\n'));
await exchange('GET /fail HTTP/1.1\r\nhost: a\r\n\r\n', (peer) => peer.text.includes('502'));
await exchange('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', (peer) => peer.ended);
await exchange('bad\r\n\r\n', (peer) => peer.text.includes('400'));
// Several at once: some on objects that have served, some on new ones.
for (let i = 1; i <= 5; i++) await exchange('GET /hold HTTP/1.1\r\nhost: a\r\n\r\n', () => held.length === i);
collect(worker.worker);
for (const peer of held) peer.socket.write(OK);
const shapes: Record<string, { objects: number; shapes: number }> = {};
for (const [name, objects] of found) {
  const distinct: object[] = [];
  for (const object of objects) if (!distinct.some((other) => haveSameMap(other, object))) distinct.push(object);
  shapes[name] = { objects: objects.size, shapes: distinct.length };
}
console.log(JSON.stringify(shapes));
for (const peer of peers) peer.socket.destroy();
worker.close();
upstream.close();
