import type { TerminalFilter } from '../terminal_filter.ts';
import { ActiveStream } from './active_stream.ts';
import type { ManagerContext } from './manager_context.ts';

/** Streams of one filter chain on one worker with their filter objects, reused. */
export class StreamPool {
  readonly context: ManagerContext;
  private readonly createTerminal: () => TerminalFilter;
  private readonly free: ActiveStream[];
  private readonly release: (stream: ActiveStream) => void;

  constructor(context: ManagerContext, createTerminal: () => TerminalFilter) {
    this.context = context;
    this.createTerminal = createTerminal;
    this.free = [];
    this.release = (stream) => {
      this.free.push(stream);
    };
  }

  /** A stream as new. */
  acquire(): ActiveStream {
    return this.free.pop() ?? new ActiveStream(this.context, this.createTerminal(), this.release);
  }
}
