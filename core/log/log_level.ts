/** Severity of a line of the process log; a component prints lines at or above its level. */
export const LogLevel = { trace: 0, debug: 1, info: 2, warning: 3, error: 4, critical: 5, off: 6 } as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/** Full names, index = level. */
export const LOG_LEVEL_NAMES = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;

/** One-letter names (`%L`), index = level. */
export const LOG_LEVEL_LETTERS = ['T', 'D', 'I', 'W', 'E', 'C', 'O'] as const;

/** The level of a name (`warn` is an alias of `warning`), or undefined. */
export function parseLogLevel(name: string): LogLevel | undefined {
  if (name === 'warn') return LogLevel.warning;
  const index = (LOG_LEVEL_NAMES as readonly string[]).indexOf(name);
  return index < 0 ? undefined : (index as LogLevel);
}
