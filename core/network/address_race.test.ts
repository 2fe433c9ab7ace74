import { beforeEach, describe, expect, it } from 'vitest';
import { FakeIo } from '../../test/support/fake_io.ts';
import { CloseMode } from '../io/io.ts';
import { AddressRace, dialFirst } from './address_race.ts';
import { Connection } from './connection.ts';
import { IoDispatcher } from './io_dispatcher.ts';

const REFUSED = 111;

describe('several addresses of one host', () => {
  let io: FakeIo;
  let dispatcher: IoDispatcher;
  let log: string[];
  let connection: Connection;
  let race: AddressRace;
  /** Attempts that failed while others went on. */
  let failed: number[];
  /** Indexes that cannot be dialled at all. */
  let unusable: number[];

  function start(count: number): void {
    const dial = (index: number): number => (unusable.includes(index) ? -24 : io.connect(`10.0.0.${index}`, 80));
    dispatcher.run(() => {
      const { handle, index } = dialFirst(dial, count);
      connection = new Connection(dispatcher, handle, 1, {
        onConnected: () => log.push(`connected to ${io.socket(connection.handle).address}`),
        onConnectFailed: (error) => log.push(`failed ${error}`),
        onData: (_offset, length) => {
          log.push(`data ${length}`);
          return 0;
        },
        onRemoteClose: () => log.push('eof'),
        onConnectionError: () => {},
        onBelowWriteBufferLowWatermark: () => {},
        onException: () => {},
      }, 0, true, '');
      race = new AddressRace(dispatcher, connection, dial, index, count, (handle) => failed.push(handle));
    });
  }
  const dialled = (): string[] => io.sockets.filter((socket) => socket !== undefined).map((socket) => socket.address);
  const open = (): string[] => io.sockets.filter((socket) => socket !== undefined && socket.closed < 0).map((socket) => socket.address);

  beforeEach(() => {
    io = new FakeIo();
    dispatcher = new IoDispatcher(io, (error) => {
      throw error;
    });
    dispatcher.start();
    log = [];
    unusable = [];
    failed = [];
  });

  it('are not tried when the first one answers', () => {
    start(3);
    io.connected(1);
    io.advance(1000);
    expect([log, dialled(), open()]).toEqual([['connected to 10.0.0.0'], ['10.0.0.0'], ['10.0.0.0']]);
    io.data(1, 'abc');
    expect(log.at(-1)).toBe('data 3');
  });

  it('are tried one after the other as they fail, and the last failure is the one that counts', () => {
    start(3);
    io.connected(1, REFUSED);
    expect(open()).toEqual(['10.0.0.1']);
    io.connected(2, REFUSED);
    expect([log, open()]).toEqual([[], ['10.0.0.2']]);
    io.connected(3, 113);
    expect([log, open(), failed]).toEqual([['failed 113'], [], [1, 2]]);
  });

  it('are tried after 300 ms each while nothing is heard, and the first answer wins', () => {
    start(3);
    io.advance(280);
    expect(dialled()).toHaveLength(1);
    io.advance(320);
    expect(dialled()).toHaveLength(2);
    io.advance(640);
    expect(dialled()).toHaveLength(3);
    io.connected(2);
    expect([log, open()]).toEqual([['connected to 10.0.0.1'], ['10.0.0.1']]);
    io.data(2, 'abc');
    expect(log.at(-1)).toBe('data 3');
    io.advance(1000);
    expect(dialled()).toHaveLength(3);
  });

  it('the first still wins when it answers late', () => {
    start(2);
    io.advance(400);
    io.connected(1);
    expect([log, open()]).toEqual([['connected to 10.0.0.0'], ['10.0.0.0']]);
  });

  it('one that fails while another is under way is given up quietly', () => {
    start(2);
    io.advance(400);
    io.connected(1, REFUSED);
    expect([log, open()]).toEqual([[], ['10.0.0.1']]);
    io.connected(2);
    expect(log).toEqual(['connected to 10.0.0.1']);
  });

  it('those that cannot be dialled are passed over', () => {
    unusable = [0, 2];
    start(4);
    expect(open()).toEqual(['10.0.0.1']);
    io.connected(1, REFUSED);
    expect(open()).toEqual(['10.0.0.3']);
    unusable = [0];
    expect(dialFirst(() => -24, 2).handle).toBe(-24);
  });

  it('are all given up when nobody waits any more', () => {
    start(3);
    io.advance(400);
    dispatcher.run(() => {
      connection.close(CloseMode.now);
      race.close();
    });
    io.advance(1000);
    expect([log, open(), dialled()]).toEqual([[], [], ['10.0.0.0', '10.0.0.1']]);
  });
});
