/**
 * What the scripted ends of connections have in common: waiting on conditions with one time limit, which turns a wait that would
 * never end into an observation, and the steps that have nothing to do with bytes.
 */
import type { Step } from './case_file.ts';
import type { TlsSighting } from './scripted_tls.ts';
import type { WireReading } from './wire_parser.ts';

/** How a connection ended, seen from the scripted side. */
export type Fate = 'open' | 'fin' | 'reset' | 'closed here' | 'reset here' | 'no handshake';

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
  /** What `recordChanges` counts from. */
  readonly takeBaseline: () => Promise<void>;
  /** Records how stats of the proxy have changed since the baseline. */
  readonly recordChanges: (names: readonly string[]) => Promise<void>;
  /** Waits until a gauge of the proxy has a value; false when it gave up. */
  readonly untilGauge: (name: string, value: number) => Promise<boolean>;
  /** The same for a counter that is to reach a value. */
  readonly untilCounter: (name: string, least: number) => Promise<boolean>;
}

export abstract class ScriptedPeer {
  readonly timeouts: string[] = [];
  fate: Fate = 'open';
  /** What was seen of the connection's handshake; undefined: it had none. */
  tls: TlsSighting | undefined = undefined;
  private readonly waiting: (() => void)[] = [];

  /** What has been received so far, as messages. */
  abstract reading(): WireReading;

  /** Ends the connection after the case, whatever its script did. */
  abstract destroy(): void;

  async run(steps: readonly Step[], context: ScriptContext): Promise<void> {
    for (const step of steps) {
      await this.take(step, context);
    }
  }

  protected async take(step: Step, context: ScriptContext): Promise<void> {
    if (typeof step === 'string') {
      throw new Error(`no step of this kind of connection: ${step}`);
    }
    if ('signal' in step) {
      context.signals.raise(step.signal);
    } else if ('wait' in step) {
      await this.until(`wait ${step.wait}`, () => context.signals.isRaised(step.wait), WAIT_LIMIT_MS, context.signals);
    } else if ('gauges' in step) {
      await context.recordGauges(step.gauges);
    } else if ('baseline' in step) {
      await context.takeBaseline();
    } else if ('changes' in step) {
      await context.recordChanges(step.changes);
    } else if ('pause_ms' in step) {
      await this.until('pause', () => false, step.pause_ms);
      this.timeouts.pop();
    } else if ('until_gauge' in step) {
      if (!(await context.untilGauge(step.until_gauge, step.is))) {
        this.timeouts.push(`until ${step.until_gauge} is ${step.is}`);
      }
    } else if ('until_counter' in step) {
      if (!(await context.untilCounter(step.until_counter, step.at_least))) {
        this.timeouts.push(`until ${step.until_counter} is ${step.at_least}`);
      }
    } else {
      throw new Error(`no step of this kind of connection: ${JSON.stringify(step)}`);
    }
  }

  protected end(fate: Fate): void {
    if (this.fate === 'open') {
      this.fate = fate;
    }
    this.wake();
  }

  protected wake(): void {
    for (const wake of this.waiting.splice(0)) {
      wake();
    }
  }

  protected until(label: string, isDone: () => boolean, limitMs = WAIT_LIMIT_MS, signals?: Signals): Promise<void> {
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
}
