/**
 * The process log: lines with a level and a component, each component with a level that can change at run time on all threads.
 *
 * Levels are words of one shared Int32Array: main writes, every thread reads, so a line that is off costs one compare and
 * a change is seen at once everywhere. Every thread formats its own lines and writes each whole with one system call.
 */
import { LOG_COMPONENTS, type LogComponent, logComponentId } from './component_ids.ts';
import { LogLevel } from './log_level.ts';
import { LogPattern, type LogRecord, type LogTags, type SourceLocation } from './log_pattern.ts';

/** Takes finished lines, newline included. Must not throw and must write each line whole. */
export interface LogOutput {
  write(line: string): void;
}

/** What all threads of a process share of the log; survives postMessage. */
export interface SharedLog {
  /** One level per component, Int32. Written by main. */
  readonly levels: SharedArrayBuffer;
  readonly pattern: string;
  /** Escape control characters in messages (--log-format-escaped). */
  readonly escaped: boolean;
}

/** Levels for every component. */
export function createLogLevels(level: LogLevel): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(LOG_COMPONENTS.length * 4);
  new Int32Array(buffer).fill(level);
  return buffer;
}

const NO_LOCATION: SourceLocation = { file: '', line: 0, functionName: '' };

/** One thread's end of the log. */
class LogWriter {
  private readonly output: LogOutput;
  private readonly pattern: LogPattern;
  private readonly escaped: boolean;
  private readonly threadId: number;
  private readonly nowMs: () => number;
  private readonly locate: () => SourceLocation;
  private lastMs: number;

  constructor(output: LogOutput, shared: SharedLog, thread: LogThread) {
    this.output = output;
    this.pattern = new LogPattern(shared.pattern);
    this.escaped = shared.escaped;
    this.threadId = thread.threadId;
    this.nowMs = thread.nowMs;
    this.locate = thread.locate ?? (() => NO_LOCATION);
    this.lastMs = this.nowMs();
  }

  write(level: LogLevel, component: string, message: string, tags: LogTags | undefined): void {
    const timeMs = this.nowMs();
    const record: LogRecord = {
      timeMs, level, component, tags, threadId: this.threadId, processId: process.pid,
      message: this.escaped ? escapeControls(message) : message,
    };
    const location = this.pattern.needsLocation ? this.locate() : NO_LOCATION;
    this.output.write(`${this.pattern.format(record, location, Math.max(0, timeMs - this.lastMs))}\n`);
    this.lastMs = timeMs;
  }
}

/** What a thread contributes to its lines. */
export interface LogThread {
  /** `%t`. */
  readonly threadId: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Finds the line's place in the source by the call stack; absent: lines show none. */
  readonly locate?: () => SourceLocation;
}

/**
 * The log of one component on one thread. A line that is off costs one load and one compare; callers that would build
 * a message first ask `isTrace()` or `isDebug()`.
 */
export class Logger {
  readonly component: LogComponent;
  private readonly levels: Int32Array;
  private readonly id: number;
  private readonly writer: LogWriter;
  private readonly siblings: Map<string, Logger>;

  constructor(component: LogComponent, levels: Int32Array, writer: LogWriter, siblings: Map<string, Logger>) {
    this.component = component;
    this.levels = levels;
    this.id = logComponentId(component);
    this.writer = writer;
    this.siblings = siblings;
    siblings.set(component, this);
  }

  /** The same thread's log of another component. */
  of(component: LogComponent): Logger {
    return this.siblings.get(component) ?? new Logger(component, this.levels, this.writer, this.siblings);
  }

  /** Whether a line of this level would be written. */
  isEnabled(level: LogLevel): boolean {
    return this.levels[this.id] <= level;
  }

  isTrace(): boolean {
    return this.levels[this.id] === LogLevel.trace;
  }

  isDebug(): boolean {
    return this.levels[this.id] <= LogLevel.debug;
  }

  trace(message: string, tags?: LogTags): void {
    if (this.levels[this.id] === LogLevel.trace) this.writer.write(LogLevel.trace, this.component, message, tags);
  }

  debug(message: string, tags?: LogTags): void {
    if (this.levels[this.id] <= LogLevel.debug) this.writer.write(LogLevel.debug, this.component, message, tags);
  }

  info(message: string, tags?: LogTags): void {
    if (this.levels[this.id] <= LogLevel.info) this.writer.write(LogLevel.info, this.component, message, tags);
  }

  warning(message: string, tags?: LogTags): void {
    if (this.levels[this.id] <= LogLevel.warning) this.writer.write(LogLevel.warning, this.component, message, tags);
  }

  error(message: string, tags?: LogTags): void {
    if (this.levels[this.id] <= LogLevel.error) this.writer.write(LogLevel.error, this.component, message, tags);
  }

  critical(message: string, tags?: LogTags): void {
    if (this.levels[this.id] <= LogLevel.critical) this.writer.write(LogLevel.critical, this.component, message, tags);
  }
}

/** The logs of one thread; start with any component and go on with `of`. */
export function createLogger(output: LogOutput, shared: SharedLog, thread: LogThread): Logger {
  return new Logger('main', new Int32Array(shared.levels), new LogWriter(output, shared, thread), new Map());
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', '"': '\\"', "'": "\\'" };

/** C escapes for quotes, the backslash, DEL and everything below a space. */
function escapeControls(text: string): string {
  let escaped = '';
  for (const character of text) {
    const code = character.charCodeAt(0);
    const isControl = code < 0x20 || code === 0x7f;
    escaped += NAMED_ESCAPES[character] ?? (isControl ? `\\${code.toString(8).padStart(3, '0')}` : character);
  }
  return escaped;
}
