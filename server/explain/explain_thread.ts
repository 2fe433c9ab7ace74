/** The thread that answers /explain: started by the first question, gone when there was none for a while. Thread: main. */
import { fileURLToPath } from 'node:url';
import type { Piscina } from 'piscina';
import type { ExplainAnswer } from '../instance.ts';
import type { ExplainTask } from './explain_task.ts';

/** After so long without a question (ms) the thread and the tables compiled for it are given back. */
const IDLE_MAX_MS = 60_000;

/** Asks the thread. One question at a time, in order. */
export class ExplainThread {
  private readonly entry: URL;
  private pool: Promise<Piscina<ExplainTask, ExplainAnswer>> | undefined;

  /** `entry`: the module that answers an ExplainTask as `run`, with all extensions. */
  constructor(entry: URL) {
    this.entry = entry;
  }

  /** Rejects when there can be no such thread, or when it meets a bug. */
  async ask(task: ExplainTask): Promise<ExplainAnswer> {
    this.pool ??= this.createPool();
    return (await this.pool).run(task);
  }

  /** Ends the thread, whatever it is doing. */
  async close(): Promise<void> {
    const pool = await this.pool?.catch(() => undefined);
    await pool?.destroy();
  }

  private async createPool(): Promise<Piscina<ExplainTask, ExplainAnswer>> {
    // Loaded when first asked.
    const { Piscina: Pool } = await import('piscina');
    return new Pool<ExplainTask, ExplainAnswer>({
      filename: fileURLToPath(this.entry), name: 'run', minThreads: 0, maxThreads: 1, idleTimeout: IDLE_MAX_MS,
      // Main's stack size: a nesting that main reads is read here as well.
      resourceLimits: { stackSizeMb: 1 },
    });
  }
}
