import { parentPort, workerData } from 'node:worker_threads';
import { CloseMode, EVENT_WORDS, IoCommand, IoEvent } from '../../core/io/io.ts';
import { RingIo } from '../../core/io/ring_io.ts';

/** What the thread is given: a listen socket of the main thread, or none. */
export interface EchoWorkerData {
  readonly fd: number;
}

/** Echoes on a listen socket it was given. 'exit' as bytes ends the thread from inside a turn, 'throw' throws there. */
const io = new RingIo({ maxConnections: 1024, arenaSize: 1 << 20, staticSize: 4096, outSize: 65536, recvSize: 65536 });
const { events, commands, control, slabBuffer } = io;

function onData(connection: number, offset: number, length: number): void {
  const text = slabBuffer.toString('latin1', offset, offset + Math.min(length, 5));
  if (text.startsWith('exit')) process.exit(7);
  if (text === 'throw') throw new Error('thrown in a turn');
  commands.set([IoCommand.send | (1 << 8), connection, offset, length], control[0]);
  control[0] += 4;
}

io.start(() => {
  control[0] = 0;
  const end = control[1] * EVENT_WORDS;
  for (let at = 0; at < end; at += EVENT_WORDS) {
    const kind = events[at + 1];
    if (kind === IoEvent.data) {
      onData(events[at], events[at + 2], events[at + 3]);
      events[at + 3] = 0;
    } else if (kind === IoEvent.eof || kind === IoEvent.error) {
      commands.set([IoCommand.close | (CloseMode.flush << 8), events[at]], control[0]);
      control[0] += 2;
    }
  }
});
const { fd } = workerData as EchoWorkerData;
if (fd >= 0) io.adoptListener({ fd });
parentPort?.postMessage('ready');
