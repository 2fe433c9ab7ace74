import { describe, expect, it } from 'vitest';
import type { ActiveListener } from './active_listener.ts';
import { ListenerDirectory } from './listener_directory.ts';

function listener(): ActiveListener & { isActive: boolean } {
  return { isActive: true } as unknown as ActiveListener & { isActive: boolean };
}

function setUp() {
  const exact = listener();
  const any = listener();
  const six = listener();
  const any6 = listener();
  const directory = new ListenerDirectory();
  directory.add(exact, [{ address: '10.0.0.1', port: 80 }, { address: '/a/path', port: 0 }]);
  directory.add(any, [{ address: '0.0.0.0', port: 80 }]);
  directory.add(six, [{ address: 'FD00:0::1', port: 80 }]);
  directory.add(any6, [{ address: '::', port: 80 }]);
  const names = new Map<ActiveListener | null, string>([[exact, 'exact'], [any, 'any'], [six, 'six'], [any6, 'any6'], [null, 'none']]);
  return { directory, exact, any, ask: (destination: string) => names.get(directory.find(destination)) };
}

describe('ListenerDirectory', () => {
  it.each([
    ['10.0.0.1:80', 'exact'], ['10.0.0.2:80', 'any'], ['10.0.0.1:81', 'none'], ['[fd00::1]:80', 'six'], ['[fd00::2]:80', 'any6'], ['[::]:80', 'any6'], ['/a/path', 'none'], ['', 'none'],
  ])('finds for %s: %s', (destination, expected) => {
    expect(setUp().ask(destination)).toBe(expected);
  });

  it('passes over listeners that have stopped', () => {
    const { exact, any, ask } = setUp();
    exact.isActive = false;
    expect(ask('10.0.0.1:80')).toBe('any');
    any.isActive = false;
    expect(ask('10.0.0.1:80')).toBe('none');
  });

  it('keeps the first of two at one address, until it is emptied', () => {
    const { directory, ask } = setUp();
    directory.add(listener(), [{ address: '10.0.0.1', port: 80 }]);
    expect(ask('10.0.0.1:80')).toBe('exact');
    directory.clear();
    expect(ask('10.0.0.1:80')).toBe('none');
  });
});
