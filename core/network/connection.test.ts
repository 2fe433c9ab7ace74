import { beforeEach, describe, expect, it } from 'vitest';
import { FakeIo } from '../../test/support/fake_io.ts';
import { CloseMode } from '../io/io.ts';
import { Connection, type ConnectionCallbacks, ConnectionState } from './connection.ts';
import { IoDispatcher } from './io_dispatcher.ts';

describe('Connection on IoDispatcher', () => {
  let io: FakeIo;
  let dispatcher: IoDispatcher;
  let log: string[];
  let escaped: unknown[];
  /** Bytes at the end that the next onData leaves. */
  let leave: number;
  let onEvent: (name: string) => void;

  const note = (text: string) => {
    log.push(text);
    onEvent(text.split(' ')[0]);
  };
  const callbacks: ConnectionCallbacks = {
    onConnected: () => note('connected'),
    onConnectFailed: (error) => note(`connectFailed ${error}`),
    onData: (offset, length) => {
      note(`data ${Buffer.from(io.slab.subarray(offset, offset + length)).toString()}`);
      return leave;
    },
    onRemoteClose: () => note('remoteClose'),
    onConnectionError: (error) => note(`error ${error}`),
    onBelowWriteBufferLowWatermark: () => note('drained'),
    onException: () => note('exception'),
  };

  beforeEach(() => {
    io = new FakeIo();
    escaped = [];
    dispatcher = new IoDispatcher(io, (error) => escaped.push(error));
    dispatcher.start();
    log = [];
    leave = 0;
    onEvent = () => {};
  });

  function open(isConnecting = false, limit = 0): Connection {
    return new Connection(dispatcher, io.open(), 7, callbacks, limit, isConnecting, 'chain');
  }

  const states = ['connecting', 'open', 'closed'] as const;
  function inState(state: (typeof states)[number]): Connection {
    const connection = open(state === 'connecting', 100);
    if (state === 'closed') dispatcher.run(() => connection.close(CloseMode.now));
    return connection;
  }

  /** What each event does in each state. */
  const table: [(typeof states)[number], string, (c: Connection) => void, string[], number][] = [
    ['connecting', 'connect', (c) => io.connected(c.handle), ['connected'], ConnectionState.open],
    ['connecting', 'connect error', (c) => io.connected(c.handle, 111), ['connectFailed 111'], ConnectionState.closed],
    ['connecting', 'error', (c) => io.error(c.handle, 104), ['error 104'], ConnectionState.closed],
    ['connecting', 'close', (c) => dispatcher.run(() => c.close(CloseMode.now)), [], ConnectionState.closed],
    ['open', 'data', (c) => io.data(c.handle, 'x'), ['data x'], ConnectionState.open],
    ['open', 'eof', (c) => io.eof(c.handle), ['remoteClose'], ConnectionState.open],
    ['open', 'error', (c) => io.error(c.handle, 104), ['error 104'], ConnectionState.closed],
    ['open', 'close', (c) => dispatcher.run(() => c.close(CloseMode.flush)), [], ConnectionState.closed],
    ['open', 'drain without being above', (c) => io.drain(c.handle), [], ConnectionState.open],
    ['closed', 'close', (c) => dispatcher.run(() => c.close(CloseMode.now)), [], ConnectionState.closed],
    ['closed', 'data', (c) => io.turn([c.handle, 3, 64, 0]), [], ConnectionState.closed],
    ['closed', 'eof', (c) => io.eof(c.handle), [], ConnectionState.closed],
    ['closed', 'error', (c) => io.error(c.handle), [], ConnectionState.closed],
    ['closed', 'drain', (c) => io.drain(c.handle), [], ConnectionState.closed],
    ['closed', 'connect', (c) => io.connected(c.handle), [], ConnectionState.closed],
    ['closed', 'readDisable', (c) => dispatcher.run(() => c.readDisable(true)), [], ConnectionState.closed],
    ['closed', 'shutdownWrite', (c) => dispatcher.run(() => c.shutdownWrite()), [], ConnectionState.closed],
    ['closed', 'redeliver', (c) => dispatcher.run(() => c.redeliver()), [], ConnectionState.closed],
  ];
  it.each(table)('%s: %s', (state, _event, event, expected, after) => {
    const connection = inState(state);
    event(connection);
    expect(log).toEqual(expected);
    expect(connection.state).toBe(after);
    expect(connection.isOpen).toBe(after <= ConnectionState.open);
    expect(escaped).toEqual([]);
  });

  it.each([['flush', CloseMode.flush], ['now', CloseMode.now], ['reset', CloseMode.reset]] as const)('closes with %s', (_name, mode) => {
    const connection = open();
    dispatcher.run(() => connection.close(mode));
    expect(io.socket(connection.handle).closed).toBe(mode);
  });

  it('gets again, with more, what it did not consume', () => {
    const connection = open();
    leave = 2;
    io.data(connection.handle, 'abc');
    leave = 0;
    io.data(connection.handle, 'd');
    expect(log).toEqual(['data abc', 'data bcd']);
  });

  it('gets what it left when it asks', () => {
    const connection = open();
    leave = 1;
    io.data(connection.handle, 'ab');
    leave = 0;
    dispatcher.run(() => connection.redeliver());
    io.settle();
    expect(log).toEqual(['data ab', 'data b']);
  });

  it('reads again only when everybody who stopped it has let go', () => {
    const connection = open();
    const socket = io.socket(connection.handle);
    const disable = (value: boolean) => dispatcher.run(() => connection.readDisable(value));
    disable(true);
    disable(true);
    disable(false);
    expect(socket.paused).toBe(true);
    expect(connection.isReadDisabled).toBe(true);
    disable(false);
    expect(socket.paused).toBe(false);
    disable(false);
    disable(true);
    expect(socket.paused).toBe(true);
  });

  it('tells once when its queue has drained after it was seen above the limit', () => {
    const connection = open(false, 100);
    const socket = io.socket(connection.handle);
    socket.stalled = true;
    const send = (n: number) => dispatcher.run(() => connection.sendBytes(Buffer.alloc(n, 'x'), 0, n));
    send(100);
    expect(connection.isAboveHighWatermark()).toBe(false);
    send(1);
    expect(connection.isAboveHighWatermark()).toBe(true);
    expect([socket.low, socket.high]).toEqual([50, 100]);
    io.drain(connection.handle);
    io.drain(connection.handle);
    expect(log).toEqual(['drained']);
    expect(connection.isAboveHighWatermark()).toBe(false);
  });

  it('has no limit when it is 0', () => {
    const connection = open();
    io.socket(connection.handle).stalled = true;
    dispatcher.run(() => connection.sendBytes(Buffer.alloc(5_000_000), 0, 5_000_000));
    expect(connection.isAboveHighWatermark()).toBe(false);
  });

  it('sends small and large bytes of other memory in order', () => {
    const connection = open();
    const large = 'L'.repeat(800_000);
    dispatcher.run(() => {
      connection.sendBytes(Buffer.from('one'), 0, 3);
      connection.sendBytes(Buffer.from(large), 0, large.length);
      connection.sendBytes(Buffer.from('two'), 0, 3);
    });
    expect(io.socket(connection.handle).sent).toBe(`one${large}two`);
    expect(connection.bytesSent).toBe(large.length + 6);
  });

  it('names its peer after an error too', () => {
    const connection = open();
    io.error(connection.handle);
    expect(connection.remoteAddress).toBe('127.0.0.1:1');
    expect(connection.localAddress).toBe('127.0.0.1:9999');
  });

  it.each(['data', 'remoteClose', 'error', 'connected'])('an exception in %s ends the connection and reaches nobody else', (name) => {
    const other = open();
    const connection = open(name === 'connected');
    onEvent = (event) => {
      if (event === name) throw new Error('bug');
    };
    if (name === 'data') io.data(connection.handle, 'x');
    else if (name === 'remoteClose') io.eof(connection.handle);
    else if (name === 'error') io.error(connection.handle);
    else io.connected(connection.handle);
    expect(log.at(-1)).toBe('exception');
    expect(escaped.length).toBe(1);
    expect(connection.isOpen).toBe(false);
    onEvent = () => {};
    io.data(other.handle, 'y');
    expect(log.at(-1)).toBe('data y');
  });

  it('does not redeliver what an exception interrupted', () => {
    const connection = open();
    leave = 1;
    onEvent = (event) => {
      if (event === 'data') throw new Error('bug');
    };
    io.data(connection.handle, 'x');
    expect(io.socket(connection.handle).held.length).toBe(0);
  });

  it('deletes what is deferred at the end of the turn, also when that defers more', () => {
    const deleted: string[] = [];
    dispatcher.run(() => {
      dispatcher.deferDelete({
        onDeferredDelete: () => {
          deleted.push('first');
          dispatcher.deferDelete({ onDeferredDelete: () => deleted.push('second') });
        },
      });
      expect(deleted).toEqual([]);
    });
    expect(deleted).toEqual(['first', 'second']);
  });

  it('is woken only while a timer needs it', () => {
    const timer = dispatcher.createTimer({ onTimeout: () => note('timeout') });
    dispatcher.run(() => timer.enable(100));
    expect(io.tickMs).toBe(8);
    io.advance(200);
    expect(log).toEqual(['timeout']);
    expect(io.tickMs).toBe(0);
  });
});
