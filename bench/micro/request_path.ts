/**
 * What a worker's own code costs per proxied request, without system calls: requests and responses of get1k arrive through the I/O
 * seam, as many in a turn as under load; then the same with a connection per request. CPU time of this process, the fiftieth best of many short rounds, so that it says the same on a busy
 * machine. Run: node bench/micro/request_path.ts
 */
import { InProcessWorker } from '../../test/support/in_process_worker.ts';
import { tuneCompiler } from '../../workers/main/compiler_tuning.ts';
import { headersOf, pathOf, SCENARIOS } from '../macro/scenarios.ts';
import { BatchIo } from './batch_io.ts';

const CONNECTIONS = 64;
const ROUNDS = 800;
const REQUESTS = 2000;
/** Events in a turn. */
const WIDTHS = [64, 8];

/** Head of the request of a scenario. */
const requestOf = (name: string): string => {
  const scenario = SCENARIOS.find((one) => one.name === name) ?? SCENARIOS[0];
  return `GET ${pathOf('1k')} HTTP/1.1\r\n${headersOf(scenario).map(([field, value]) => `${field}: ${value}\r\n`).join('')}\r\n`;
};
const RESPONSE = `HTTP/1.1 200 OK\r\nServer: origin/1.0\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n\r\n${'x'.repeat(1024)}`;

tuneCompiler();
measure('get1k', WIDTHS);
measure('churn', [CONNECTIONS]);

function measure(scenario: string, widths: readonly number[]): void {
  const io = new BatchIo(requestOf(scenario), RESPONSE, scenario === 'churn');
  const worker = InProcessWorker.onFake(io, { upstreamPorts: [20001, 20002], manager: { useRemoteAddress: true } });
  io.open(worker.listenerNumber, CONNECTIONS);
  io.run(200_000, CONNECTIONS);
  for (const width of widths) {
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.cpuUsage();
      io.run(REQUESTS, width);
      const spent = process.cpuUsage(before);
      rounds.push(((spent.user + spent.system) * 1000) / REQUESTS);
    }
    rounds.sort((a, b) => a - b);
    console.log(`${scenario}, ${width} events in a turn: ${rounds[ROUNDS / 50].toFixed(0)} ns per request (median ${rounds[ROUNDS >> 1].toFixed(0)})`);
  }
  if (worker.errors.length > 0) throw new Error(worker.errors[0]);
}
