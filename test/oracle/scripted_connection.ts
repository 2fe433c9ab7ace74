/**
 * One TCP connection that follows a script: sends exact bytes, waits for what the other side does, closes in the way it
 * was told to. Both the downstream and the upstream of a case are made of these.
 */
import type { Socket } from 'node:net';
import { bytesOf, type Step } from './case_file.ts';
import { type ScriptContext, ScriptedPeer } from './scripted_peer.ts';
import { readRequests, readResponses, type WireReading } from './wire_parser.ts';

/** Who it is, or that its bytes are no HTTP, or nothing that can be the same twice. */
export type ConnectionSide = 'downstream' | 'upstream' | 'raw' | 'unrecorded';

export class ScriptedConnection extends ScriptedPeer {
  private received = '';
  private sent = '';
  private finalsRead = 0;
  private readonly socket: Socket;
  private readonly side: ConnectionSide;
  /** The TCP connection below. */
  private readonly transport: Socket;

  constructor(socket: Socket, side: ConnectionSide, transport = socket) {
    super();
    this.socket = socket;
    this.side = side;
    this.transport = transport;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.wake();
    });
    socket.on('end', () => this.end('fin'));
    socket.on('error', () => this.end('reset'));
    socket.on('close', () => this.wake());
  }

  /** What has been received so far, as messages. */
  reading(): WireReading {
    if (this.side === 'raw' || this.side === 'unrecorded') {
      return { messages: [], finalCount: 0, rest: this.side === 'raw' ? this.received : '' };
    }
    return this.side === 'upstream'
      ? readRequests(this.received)
      : readResponses(this.received, this.sentMethods(), this.fate !== 'open');
  }

  /** Answers every request with 200 `ok` until the peer closes. */
  async answerAll(): Promise<void> {
    for (;;) {
      await this.until('', () => this.reading().finalCount > this.finalsRead || this.fate !== 'open', Infinity);
      if (this.fate !== 'open') {
        this.socket.end();
        return;
      }
      while (this.finalsRead < this.reading().finalCount) {
        this.finalsRead += 1;
        this.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      }
    }
  }

  /** Ends the connection after the case, whatever its script did. */
  destroy(): void {
    this.end('closed here');
    this.socket.destroy();
    this.transport.destroy();
  }

  private write(text: string): void {
    this.sent += this.side === 'downstream' ? text : '';
    if (this.socket.writable) {
      this.socket.write(Buffer.from(text, 'latin1'));
    }
  }

  private sentMethods(): string[] {
    return [...this.sent.matchAll(/^([A-Za-z]+) [^\r\n]* HTTP\/\d/gm)].map((match) => match[1] ?? '');
  }

  protected override async take(step: Step, context: ScriptContext): Promise<void> {
    if (step === 'close' || step === 'reset' || step === 'half_close' || step === 'cut') {
      this.shut(step);
    } else if (typeof step !== 'string' && 'send' in step) {
      this.write(bytesOf(step.send));
    } else if (typeof step !== 'string' && 'read_text' in step) {
      await this.until(`read_text ${step.read_text}`, () => this.received.includes(step.read_text) || this.fate !== 'open');
    } else if (typeof step !== 'string' && 'read' in step) {
      await this.read(step.read);
    } else {
      await super.take(step, context);
    }
  }

  private shut(how: 'close' | 'reset' | 'half_close' | 'cut'): void {
    if (how === 'half_close') {
      this.socket.end();
    } else if (how === 'reset') {
      this.end('reset here');
      this.transport.resetAndDestroy();
    } else if (how === 'cut') {
      this.end('closed here');
      this.transport.destroySoon();
    } else {
      this.end('closed here');
      this.socket.destroySoon();
    }
  }

  private async read(what: 'request' | 'headers' | 'response' | 'close' | number): Promise<void> {
    const label = `read ${what}`;
    if (typeof what === 'number') {
      await this.until(label, () => this.received.length >= what || this.fate !== 'open');
    } else if (what === 'close') {
      await this.until(label, () => this.fate !== 'open');
    } else if (what === 'headers') {
      await this.until(label, () => this.reading().messages.length > this.finalsRead || this.fate !== 'open');
    } else {
      this.finalsRead += 1;
      await this.until(label, () => this.reading().finalCount >= this.finalsRead || this.fate !== 'open');
    }
  }
}
