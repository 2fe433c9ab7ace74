/**
 * What a worker's own code costs per proxied request, without system calls: requests and responses of get1k arrive through the I/O
 * seam, as many in a turn as under load. CPU time of this process, the fiftieth best of many short rounds, so that it says the same on a busy
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

const request = `GET ${pathOf('1k')} HTTP/1.1\r\n${headersOf(SCENARIOS[0]).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
const response = `HTTP/1.1 200 OK\r\nServer: origin/1.0\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n\r\n${'x'.repeat(1024)}`;

tuneCompiler();
const io = new BatchIo(request, response);
const worker = InProcessWorker.onFake(io, { upstreamPorts: [20001, 20002], manager: { useRemoteAddress: true } });
io.open(worker.listenerNumber, CONNECTIONS);
io.run(200_000, CONNECTIONS);
for (const width of WIDTHS) {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    io.run(REQUESTS, width);
    const spent = process.cpuUsage(before);
    rounds.push(((spent.user + spent.system) * 1000) / REQUESTS);
  }
  rounds.sort((a, b) => a - b);
  console.log(`${width} events in a turn: ${rounds[ROUNDS / 50].toFixed(0)} ns per request (median ${rounds[ROUNDS >> 1].toFixed(0)})`);
}
if (worker.errors.length > 0) throw new Error(worker.errors[0]);
