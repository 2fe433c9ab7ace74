import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createIo } from '../../core/io/create_io.ts';
import { CloseMode, IoEvent } from '../../core/io/io.ts';
import { IoDriver, until } from './io_driver.ts';

/**
 * Scenarios that need a process of their own (how it exits, uncaught exceptions, a descriptor limit). Run as
 * `node io_scenarios.ts <backend> <scenario>`; prints what happened, one word per line.
 */
const [, , backend, scenario] = process.argv;
const driver = new IoDriver(backend === 'ring' ? 'ring' : 'portable');
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

/** The loop has nothing else to live for once the peer has gone: the process must end by itself after close(). */
async function exitsAfterClose(): Promise<void> {
  const { peer, connection } = await driver.pair();
  driver.close(connection, CloseMode.now);
  await until(() => peer.ended, 'FIN');
  peer.socket.destroy();
  driver.stop();
  say('stopped');
}

/** Nothing but a started Io: a timer that does not hold the loop still fires, because the Io holds it. */
function staysAlive(): void {
  setTimeout(() => {
    say('alive');
    driver.stop();
  }, 50).unref();
}

/** An exception in a turn is uncaught; what was commanded stands, what was not consumed comes again. */
async function throwsInTurn(): Promise<void> {
  process.on('uncaughtException', (error) => say(`uncaught ${error.message}`));
  const { peer, connection } = await driver.pair();
  let thrown = false;
  const originalReader = driver.reader;
  driver.reader = (event) => {
    if (thrown) return originalReader(event);
    thrown = true;
    driver.send(connection, 'before');
    throw new Error('in turn');
  };
  peer.socket.write('kept ');
  await until(() => thrown, 'thrown');
  await until(() => peer.text === 'before', 'the command before the exception ran');
  peer.socket.write('again');
  await until(() => driver.of(IoEvent.data).length === 2, 'next read');
  say(driver.of(IoEvent.data)[1].bytes.toString());
  peer.socket.destroy();
  driver.stop();
}

/** With a low `ulimit -n`: accepting stalls without spinning and goes on when descriptors are free again. */
async function outOfDescriptors(): Promise<void> {
  const { port } = await driver.listen();
  const peers = Array.from({ length: 60 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  await until(() => driver.io.counters[12] > 0, 'accepting stalled');
  const waits = driver.io.counters[3];
  await new Promise((resolve) => setTimeout(resolve, 300));
  say(driver.io.counters[3] - waits < 200 ? 'rests' : `spins ${driver.io.counters[3] - waits}`);
  driver.onEvent = (event) => {
    if (event.kind === IoEvent.eof || event.kind === IoEvent.error) driver.close(event.connection, CloseMode.now);
  };
  for (const peer of peers) peer.destroy();
  await until(() => driver.of(IoEvent.eof).length + driver.of(IoEvent.error).length > 0, 'ends are seen');
  const late = connect({ port, host: '127.0.0.1' }, () => late.write('late'));
  await until(() => driver.of(IoEvent.data).some((event) => event.bytes.toString() === 'late'), 'accepts again');
  say('accepts again');
  late.destroy();
  driver.stop();
}

/** A started Io goes on when nobody holds the object any more. */
async function survivesCollection(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const { port } = await driver.listen();
  let turns = 0;
  const forget = (): void => {
    const io = createIo(driver.io.backend);
    const { control } = io;
    io.start(() => {
      control[0] = 0;
      turns += 1;
    });
    io.connect('127.0.0.1', port);
  };
  forget();
  await until(() => turns === 1, 'connected');
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  driver.send(driver.of(IoEvent.accept)[0].connection, 'x');
  await until(() => turns === 2, 'a turn after the collection');
  say('goes on');
  process.exit(0);
}

switch (scenario) {
  case 'survives_collection':
    await survivesCollection();
    break;
  case 'exits_after_close':
    await exitsAfterClose();
    break;
  case 'stays_alive':
    staysAlive();
    break;
  case 'throws_in_turn':
    await throwsInTurn();
    break;
  case 'out_of_descriptors':
    await outOfDescriptors();
    break;
  default:
    throw new Error(`unknown scenario ${scenario}`);
}
