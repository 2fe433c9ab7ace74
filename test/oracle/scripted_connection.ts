/**
 * One TCP connection that follows a script: sends exact bytes, waits for what the other side does, closes in the way it
 * was told to. Both the downstream and the upstream of a case are made of these. Scripts wait on conditions only; the
 * one time limit turns a wait that would never end into an observation.
 */
import type { Socket } from 'node:net';
import { bytesOf, type Step } from './case_file.ts';
import { readRequests, readResponses, type WireReading } from './wire_parser.ts';

/** How a connection ended, seen from the scripted side. */
export type Fate = 'open' | 'fin' | 'reset' | 'closed here' | 'reset here';

/** After this long a wait gives up and the script goes on, ms. */
const WAIT_LIMIT_MS = 3000;

/** Labels by which the scripts of one case wait for each other. */
export class Signals {
  private readonly raised = new Set<string>();
  private readonly waiting: (() => void)[] = [];

  raise(label: string): void {
    this.raised.add(label);
    for (const wake of this.waiting.splice(0)) {
      wake();
    }
  }

  isRaised(label: string): boolean {
    return this.raised.has(label);
  }

  /** Calls `wake` at the next signal, whichever it is. */
  onNext(wake: () => void): void {
    this.waiting.push(wake);
  }
}

export interface ScriptContext {
  readonly signals: Signals;
  /** Records the present value of gauges of the proxy. */
  readonly recordGauges: (names: readonly string[]) => Promise<void>;
  /** Waits until a gauge of the proxy has a value; false when it gave up. */
  readonly untilGauge: (name: string, value: number) => Promise<boolean>;
}

export class ScriptedConnection {
  readonly timeouts: string[] = [];
  fate: Fate = 'open';
  private received = '';
  private sent = '';
  private finalsRead = 0;
  private readonly socket: Socket;
  private readonly side: 'downstream' | 'upstream';
  private readonly waiting: (() => void)[] = [];

  constructor(socket: Socket, side: 'downstream' | 'upstream') {
    this.socket = socket;
    this.side = side;
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
    return this.side === 'upstream'
      ? readRequests(this.received)
      : readResponses(this.received, this.sentMethods(), this.fate !== 'open');
  }

  async run(steps: readonly Step[], context: ScriptContext): Promise<void> {
    for (const step of steps) {
      await this.take(step, context);
    }
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
  }

  private end(fate: Fate): void {
    if (this.fate === 'open') {
      this.fate = fate;
    }
    this.wake();
  }

  private wake(): void {
    for (const wake of this.waiting.splice(0)) {
      wake();
    }
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

  private until(label: string, isDone: () => boolean, limitMs = WAIT_LIMIT_MS, signals?: Signals): Promise<void> {
    return new Promise((resolve) => {
      const state = { isOver: false };
      const timer = Number.isFinite(limitMs)
        ? setTimeout(() => {
            state.isOver = true;
            this.timeouts.push(label);
            resolve();
          }, limitMs)
        : undefined;
      const look = (): void => {
        if (state.isOver) {
          return;
        }
        if (isDone()) {
          state.isOver = true;
          clearTimeout(timer);
          resolve();
          return;
        }
        this.waiting.push(look);
        signals?.onNext(look);
      };
      look();
    });
  }

  private async take(step: Step, context: ScriptContext): Promise<void> {
    if (step === 'close' || step === 'reset' || step === 'half_close') {
      this.shut(step);
    } else if ('send' in step) {
      this.write(bytesOf(step.send));
    } else if ('signal' in step) {
      context.signals.raise(step.signal);
    } else if ('wait' in step) {
      await this.until(`wait ${step.wait}`, () => context.signals.isRaised(step.wait), WAIT_LIMIT_MS, context.signals);
    } else if ('gauges' in step) {
      await context.recordGauges(step.gauges);
    } else if ('pause_ms' in step) {
      await this.until('pause', () => false, step.pause_ms);
      this.timeouts.pop();
    } else if ('until_gauge' in step) {
      if (!(await context.untilGauge(step.until_gauge, step.is))) {
        this.timeouts.push(`until ${step.until_gauge} is ${step.is}`);
      }
    } else if ('read_text' in step) {
      await this.until(`read_text ${step.read_text}`, () => this.received.includes(step.read_text) || this.fate !== 'open');
    } else {
      await this.read(step.read);
    }
  }

  private shut(how: 'close' | 'reset' | 'half_close'): void {
    if (how === 'half_close') {
      this.socket.end();
    } else if (how === 'reset') {
      this.end('reset here');
      this.socket.resetAndDestroy();
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
