import type { Formatter } from '../formatter/formatter.ts';
import type { AccessLogger, LogContext, LogSink } from './access_log.ts';
import type { LogFilter } from './access_log_filter.ts';

/** Logs streams as lines of text or JSON into a sink. One per configured log and worker. Allocates nothing per line. */
export class LineLogger implements AccessLogger {
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  private readonly filter: LogFilter | null;
  private readonly formatter: Formatter;
  private readonly sink: LogSink;

  constructor(filter: LogFilter | null, formatter: Formatter, sink: LogSink) {
    this.needsRequestHeaders = formatter.needsRequestHeaders || filter?.needsRequestHeaders === true;
    this.needsResponseHeaders = formatter.needsResponseHeaders || filter?.needsResponseHeaders === true;
    this.filter = filter;
    this.formatter = formatter;
    this.sink = sink;
  }

  log(context: LogContext): void {
    if (this.filter !== null && !this.filter.evaluate(context)) return;
    const sink = this.sink;
    const bytes = sink.bytes;
    const from = sink.lineOffset;
    const end = this.formatter.formatTo(bytes, sink.view, from, context);
    if (end <= bytes.length) sink.commit(end - from);
    else this.logLongLine(context);
  }

  /** A line longer than the sink's own memory: made on the heap. Rare, so it may allocate. */
  private logLongLine(context: LogContext): void {
    const line = this.formatter.formatToBytes(context);
    this.sink.write(line, 0, line.length);
  }
}
