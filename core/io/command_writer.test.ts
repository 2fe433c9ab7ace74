import { beforeEach, describe, expect, it } from 'vitest';
import { FakeIo } from '../../test/support/fake_io.ts';
import { CommandWriter } from './command_writer.ts';
import { CloseMode, IoCommand } from './io.ts';

describe('CommandWriter', () => {
  let io: FakeIo;
  let writer: CommandWriter;
  let a: number;
  let b: number;
  beforeEach(() => {
    io = new FakeIo();
    writer = new CommandWriter(io);
    a = io.open();
    b = io.open();
    io.slab.set(Buffer.from('0123456789'), io.outOffset);
  });

  const words = () => [...io.commands.subarray(0, io.control[0])];
  const at = (i: number) => io.outOffset + i;

  it('joins adjacent ranges of one connection', () => {
    writer.send(a, at(0), 2);
    writer.send(a, at(2), 3);
    expect(words()).toEqual([IoCommand.send | (1 << 8), a, at(0), 5]);
  });

  it('puts other ranges of the same connection into the same command', () => {
    writer.send(a, at(0), 2);
    writer.send(a, at(4), 1);
    writer.send(a, at(5), 1);
    writer.send(a, at(0), 1);
    expect(words()).toEqual([IoCommand.send | (3 << 8), a, at(0), 2, at(4), 2, at(0), 1]);
  });

  it('begins anew for another connection and after any other command', () => {
    writer.send(a, at(0), 1);
    writer.send(b, at(1), 1);
    writer.send(a, at(2), 1);
    writer.pause(a);
    writer.send(a, at(3), 1);
    const one = IoCommand.send | (1 << 8);
    expect(words()).toEqual([one, a, at(0), 1, one, b, at(1), 1, one, a, at(2), 1, IoCommand.pause, a, one, a, at(3), 1]);
  });

  it('ignores empty ranges', () => {
    writer.send(a, at(0), 0);
    writer.sendBytes(a, new Uint8Array(1), 0, 0);
    expect(writer.hasCommands()).toBe(false);
  });

  it.each([
    ['close', (w: CommandWriter, c: number) => w.close(c, CloseMode.reset), IoCommand.close | (2 << 8)],
    ['pause', (w: CommandWriter, c: number) => w.pause(c), IoCommand.pause],
    ['resume', (w: CommandWriter, c: number) => w.resume(c), IoCommand.resume],
    ['shutdownWrite', (w: CommandWriter, c: number) => w.shutdownWrite(c), IoCommand.shutdownWrite],
  ] as const)('writes %s', (_name, command, word) => {
    command(writer, a);
    expect(words()).toEqual([word, a]);
  });

  it('sends other memory behind what was commanded', () => {
    writer.send(a, at(0), 3);
    writer.sendBytes(a, Buffer.from('-xyz-'), 1, 3);
    writer.send(a, at(3), 2);
    writer.flush();
    expect(io.socket(a).sent).toBe('012xyz34');
  });

  it('begins anew after a flush and after a reset', () => {
    writer.send(a, at(0), 1);
    writer.flush();
    writer.send(a, at(1), 1);
    expect(words()).toEqual([IoCommand.send | (1 << 8), a, at(1), 1]);
    writer.reset();
    expect(writer.hasCommands()).toBe(false);
    expect(io.socket(a).sent).toBe('0');
  });

  it('executes what there is when the command area is full, and loses nothing', () => {
    const rounds = io.commands.length;
    for (let i = 0; i < rounds; i++) {
      writer.send(a, at(i % 10), 1);
      if (i % 7 === 0) writer.resume(b);
    }
    writer.flush();
    expect(io.socket(a).sent).toBe('0123456789'.repeat(Math.ceil(rounds / 10)).slice(0, rounds));
  });

  it('executes what there is when one send alone fills the command area', () => {
    for (let i = 0; i < io.commands.length; i++) writer.send(a, at((i * 2) % 10), 1);
    writer.flush();
    expect(io.socket(a).sent.length).toBe(io.commands.length);
    expect(io.socket(a).sent.startsWith('0246802468')).toBe(true);
  });
});
