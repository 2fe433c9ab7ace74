/** A thread that counts: posts its announcements, adds what it is told, acknowledges. Entry of a worker thread. */
import { parentPort } from 'node:worker_threads';
import { StatsStore } from '../../core/stats/store.ts';

/** From the test: add `amount` to a counter and record it in a histogram, `times` times. */
export interface StatsWorkerCommand {
  readonly counter: string;
  readonly histogram: string;
  readonly amount: number;
  readonly times: number;
}

const port = parentPort;
if (port === null) throw new Error('stats_worker.ts runs as a worker thread');
const store = new StatsStore({ onNewStats: (announcement) => port.postMessage({ announcement }) });
port.on('message', (command: StatsWorkerCommand) => {
  const counter = store.rootScope().counter(command.counter);
  const histogram = store.rootScope().histogram(command.histogram, 'ms');
  for (let i = 0; i < command.times; i++) {
    counter.add(command.amount);
    histogram.record(command.amount);
  }
  store.announce();
  port.postMessage({ done: true });
});
