/**
 * The load generator where wrk is not installed: `autocannon_driver.ts SCENARIO PORT SECONDS`.
 * Slower than wrk by far, so rates measured with it say more about it than about the proxy; CPU per
 * request holds.
 */
import autocannon, { type AutocannonClient } from 'autocannon';
import { build } from 'hdr-histogram-js';
import { bodyOf, headersOf, pathOf, SCENARIOS } from '../macro/scenarios.ts';
import { formatLoadResult } from './load.ts';

const [scenarioName, port, seconds] = process.argv.slice(2);
const scenario = SCENARIOS.find((candidate) => candidate.name === scenarioName);
if (scenario === undefined) throw new Error(`unknown scenario ${scenarioName}`);

const latencyUs = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
let requests = 0;
let bytes = 0;
let non2xx = 0;

/**
 * With reconnectRate 1 autocannon reconnects before it counts the response, so a connection's own events
 * are counted: from the request (sent as soon as it connects) to the response head and its body.
 */
function countConnections(client: AutocannonClient): void {
  let startedNs = 0n;
  client.on('request', () => {
    startedNs = process.hrtime.bigint();
  });
  client.on('headers', (head) => {
    requests++;
    if (head.statusCode < 200 || head.statusCode > 299) non2xx++;
    latencyUs.recordValue(Math.max(1, Number(process.hrtime.bigint() - startedNs) / 1000));
  });
  client.on('body', (piece) => {
    bytes += piece.length;
  });
}

const instance = autocannon({
  url: `http://127.0.0.1:${port}${pathOf(scenario.path)}`,
  connections: scenario.connections,
  duration: Number(seconds),
  timeout: 10,
  method: scenario.method,
  // It adds Content-Length itself.
  headers: Object.fromEntries(headersOf(scenario).filter(([name]) => name !== 'Content-Length')),
  ...(scenario.requestBytes > 0 ? { body: bodyOf(scenario) } : {}),
  ...(scenario.isChurn ? { reconnectRate: 1, setupClient: countConnections } : {}),
});
instance.on('response', (_client, status, responseBytes, milliseconds) => {
  requests++;
  if (status < 200 || status > 299) non2xx++;
  bytes += responseBytes;
  latencyUs.recordValue(Math.max(1, Math.round(milliseconds * 1000)));
});
const result = await instance;
process.stdout.write(
  `${formatLoadResult({
    requests,
    seconds: result.duration,
    bytes,
    non2xx,
    socketErrors: result.errors + result.timeouts,
    p50Us: latencyUs.getValueAtPercentile(50),
    p99Us: latencyUs.getValueAtPercentile(99),
    maxUs: latencyUs.maxValue,
  })}\n`,
);
