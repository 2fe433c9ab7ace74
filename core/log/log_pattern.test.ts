import { describe, expect, it } from 'vitest';
import { LogLevel } from './log_level.ts';
import { jsonLogPattern, LogPattern, type LogRecord } from './log_pattern.ts';

// 2026-01-02 03:04:05.678 in the zone of the machine that runs the test.
const TIME_MS = new Date(2026, 0, 2, 3, 4, 5, 678).getTime();
const RECORD: LogRecord = {
  timeMs: TIME_MS, level: LogLevel.warning, component: 'main', message: 'a "b"\nc', tags: undefined, threadId: 42, processId: 41,
};
const LOCATION = { file: 'server/server.ts', line: 7, functionName: 'run' };

function line(pattern: string, record: Partial<LogRecord> = {}): string {
  return new LogPattern(pattern).format({ ...RECORD, ...record }, LOCATION, 12);
}

describe('a log pattern', () => {
  it('prints the default line', () => {
    expect(line('[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v', { message: 'up' })).toBe('[2026-01-02 03:04:05.678][42][warning][main] [server/server.ts:7] up');
  });

  it.each([
    ['%%', '%'], ['%L', 'W'], ['%P', '41'], ['%a %A', 'Fri Friday'], ['%b %h %B', 'Jan Jan January'], ['%c', 'Fri Jan 2 03:04:05 2026'], ['%C', '26'],
    ['%D %x', '01/02/26 01/02/26'], ['%H:%I:%M:%S %p', '03:03:04:05 AM'], ['%r', '03:04:05 AM'], ['%R %X', '03:04 03:04:05'], ['%f', '678000'],
    ['%F', '678000000'], ['%E', `${Math.floor(TIME_MS / 1000)}`], ['%i %o', '12 12000'], ['%s:%#', 'server.ts:7'], ['%@', 'server/server.ts:7'], ['%!', 'run'],
    ['%^%l%$', 'warning'], ['%q %y', '%q %y'], ['100%', '100%'],
  ])('knows %s', (pattern, expected) => {
    expect(line(pattern)).toBe(expected);
  });

  it.each([
    ['[%9l]', '[  warning]'], ['[%-9l]', '[warning  ]'], ['[%=9l]', '[ warning ]'], ['[%4!l]', '[warn]'], ['[%4l]', '[warning]'],
  ])('aligns %s', (pattern, expected) => {
    expect(line(pattern)).toBe(expected);
  });

  it('escapes newlines and JSON where asked to', () => {
    expect(line('%_')).toBe('a "b"\\nc');
    expect(line('%j')).toBe('a \\"b\\"\\nc');
  });

  it('shows tags before the text, or as JSON members', () => {
    const tags = { ConnectionId: '5', StreamId: '6' };
    expect(line('%v', { tags, message: 'm' })).toBe('[Tags: "ConnectionId":"5","StreamId":"6"] m');
    expect(line('%+%*', { tags, message: 'm' })).toBe('m,"ConnectionId":"5","StreamId":"6"');
    expect(line('%*')).toBe('');
  });

  it('asks for the place in the source only when it shows it', () => {
    expect(new LogPattern('%v').needsLocation).toBe(false);
    expect(new LogPattern('%5!v %l').needsLocation).toBe(false);
    for (const flag of ['%g', '%s', '%#', '%!', '%@', '%-20@']) expect(new LogPattern(flag).needsLocation).toBe(true);
  });
});

describe('a JSON log format', () => {
  it('becomes lines of valid JSON', () => {
    const result = jsonLogPattern({ level: '%l', nested: { text: '%j' } });
    if (!('pattern' in result)) throw new Error(result.error);
    expect(JSON.parse(line(result.pattern, { tags: { a: 'x"y' } }))).toEqual({ level: 'warning', nested: { text: 'a "b"\nc' }, a: 'x"y' });
  });

  it.each(['%v', '%_'])('refuses %s, which would break it', (flag) => {
    expect(jsonLogPattern({ m: flag })).toHaveProperty('error');
  });
});
