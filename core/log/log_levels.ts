/** Reads and changes the levels of all components, for all threads at once. Thread: main. */
import { LOG_COMPONENTS, logComponentId } from './component_ids.ts';
import { LOG_LEVEL_NAMES, type LogLevel, parseLogLevel } from './log_level.ts';

export class LogLevels {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
  }

  /** Every component in registry order with its level's name. */
  levels(): { readonly logger: string; readonly level: string }[] {
    return LOG_COMPONENTS.map((logger, id) => ({ logger, level: LOG_LEVEL_NAMES[this.words[id]] }));
  }

  /** Sets a component's level by id (component_ids.ts). */
  set(component: number, level: LogLevel): void {
    this.words[component] = level;
  }

  /** Sets one component's level by name. False: no such component or level. */
  setLevel(logger: string, level: string): boolean {
    const id = logComponentId(logger);
    const parsed = parseLogLevel(level);
    if (id < 0 || parsed === undefined) return false;
    this.words[id] = parsed;
    return true;
  }

  /** Sets all components' levels by name; an unknown level changes nothing. */
  setAll(level: string): void {
    const parsed = parseLogLevel(level);
    if (parsed !== undefined) this.words.fill(parsed);
  }
}
