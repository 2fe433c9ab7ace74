import { describe, expect, it } from 'vitest';
import { LOG_COMPONENTS, logComponentId } from './component_ids.ts';
import { LogLevel } from './log_level.ts';
import { LogLevels } from './log_levels.ts';
import { createLogger, createLogLevels, type Logger } from './logger.ts';
import { locateCaller } from './source_location.ts';

function setUp(pattern: string, escaped = false): { log: Logger; levels: LogLevels; lines: string[] } {
  const lines: string[] = [];
  const levels = new LogLevels(createLogLevels(LogLevel.info));
  const log = createLogger(
    { write: (text) => lines.push(text) },
    { levels: levels.buffer, pattern, escaped },
    { threadId: 1, nowMs: () => 0, locate: locateCaller },
  );
  return { log, levels, lines };
}

describe('a logger', () => {
  it('writes lines at or above the level of its component', () => {
    const { log, lines } = setUp('%l %n %v');
    for (const level of ['trace', 'debug', 'info', 'warning', 'error', 'critical'] as const) log[level]('x');
    expect(lines).toEqual(['info main x\n', 'warning main x\n', 'error main x\n', 'critical main x\n']);
  });

  it('follows a change of level at once, on every logger that shares the words', () => {
    const { log, levels, lines } = setUp('%n %v');
    const upstream = log.of('upstream');
    expect(upstream.isDebug()).toBe(false);
    expect(levels.setLevel('upstream', 'trace')).toBe(true);
    expect([upstream.isDebug(), upstream.isTrace(), log.isDebug()]).toEqual([true, true, false]);
    upstream.trace('shown');
    log.debug('hidden');
    levels.setAll('off');
    upstream.critical('hidden');
    expect(lines).toEqual(['upstream shown\n']);
  });

  it('knows no other components and levels', () => {
    const { levels } = setUp('%v');
    expect(levels.setLevel('nope', 'info')).toBe(false);
    expect(levels.setLevel('main', 'loud')).toBe(false);
    expect(levels.levels()).toHaveLength(LOG_COMPONENTS.length);
    expect(levels.levels()[logComponentId('main')]).toEqual({ logger: 'main', level: 'info' });
  });

  it('gives the same logger for the same component', () => {
    const { log } = setUp('%v');
    expect(log.of('http')).toBe(log.of('http'));
    expect(log.of('http').of('main')).toBe(log);
  });

  it('shows where the line was written', () => {
    const { log, lines } = setUp('%g:%# %!');
    function caller(): void {
      log.info('x');
    }
    caller();
    expect(lines[0]).toMatch(/^core\/log\/logger\.test\.ts:\d+ caller\n$/);
  });

  it('escapes control characters where asked to', () => {
    const { log, lines } = setUp('%v', true);
    log.info('a\nb\t"\u0001\\');
    expect(lines).toEqual(['a\\nb\\t\\"\\001\\\\\n']);
  });
});
