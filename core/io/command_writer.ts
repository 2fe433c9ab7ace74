import { type CloseMode, type Io, IoCommand } from './io.ts';

/** Words left free at the end of the command array when `isNearlyFull` says so. */
const RESERVE_WORDS = 4096;

/**
 * Writes this turn's commands. Ranges sent to one connection one after another become one command, and so one system call.
 * One per worker.
 */
export class CommandWriter {
  private readonly io: Io;
  private readonly commands: Int32Array;
  private readonly control: Int32Array;
  /** Words written; mirrors control[0]. */
  private position: number;
  /** Start of the send command that may still be extended, -1 = none. */
  private openSend: number;
  private openConnection: number;

  constructor(io: Io) {
    this.io = io;
    this.commands = io.commands;
    this.control = io.control;
    this.position = 0;
    this.openSend = -1;
    this.openConnection = -1;
  }

  /** At the start of a turn: nothing commanded yet. */
  reset(): void {
    this.position = 0;
    this.control[0] = 0;
    this.openSend = -1;
  }

  isNearlyFull(): boolean {
    return this.position > this.commands.length - RESERVE_WORDS;
  }

  hasCommands(): boolean {
    return this.position > 0;
  }

  /** Executes what was commanded so far, now. */
  flush(): void {
    if (this.position > 0) this.io.flush();
    this.reset();
  }

  /** Sends `length` bytes of the slab at `offset`. Adjacent ranges are joined. */
  send(connection: number, offset: number, length: number): void {
    if (length === 0) return;
    const commands = this.commands;
    let p = this.position;
    if (this.openSend < 0 || this.openConnection !== connection) {
      if (p > commands.length - 64) {
        this.flush();
        p = 0;
      }
      this.openSend = p;
      this.openConnection = connection;
      commands[p] = IoCommand.send | (1 << 8);
      commands[p + 1] = connection;
      commands[p + 2] = offset;
      commands[p + 3] = length;
      this.position = p + 4;
      this.control[0] = p + 4;
      return;
    }
    if (commands[p - 2] + commands[p - 1] === offset) {
      commands[p - 1] += length;
      return;
    }
    if (p > commands.length - 64) {
      this.flush();
      this.send(connection, offset, length);
      return;
    }
    commands[p] = offset;
    commands[p + 1] = length;
    commands[this.openSend] += 1 << 8;
    this.position = p + 2;
    this.control[0] = p + 2;
  }

  /** Sends bytes that do not lie in the slab: at once, after everything commanded so far. */
  sendBytes(connection: number, bytes: Uint8Array, offset: number, length: number): void {
    if (length === 0) return;
    this.flush();
    this.io.sendBytes(connection, bytes, offset, length);
  }

  close(connection: number, mode: CloseMode): void {
    this.command(IoCommand.close | (mode << 8), connection);
  }

  pause(connection: number): void {
    this.command(IoCommand.pause, connection);
  }

  resume(connection: number): void {
    this.command(IoCommand.resume, connection);
  }

  shutdownWrite(connection: number): void {
    this.command(IoCommand.shutdownWrite, connection);
  }

  private command(op: number, connection: number): void {
    if (this.position > this.commands.length - 64) this.flush();
    const p = this.position;
    this.commands[p] = op;
    this.commands[p + 1] = connection;
    this.position = p + 2;
    this.control[0] = p + 2;
    this.openSend = -1;
  }
}
